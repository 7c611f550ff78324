import type { CopyRequest } from "../../copy/copy-request.ts";
import { SharedBlobs } from "../../copy/shared-blobs.ts";
import type { Digest } from "../../core/digest.ts";
import { ImageError } from "../../core/errors.ts";
import { type RetryPolicy, retrying } from "../../core/retry.ts";
import { copyClosure } from "../../sync/closure.ts";
import type { GatheredEntry } from "../../sync/gather.ts";
import {
  confirmPruning,
  type DeletionCap,
  deleteAll,
  exceededCap,
  type PlannedDeletion,
  type PruneContext,
  planPruning,
} from "../../sync/prune.ts";
import { createPruneContext } from "../../sync/prune-context.ts";
import type { SyncListener, SyncOutcome } from "../../sync/sync-event.ts";
import type { SyncState } from "../../sync/sync-state.ts";
import { nameOf, type SyncTask } from "../../sync/sync-task.ts";
import { SyncFailure, type SyncResult, synchronize } from "../../sync/synchronize.ts";
import { environmentOf } from "../call-options.ts";
import { admissionOf, type PolicyChoice } from "../policy-choice.ts";
import { closureContext, type GatherOptions, gatherMirrors, resolverOf } from "./gather-mirrors.ts";
import type { Mirrors } from "./mirrors.ts";

export interface SyncOptions
  extends GatherOptions,
    Pick<
      CopyRequest,
      "format" | "preserveDigests" | "removeSignatures" | "signers" | "knowledge" | "inflationLimit"
    > {
  /** `machine` by default. */
  readonly policy?: PolicyChoice | undefined;
  /** Go on with other images after one has failed, which is told in the summary then. */
  readonly keepGoing?: boolean | undefined;
  /** Images at a time; 24 by default. */
  readonly imagesAtATime?: number | undefined;
  /** Tries after one that failed in a way that may pass; none by default. */
  readonly retry?: Pick<RetryPolicy, "times" | "delay"> | undefined;
  /** What earlier runs have left at the destinations, so that less is asked. Is to be saved by its owner. */
  readonly state?: SyncState | undefined;
  /** Delete tags of the destinations that nothing is mirrored to, once all images are there; false by default. */
  readonly prune?: boolean | undefined;
  /** The most tags to delete: a share of each repository's, or a number in all. Half of them by default. */
  readonly maxDelete?: DeletionCap | undefined;
  readonly onEvent?: SyncListener | undefined;
}

/** How it went with one image. */
export interface SyncedImage {
  /** `docker://registry/repository:tag` */
  readonly from: string;
  readonly to: string;
  readonly outcome: SyncOutcome;
  /** What the destination names now. */
  readonly digest?: Digest | undefined;
  /** Why it failed. */
  readonly error?: unknown;
}

export interface Synced {
  readonly images: readonly SyncedImage[];
  readonly deleted: readonly PlannedDeletion[];
  /** How many blobs were sent, mounted and found, and their bytes. */
  readonly blobs: SharedBlobs["totals"];
}

const HALF: DeletionCap = { kind: "percent", value: 50 };

/**
 * Makes registries or directories have the images of others: copies what is missing or different, and with `prune` deletes what is
 * not mirrored. With `keepGoing`, failed images are in the summary, and nothing is deleted.
 * @throws {ImageError} the first failure, without `keepGoing`; CONFIG_INVALID before anything is written; an error without `code`
 * is a programmer's mistake
 */
export async function sync(mirrors: Mirrors, options: SyncOptions = {}): Promise<Synced> {
  const { signal } = options;
  const entries = await gatherMirrors(mirrors, options);
  const tasks = entries.flatMap((entry) => entry.tasks);
  const pruner = await pruneContextOf(entries, options);
  const planned = await findDeletions(tasks, pruner, options);
  const blobs = new SharedBlobs();
  const images = (await copyAll(tasks, blobs, options)).map(toImage);
  const deleted: PlannedDeletion[] = [];
  if (images.every(({ outcome }) => outcome !== "failed")) {
    const going = await confirmPruning(planned, tasks, pruner, { signal });
    await deleteAll(going, pruner, ({ name, digest }) => deleted.push({ name, digest }), { signal });
  }
  return { images, deleted, blobs: blobs.totals };
}

async function copyAll(
  tasks: readonly SyncTask[],
  sharedBlobs: SharedBlobs,
  options: SyncOptions,
): Promise<readonly SyncResult[]> {
  const { policy, keepGoing = false, retry, knowledge, signal } = options;
  const resolve = resolverOf(options);
  const settings = {
    ...options,
    sharedBlobs,
    admit: await admissionOf(policy, environmentOf(options)),
    keepsGoing: keepGoing,
    retrying: <T>(
      work: () => Promise<T>,
      operation: { readonly signal?: AbortSignal | undefined },
    ): Promise<T> => retrying({ times: retry?.times ?? 0, delay: retry?.delay }, work, operation),
    complete: async (task: SyncTask, operation: { readonly signal?: AbortSignal | undefined }) => {
      const context = { ...closureContext(task, resolve), knowledge, sharedBlobs };
      return (await copyClosure(task.source, task.destination, context, operation)).complete;
    },
  };
  try {
    return await synchronize(tasks, settings, { signal });
  } catch (error) {
    throw error instanceof SyncFailure ? error.cause : error;
  }
}

async function pruneContextOf(
  entries: readonly GatheredEntry[],
  options: SyncOptions,
): Promise<PruneContext> {
  const resolve = resolverOf(options);
  const context = await createPruneContext({
    entries,
    tasks: entries.flatMap((entry) => entry.tasks),
    prunes: options.prune ?? false,
    protect: [],
    isWhole: () => true,
    mayPruneOthers: false,
    resolve: async (name, access) => await resolve(name, "destination", access),
  });
  return { ...context, mayPrune: (repository) => options.prune === true && context.mayPrune(repository) };
}

/** @throws {ImageError} UNSUPPORTED_OPERATION when that is more than may be deleted */
async function findDeletions(
  tasks: readonly SyncTask[],
  context: PruneContext,
  { maxDelete = HALF, signal }: SyncOptions,
): Promise<readonly PlannedDeletion[]> {
  const pruned = await planPruning(tasks, context, { signal });
  const exceeded = exceededCap(pruned, maxDelete);
  if (exceeded !== undefined)
    throw new ImageError("UNSUPPORTED_OPERATION", `nothing is deleted: ${exceeded}`);
  return pruned.flatMap(({ deletions }) => deletions).map(({ name, digest }) => ({ name, digest }));
}

function toImage({ task, outcome, digest, error }: SyncResult): SyncedImage {
  const names = { from: nameOf(task.source), to: nameOf(task.destination) };
  return {
    ...names,
    outcome,
    ...(digest === undefined ? {} : { digest }),
    ...(error === undefined ? {} : { error }),
  };
}
