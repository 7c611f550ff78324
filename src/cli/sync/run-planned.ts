import { readFile, writeFile } from "node:fs/promises";
import type { OperationOptions } from "../../core/byte-stream.ts";
import type { Digest } from "../../core/digest.ts";
import { errorMessage, ImageError, inContext } from "../../core/errors.ts";
import { findMissingClosure } from "../../sync/closure.ts";
import type { ImageContents } from "../../sync/image-blobs.ts";
import { hasDifferences, type PlannedImage, parsePlan, planTasks, type SyncPlan } from "../../sync/plan.ts";
import { exceededCap, type PlannedDeletion, type PrunedRepository } from "../../sync/prune.ts";
import { assignShards } from "../../sync/shard.ts";
import type { SyncState } from "../../sync/sync-state.ts";
import { nameOf, type SyncTask } from "../../sync/sync-task.ts";
import { CodedFailure, Finding } from "../command.ts";
import { keyOf, plannedTasks } from "./named-tasks.ts";
import { planText } from "./plan-text.ts";
import { createPruner } from "./pruner.ts";
import { closureContext, copyAll, type NetworkListener } from "./run-sync.ts";
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
  const { flags } = session.invocation;
  const { shard, planStyle } = session.options;
  const saved = flags.apply === undefined ? undefined : await readPlan(flags.apply);
  const tasks = await tasksOf(session, gathered, saved);
  const isCompared = planStyle !== undefined || shard !== undefined || saved !== undefined;
  const written = new Set<Digest>();
  // To prune, it is enough to look again when everything is copied.
  const planned = isCompared ? await compareAll(session, tasks, state, written) : NOTHING_COMPARED;
  const everything =
    saved === undefined
      ? gathered.tasks
      : await plannedTasks(session, saved.images, flags.apply ?? "", gathered.tasks);
  const pruner = await createPruner(session, gathered, everything);
  if (saved !== undefined) {
    refuseMoved([...movedImages(saved, planned.images), ...(await pruner.findMoved(saved.deletions))]);
  }
  const pruned = saved === undefined ? await pruner.find(gathered.tasks) : [];
  const deletions = saved?.deletions ?? withoutWritten(pruned, written);
  const plan: SyncPlan = { ...planned, deletions };
  const sizes = saved === undefined ? plan.images : asPlanned(saved, plan.images);
  const mine = shard === undefined ? undefined : assignShards(sizes, shard.count);
  const isMine = (index: number): boolean => mine === undefined || mine[index] === shard?.index;
  if (planStyle !== undefined) {
    const own = { ...plan, images: plan.images.filter((_, index) => isMine(index)) };
    return await tellPlan(session, own, pruned, gathered.isComplete || flags["retry-failed"] !== undefined);
  }
  const exceeded = exceededCap(pruned, session.options.maxDelete);
  if (exceeded !== undefined) throw refusal(`nothing was changed: ${exceeded}; --max-delete allows more`);
  const chosen = tasks
    .map((task, index) => ({
      ...task,
      expected: saved === undefined ? undefined : plan.images[index]?.source,
    }))
    .filter((_, index) => isMine(index));
  const mayDelete = (shard === undefined || shard.index === 1) && deletions.length > 0;
  const sources = saved === undefined ? gathered.sources : new Set(tasks.map(({ group }) => group)).size;
  await copyAll(
    session,
    { tasks: chosen, sources, problems: gathered.problems },
    {
      state,
      listenToNetwork,
      afterwards: mayDelete
        ? async (onDeleted) => await pruner.remove(everything, deletions, onDeleted)
        : undefined,
    },
  );
}

const NOTHING_COMPARED: Omit<SyncPlan, "deletions"> = {
  version: 1,
  createdAt: "",
  images: [],
  expected: { bytes: 0, mounts: 0, requests: 0 },
};

/** Every manifest that is to be written is put among the `written`. */
async function compareAll(
  session: SyncSession,
  tasks: readonly SyncTask[],
  state: SyncState | undefined,
  written: Set<Digest>,
): Promise<Omit<SyncPlan, "deletions">> {
  const { settings, options, invocation } = session;
  // Every shard must find the same parts, whatever another has copied meanwhile.
  const measuresAll = options.shard !== undefined && invocation.flags.apply === undefined;
  const findMissing = async (task: SyncTask, operation: OperationOptions): Promise<readonly string[]> =>
    await findMissingClosure(task.source, task.destination, closureContext(session, task), operation);
  const planning = {
    ...{ state, measuresAll, retrying: settings.retrying },
    onContents: ({ manifests }: ImageContents): void => {
      for (const digest of manifests) written.add(digest);
    },
    // Whoever copies finds it out anyway.
    findMissing: options.planStyle === undefined ? undefined : findMissing,
  };
  return await inContext(measuresAll ? "finding the parts of --shard" : "planning", () =>
    planTasks(tasks, planning, { signal: invocation.signal }),
  );
}

