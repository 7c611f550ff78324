import { readFile, writeFile } from "node:fs/promises";
import { errorMessage, ImageError } from "../../core/errors.ts";
import { matchesGlob } from "../../sync/glob.ts";
import { hasDifferences, type PlannedImage, parsePlan, planTasks, type SyncPlan } from "../../sync/plan.ts";
import {
  deleteAll,
  exceededCap,
  type PlannedDeletion,
  type PruneContext,
  type PrunedRepository,
  planPruning,
} from "../../sync/prune.ts";
import { assignShards } from "../../sync/shard.ts";
import type { SyncState } from "../../sync/sync-state.ts";
import { nameOf, type SyncTask } from "../../sync/sync-task.ts";
import { CodedFailure } from "../command.ts";
import { plannedTasks } from "./named-tasks.ts";
import { planText } from "./plan-text.ts";
import { copyAll, type NetworkListener } from "./run-sync.ts";
import { DIFFERS, refusal } from "./sync-options.ts";
import type { SyncSession } from "./sync-session.ts";
import type { GatheredSources } from "./sync-sources.ts";

/** Differences that are named when a plan no longer fits. */
const NAMED_AT_MOST = 10;

/** What a run does that looks at everything before it writes anything. */
export async function runPlanned(
  session: SyncSession,
  gathered: GatheredSources,
  state: SyncState | undefined,
  listenToNetwork: (listener: NetworkListener) => void,
): Promise<void> {
  const { flags, signal } = session.invocation;
  const { shard, planStyle } = session.options;
  const saved = flags.apply === undefined ? undefined : await readPlan(flags.apply);
  const tasks = await tasksOf(session, gathered, saved);
  const planned = await planTasks(tasks, { state }, { signal });
  if (saved !== undefined) checkUnmoved(saved, planned.images);
  const pruned = flags.prune && saved === undefined ? await prune(session, gathered.tasks) : [];
  const deletions = saved?.deletions ?? pruned.flatMap((repository) => repository.deletions);
  const plan: SyncPlan = { ...planned, deletions: deletions.map(({ name, digest }) => ({ name, digest })) };
  const mine = shard === undefined ? undefined : assignShards(plan.images, shard.count);
  const isMine = (index: number): boolean => mine === undefined || mine[index] === shard?.index;
  if (planStyle !== undefined) {
    const own = { ...plan, images: plan.images.filter((_, index) => isMine(index)) };
    return await tellPlan(session, own, pruned);
  }
  const exceeded = exceededCap(pruned, session.options.maxDelete);
  if (exceeded !== undefined) throw refusal(`nothing was changed: ${exceeded}; --max-delete allows more`);
  const chosen = tasks
    .map((task, index) => ({
      ...task,
      expected: saved === undefined ? undefined : plan.images[index]?.source,
    }))
    .filter((_, index) => isMine(index));
  const mayDelete = shard === undefined || shard.index === 1;
  const { sources } =
    saved === undefined ? gathered : { sources: new Set(tasks.map(({ group }) => group)).size };
  await copyAll(
    session,
    { tasks: chosen, sources },
    {
      state,
      listenToNetwork,
      afterwards: async () => (mayDelete ? await removeAll(session, plan.deletions, pruned) : []),
    },
  );
}

async function tasksOf(
  session: SyncSession,
  { tasks }: GatheredSources,
  saved: SyncPlan | undefined,
): Promise<readonly SyncTask[]> {
  if (saved === undefined) return tasks;
  const wanted = saved.images.filter(({ action }) => action === "add" || action === "update");
  if (tasks.length === 0) return await plannedTasks(session, wanted, session.invocation.flags.apply ?? "");
  const names = new Set(wanted.map(({ from, to }) => `${from} ${to}`));
  return tasks.filter((task) => names.has(`${nameOf(task.source)} ${nameOf(task.destination)}`));
}

async function readPlan(file: string): Promise<SyncPlan> {
  try {
    return parsePlan(await readFile(file, "utf8"), file);
  } catch (error) {
    if (error instanceof ImageError) throw error;
    throw new ImageError("CONFIG_INVALID", `reading plan ${file}: ${errorMessage(error)}`, { cause: error });
  }
}

