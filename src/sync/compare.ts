import type { OperationOptions } from "../core/byte-stream.ts";
import type { Digest } from "../core/digest.ts";
import { isAbort } from "../core/errors.ts";
import type { ImageReference } from "../core/image.ts";
import type { SyncState } from "./sync-state.ts";
import type { SyncTask } from "./sync-task.ts";

/** What both sides name at present. */
export interface Comparison {
  /** Undefined where the source does not say it in short; it will when it is read. */
  readonly source: Digest | undefined;
  /** `none` where there is nothing; undefined where it was not asked, or cannot be. */
  readonly destination: Digest | "none" | undefined;
  readonly isEqual: boolean;
  /** Nobody was asked, because nothing that belongs to the image can have changed either. */
  readonly isFinal?: boolean | undefined;
  /** Why the destination could not be asked. */
  readonly problem?: unknown;
}

/** Which images destinations are known to have, without asking for each of them. */
export interface KnownDestinations {
  /** The state of earlier runs. */
  readonly state?: SyncState | undefined;
  /** Whether the destination's list of tags has this one; undefined where it has not been listed. */
  readonly isListed?: ((task: SyncTask) => Promise<boolean | undefined>) | undefined;
}

/**
 * Compares both sides of a task by asking each once, at the same time: with a `HEAD`, which spends no quota. What an earlier
 * run remembers and the list of the destination's tags confirms is not asked again.
 */
export async function compareTask(
  task: SyncTask,
  known: KnownDestinations,
  options: OperationOptions,
): Promise<Comparison> {
  const remembered = known.state?.find(task);
  const isThere = remembered !== undefined && (await known.isListed?.(task)) === true;
  if (isThere && task.isImmutable) {
    return { source: remembered.source, destination: remembered.destination, isEqual: true, isFinal: true };
  }
  const source = findSource(task, options);
  if (isThere) {
    const found = await source;
    if (found === remembered.source) {
      return { source: found, destination: remembered.destination, isEqual: true };
    }
  }
  const [from, { digest: to, problem }] = await Promise.all([source, findDestination(task, options)]);
  const isSame = from !== undefined && from === to;
  const isAsBefore = from !== undefined && from === remembered?.source && to === remembered.destination;
  return { source: from, destination: to, isEqual: isSame || isAsBefore, problem };
}

async function findSource({ source }: SyncTask, options: OperationOptions): Promise<Digest | undefined> {
  return await source.findDigest?.("source", options);
}

/** A destination that cannot be asked gets its chance to explain itself when it is written to. */
async function findDestination(
  { destination }: SyncTask,
  options: OperationOptions,
): Promise<{ readonly digest?: Digest | "none" | undefined; readonly problem?: unknown }> {
  if (destination.findDigest === undefined) return { digest: await readDigest(destination, options) };
  try {
    return { digest: (await destination.findDigest("destination", options)) ?? "none" };
  } catch (problem) {
    if (isAbort(problem)) throw problem;
    return { problem };
  }
}

/** What a directory holds is read; undefined where that is nothing that can be read. */
async function readDigest(
  { transport, openSource }: ImageReference,
  options: OperationOptions,
): Promise<Digest | undefined> {
  if (transport.name !== "dir" || openSource === undefined) return undefined;
  try {
    await using source = await openSource(options);
    return (await source.readManifest(undefined, options)).digest;
  } catch (error) {
    if (isAbort(error)) throw error;
    return undefined;
  }
}
