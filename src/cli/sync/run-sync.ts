import { writeFile } from "node:fs/promises";
import { SharedBlobs } from "../../copy/shared-blobs.ts";
import { errorMessage, ImageError, withContext } from "../../core/errors.ts";
import type { NetworkEvent } from "../../core/progress.ts";
import type { SyncListener } from "../../sync/sync-event.ts";
import { SyncState } from "../../sync/sync-state.ts";
import { nameOf, type SyncTask } from "../../sync/sync-task.ts";
import { SyncFailure, type SyncResult, synchronize } from "../../sync/synchronize.ts";
import { CodedFailure } from "../command.ts";
import { createSyncRenderer } from "./sync-renderer.ts";
import { writeReports } from "./sync-report.ts";
import type { SyncSession } from "./sync-session.ts";
import { checkNewDirectories, type GatheredSources, gatherSources } from "./sync-sources.ts";

/** Does what `sync` was asked for, once all its flags are understood. */
export async function runSync(
  session: SyncSession,
  listenToNetwork: (listener: (event: NetworkEvent) => void) => void,
): Promise<void> {
  const { flags, log } = session.invocation;
  const gathered = await gatherSources(session);
  await checkNewDirectories(gathered.tasks);
  if (flags["dry-run"]) return tellDryRun(session, gathered);
  const state =
    flags.state === undefined ? undefined : await SyncState.open(flags.state, (reason) => log.warn(reason));
  await copyAll(session, gathered, state, listenToNetwork);
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

async function copyAll(
  session: SyncSession,
  gathered: GatheredSources,
  state: SyncState | undefined,
  listenToNetwork: (listener: (event: NetworkEvent) => void) => void,
): Promise<void> {
  const { flags, log, signal, stderr } = session.invocation;
  const sharedBlobs = new SharedBlobs();
  const startedAt = new Date();
  const renderer = createSyncRenderer({
    style: session.options.progressStyle,
    stderr,
    log,
    tellsFailures: flags["keep-going"],
  });
  listenToNetwork(renderer.onNetworkEvent);
  const digests = flags.digestfile === undefined ? undefined : await openDigestFile(flags.digestfile);
  const onEvent: SyncListener = (event) => renderer.onEvent(event);
  const settings = { ...session.settings, state, sharedBlobs, onEvent, keepsGoing: flags["keep-going"] };
  let results: readonly SyncResult[] = [];
  try {
    results = await synchronize(gathered.tasks, settings, { signal });
  } catch (error) {
    if (!(error instanceof SyncFailure)) throw error;
    results = error.results;
    throw failureOf(error);
  } finally {
    renderer.close();
    await state?.save();
    await digests?.(results);
    const facts = { startedAt, results, requests: session.requests, blobs: sharedBlobs.totals };
    await writeReports(flags.report, facts);
  }
  renderer.summarize({
    results,
    sources: gathered.sources,
    blobs: sharedBlobs.totals,
    requests: session.requests,
  });
  if (results.some(({ outcome }) => outcome === "failed")) {
    throw new CodedFailure("Sync failed due to previous reported error(s) for one or more images", 1);
  }
}

/** The first failure, as the run's own. */
function failureOf({ cause, results }: SyncFailure): unknown {
  const failed = results.find(({ outcome }) => outcome === "failed");
  const name = failed === undefined ? "" : nameOf(failed.task.source);
  return withContext(`Error copying ref ${JSON.stringify(name)}`, cause);
}

/** Empties the file at once, so that an unusable one is found before anything is copied. */
async function openDigestFile(path: string): Promise<(results: readonly SyncResult[]) => Promise<void>> {
  const write = async (text: string): Promise<void> => {
    try {
      await writeFile(path, text, { mode: 0o644 });
    } catch (error) {
      throw new ImageError("STORAGE_FAILURE", `Error creating digest file: ${errorMessage(error)}`, {
        cause: error,
      });
    }
  };
  await write("");
  return async (results) => {
    const lines = results.flatMap(({ task, digest }) =>
      digest === undefined ? [] : [digestLine(task, digest)],
    );
    await write(lines.join(""));
  };
}

function digestLine({ destination }: SyncTask, digest: string): string {
  return `${digest} ${nameOf(destination)}\n`;
}