/** @throws {CodedFailure} when anything that the plan is about is no longer as it was */
function checkUnmoved(saved: SyncPlan, found: readonly PlannedImage[]): void {
  const before = new Map(saved.images.map((image) => [`${image.from} ${image.to}`, image]));
  const moved = found.flatMap(({ from, to, source, destination, action, error }) => {
    const image = before.get(`${from} ${to}`);
    if (action === "failed") return [`${from}: ${error}`];
    if (image?.source !== source) return [`${from} was ${image?.source} and is ${source}`];
    if (image?.destination === destination || action === "unchanged") return [];
    return [`${to} was ${image?.destination ?? "not there"} and is ${destination ?? "not there"}`];
  });
  if (moved.length === 0) return;
  const more = moved.length > NAMED_AT_MOST ? [`and ${moved.length - NAMED_AT_MOST} more`] : [];
  throw refusal(
    `nothing was changed, because the plan no longer fits: ${[...moved.slice(0, NAMED_AT_MOST), ...more].join("; ")}`,
  );
}

async function prune(session: SyncSession, tasks: readonly SyncTask[]): Promise<readonly PrunedRepository[]> {
  const { flags, signal, log } = session.invocation;
  const pruned = await planPruning(tasks, pruneContext(session, flags.protect), { signal });
  for (const { name, reason } of pruned.flatMap(({ kept }) => kept))
    log.info("Not deleted", { name, reason });
  return pruned;
}

function pruneContext(session: SyncSession, patterns: readonly string[]): PruneContext {
  return {
    resolve: (name) => session.resolve(name, "destination"),
    isProtected: (_repository, tag) => patterns.some((pattern) => matchesGlob(pattern, tag)),
  };
}

async function tellPlan(
  { options, invocation: { flags, stdout } }: SyncSession,
  plan: SyncPlan,
  pruned: readonly PrunedRepository[],
): Promise<void> {
  const json = `${JSON.stringify(plan, null, 2)}\n`;
  if (flags["plan-out"] !== undefined) await write(flags["plan-out"], json);
  stdout.write(options.planStyle === "json" ? json : planText(plan));
  const exceeded = exceededCap(pruned, options.maxDelete);
  if (exceeded !== undefined) throw refusal(`${exceeded}; --max-delete allows more`);
  const failed = plan.images.filter(({ action }) => action === "failed");
  if (failed.length > 0)
    throw new CodedFailure(`${failed.length} images cannot be compared: ${failed[0]?.error}`, 1);
  if (hasDifferences(plan))
    throw new CodedFailure("the destination differs from the plan's sources", DIFFERS);
}

/** Deletes, and keeps what is needed to bring it back. */
async function removeAll(
  session: SyncSession,
  deletions: readonly PlannedDeletion[],
  pruned: readonly PrunedRepository[],
): Promise<readonly PlannedDeletion[]> {
  const { flags, log, signal } = session.invocation;
  if (flags["restore-list"] !== undefined) await write(flags["restore-list"], restoreList(deletions, pruned));
  const deleted: PlannedDeletion[] = [];
  const onDeleted = (deletion: PlannedDeletion): void => {
    deleted.push(deletion);
    log.info("Deleted", { name: deletion.name, digest: deletion.digest });
  };
  await deleteAll(deletions, { resolve: (name) => session.resolve(name, "destination") }, onDeleted, {
    signal,
  });
  return deleted;
}

/** With the manifests, which a registry takes back as long as it has not collected the blobs. */
function restoreList(deletions: readonly PlannedDeletion[], pruned: readonly PrunedRepository[]): string {
  const manifests = new Map(
    pruned.flatMap((repository) => repository.deletions.map(({ digest, manifest }) => [digest, manifest])),
  );
  const entries = deletions.map(({ name, digest }) => {
    const manifest = manifests.get(digest);
    return {
      name,
      digest,
      mediaType: manifest?.mediaType,
      manifest: manifest && Buffer.from(manifest.bytes).toString("base64"),
    };
  });
  return `${JSON.stringify({ version: 1, deleted: entries }, null, 2)}\n`;
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (error) {
    throw new ImageError("STORAGE_FAILURE", `writing ${file}: ${errorMessage(error)}`, { cause: error });
  }
}