/** The same images, as the saved plan has them. */
function asPlanned(saved: SyncPlan, images: readonly PlannedImage[]): readonly PlannedImage[] {
  const before = new Map(saved.images.map((image) => [keyOf(image.from, image.to), image]));
  return images.map((image) => before.get(keyOf(image.from, image.to)) ?? image);
}

/** A manifest that is about to be written, under another name or as a part of an index, is not one to delete. */
function withoutWritten(
  pruned: readonly PrunedRepository[],
  written: ReadonlySet<Digest>,
): readonly PlannedDeletion[] {
  return pruned
    .flatMap((repository) => repository.deletions)
    .filter(({ digest }) => !written.has(digest))
    .map(({ name, digest }) => ({ name, digest }));
}

/** @throws {CodedFailure} when the arguments no longer ask for an image of the plan */
async function tasksOf(
  session: SyncSession,
  { tasks }: GatheredSources,
  saved: SyncPlan | undefined,
): Promise<readonly SyncTask[]> {
  if (saved === undefined) return tasks;
  const wanted = saved.images.filter(({ action }) => action === "add" || action === "update");
  const unknown = saved.images.filter(({ action }) => action === "failed").length;
  if (unknown > 0)
    session.invocation.log.warn(`The plan leaves out ${unknown} images that could not be compared for it`);
  if (session.options.sources.length > 0) {
    const asked = new Set(tasks.map((task) => keyOf(nameOf(task.source), nameOf(task.destination))));
    refuseMoved(
      wanted
        .filter(({ from, to }) => !asked.has(keyOf(from, to)))
        .map(({ from, to }) => `${from} is not to go to ${to} any more`),
    );
  }
  return await plannedTasks(session, wanted, session.invocation.flags.apply ?? "", tasks);
}

async function readPlan(file: string): Promise<SyncPlan> {
  try {
    return parsePlan(await readFile(file, "utf8"), file);
  } catch (error) {
    if (error instanceof ImageError) throw error;
    throw new ImageError("CONFIG_INVALID", `reading plan ${file}: ${errorMessage(error)}`, { cause: error });
  }
}

/** What is no longer as the plan has it. */
function movedImages(saved: SyncPlan, found: readonly PlannedImage[]): readonly string[] {
  const before = new Map(saved.images.map((image) => [keyOf(image.from, image.to), image]));
  return found.flatMap(({ from, to, source, destination, action, error }) => {
    const image = before.get(keyOf(from, to));
    if (action === "failed") return [`${from}: ${error}`];
    if (image?.source !== source) return [`${from} was ${image?.source} and is ${source}`];
    if (image?.destination === destination || action === "unchanged") return [];
    return [`${to} was ${image?.destination ?? "not there"} and is ${destination ?? "not there"}`];
  });
}

/** @throws {CodedFailure} when anything that the plan is about is no longer as it was */
function refuseMoved(moved: readonly string[]): void {
  if (moved.length === 0) return;
  const more = moved.length > NAMED_AT_MOST ? [`and ${moved.length - NAMED_AT_MOST} more`] : [];
  throw refusal(
    `nothing was changed, because the plan no longer fits: ${[...moved.slice(0, NAMED_AT_MOST), ...more].join("; ")}`,
  );
}

async function tellPlan(
  { options, invocation: { flags, stdout } }: SyncSession,
  plan: SyncPlan,
  pruned: readonly PrunedRepository[],
  isComplete: boolean,
): Promise<void> {
  const json = `${JSON.stringify(plan, null, 2)}\n`;
  const exceeded = exceededCap(pruned, options.maxDelete);
  // What goes too far is for looking at, not to be applied.
  if (flags["plan-out"] !== undefined && exceeded === undefined) await write(flags["plan-out"], json);
  stdout.write(options.planStyle === "json" ? json : planText(plan));
  if (exceeded !== undefined) throw refusal(`${exceeded}; --max-delete allows more`);
  if (!isComplete) throw new CodedFailure("not all of the sources could be looked through", 1);
  const failed = plan.images.filter(({ action }) => action === "failed");
  if (failed.length > 0)
    throw new CodedFailure(`${failed.length} images cannot be compared: ${failed[0]?.error}`, 1);
  if (hasDifferences(plan)) throw new Finding("the destination differs from the plan's sources", DIFFERS);
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (error) {
    throw new ImageError("STORAGE_FAILURE", `writing ${file}: ${errorMessage(error)}`, { cause: error });
  }
}
