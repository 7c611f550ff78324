import { SharedBlobs } from "../../copy/shared-blobs.ts";
import { errorMessage, withContext } from "../../core/errors.ts";
import type { NetworkEvent } from "../../core/progress.ts";
import { type ClosureContext, copyClosure } from "../../sync/closure.ts";
import type { PlannedDeletion } from "../../sync/prune.ts";
import type { SyncListener } from "../../sync/sync-event.ts";
import { SyncState } from "../../sync/sync-state.ts";
import { nameOf, type SyncTask } from "../../sync/sync-task.ts";
import { SyncFailure, type SyncResult, synchronize } from "../../sync/synchronize.ts";
import { CodedFailure } from "../command.ts";
import { createListing } from "./destination-listing.ts";
import { openDigestFile } from "./digest-file.ts";
import { createSyncRenderer } from "./sync-renderer.ts";
import { checkReports, writeReport } from "./sync-report.ts";
import type { SyncSession } from "./sync-session.ts";
import { checkNewDirectories, type GatheredSources, gatherSources } from "./sync-sources.ts";

export type NetworkListener = (event: NetworkEvent) => void;

/** Does what `sync` was asked for, once all its flags are understood. */
export async function runSync(
  session: SyncSession,
  listenToNetwork: (listener: NetworkListener) => void,
): Promise<void> {
  const { flags, log } = session.invocation;
  if (flags.explain !== undefined) {
    return await (await import("./explain.ts")).explainTag(session, flags.explain);
  }
  await checkReports(flags.report);
  const gathered = await gather(session);
  await checkNewDirectories(gathered.tasks);
  if (flags["dry-run"]) return tellDryRun(session, gathered);
  const state =
    flags.state === undefined ? undefined : await SyncState.open(flags.state, (reason) => log.warn(reason));
  const { planStyle, shard } = session.options;
  const prunes = flags.prune || gathered.entries.some(({ entry }) => entry.prune === true);
  if (planStyle !== undefined || flags.apply !== undefined || shard !== undefined || prunes) {
    const { runPlanned } = await import("./run-planned.ts");
    return await runPlanned(session, gathered, state, listenToNetwork);
  }
  await copyAll(session, gathered, { state, listenToNetwork });
}

/** The images that arguments and files name, or a plan or report alone. */
async function gather(session: SyncSession): Promise<GatheredSources> {
  const { "retry-failed": report } = session.invocation.flags;
  const { sources, destination } = session.options;
  const isNamed = sources.length > 0 || destination !== undefined;
  const gathered = isNamed ? await gatherSources(session) : undefined;
  if (report !== undefined)
    return await (await import("./named-tasks.ts")).failedTasks(session, report, gathered);
  return gathered ?? { tasks: [], entries: [], sources: 0, problems: [], isComplete: false };
}

/** As skopeo tells it: what would be copied, whether it is there already or not. */
function tellDryRun({ invocation: { log } }: SyncSession, { tasks, sources }: GatheredSources): void {
  log.warn("Running in dry-run mode");
  const counts = new Map<string, number>();
  for (const { group } of tasks) counts.set(group, (counts.get(group) ?? 0) + 1);
  const begun = new Map<string, number>();
  for (const task of tasks) {
    const position = (begun.get(task.group) ?? 0) + 1;
    begun.set(task.group, position);
    log.info(`Would have copied image ref ${position}/${counts.get(task.group)}`, {
      from: nameOf(task.source),
      to: nameOf(task.destination),
    });
  }
  log.info(`Would have synced ${tasks.length} images from ${sources} sources`);
}

export interface CopyAllOptions {
  readonly state: SyncState | undefined;
  readonly listenToNetwork: (listener: NetworkListener) => void;
  /** Runs when all images are there, and tells what it deletes. */
  readonly afterwards?: ((onDeleted: (deletion: PlannedDeletion) => void) => Promise<void>) | undefined;
}

/** Copies what is missing or different, and tells how it went. */
export async function copyAll(
  session: SyncSession,
  { tasks, sources, problems }: Pick<GatheredSources, "tasks" | "sources" | "problems">,
  { state, listenToNetwork, afterwards }: CopyAllOptions,
): Promise<void> {
  const { flags, log, signal, stderr } = session.invocation;
  const sharedBlobs = new SharedBlobs();
  const startedAt = new Date();
  const style = session.options.progressStyle;
  const renderer = createSyncRenderer({ style, stderr, log, tellsFailures: flags["keep-going"] });
  listenToNetwork(renderer.onNetworkEvent);
  const digests = flags.digestfile === undefined ? undefined : await openDigestFile(flags.digestfile);
  const onEvent: SyncListener = (event) => renderer.onEvent(event);
  const listing = state === undefined ? undefined : createListing(session);
  let results: readonly SyncResult[] = [];
  const deleted: PlannedDeletion[] = [];
  let failure: unknown;
  try {
    results = await synchronize(
      tasks,
      {
        ...session.settings,
        ...{ state, sharedBlobs, onEvent },
        isListed: listing,
        keepsGoing: flags["keep-going"],
        complete: async (task, options) => {
          const context = { ...closureContext(session, task), sharedBlobs };
          return (await copyClosure(task.source, task.destination, context, options)).complete;
        },
      },
      { signal },
    );
    if (!results.some(isFailed)) await afterwards?.((deletion) => deleted.push(deletion));
    else if (afterwards !== undefined) log.warn("Nothing is deleted, because not all images are there");
  } catch (error) {
    if (error instanceof SyncFailure) results = error.results;
    failure = error instanceof SyncFailure ? failureOf(error) : error;
  }
  renderer.close();
  const blobs = sharedBlobs.totals;
  const begun = new Set(results.map(({ task }) => task));
  const skipped = tasks.filter((task) => !begun.has(task));
  const facts = { startedAt, results, skipped, problems, deleted, requests: session.requests, blobs };
  // Whatever has happened, and whatever cannot be written, the rest is written down.
  const written = await Promise.allSettled([
    state?.save(),
    digests?.(results),
    ...flags.report.map((file) => writeReport(file, facts)),
  ]);
  const losses = written.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
  const [first, ...others] = failure === undefined ? losses : [failure, ...losses];
  for (const loss of others) log.error(errorMessage(loss));
  // Programs wait for the end, whatever it is; people read what ended the run.
  if (failure === undefined || style === "json")
    renderer.summarize({ results, sources, blobs, requests: session.requests });
  if (first !== undefined) throw first;
  if (results.some(isFailed) || problems.length > 0) {
    throw new CodedFailure("Sync failed due to previous reported error(s) for one or more images", 1);
  }
}

function isFailed({ outcome }: SyncResult): boolean {
  return outcome === "failed";
}

/** What brings, or looks for, what belongs to an image. */
export function closureContext(session: SyncSession, task: SyncTask): ClosureContext {
  const { withReferrers, withCosignTags, attachedTags, access } = task;
  return {
    ...{ knowledge: session.settings.knowledge, withReferrers, withCosignTags, attachedTags },
    resolve: (name, role) => session.resolve(name, role, access[role]),
  };
}

/** The first failure, as the run's own. */
function failureOf({ cause, results }: SyncFailure): unknown {
  const failed = results.find(isFailed);
  const name = failed === undefined ? "" : nameOf(failed.task.source);
  return withContext(`Error copying ref ${JSON.stringify(name)}`, cause);
}
