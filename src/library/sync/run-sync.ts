import { SharedBlobs } from "../../copy/shared-blobs.ts";
import type { OperationOptions } from "../../core/byte-stream.ts";
import { errorMessage, ImageError } from "../../core/errors.ts";
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
import { nameOf, type SyncTask } from "../../sync/sync-task.ts";
import { SyncFailure, type SyncResult, synchronize } from "../../sync/synchronize.ts";
import { environmentOf } from "../call-options.ts";
import { admissionOf } from "../policy-choice.ts";
import { closureContext, gatherMirrors, resolverOf } from "./gather-mirrors.ts";
import type { Mirrors } from "./mirrors.ts";
import type { Synced, SyncedImage, SyncOptions } from "./sync.ts";

const HALF: DeletionCap = { kind: "percent", value: 50 };

/** See `sync`. */
export async function runSync(mirrors: Mirrors, options: SyncOptions): Promise<Synced> {
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
  const { policy, keepGoing = false, knowledge, signal } = options;
  const resolve = resolverOf(options);
  const settings = {
    ...options,
    sharedBlobs,
    admit: await admissionOf(policy, environmentOf(options)),
    keepsGoing: keepGoing,
    retrying: <T>(work: () => Promise<T>, operation: OperationOptions, task: SyncTask): Promise<T> =>
      retrying(retryPolicy(task, options), work, operation),
    complete: async (task: SyncTask, operation: OperationOptions) => {
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

function retryPolicy({ source, destination }: SyncTask, { retry, onEvent }: SyncOptions): RetryPolicy {
  const [from, to] = [nameOf(source), nameOf(destination)];
  return {
    times: retry?.times ?? 0,
    delay: retry?.delay,
    onRetry: ({ error, retry: attempt, delay: wait }) =>
      onEvent?.({ kind: "image-retry", from, to, attempt, wait, error: errorMessage(error) }),
  };
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
