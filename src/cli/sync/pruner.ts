import { writeFile } from "node:fs/promises";
import { errorMessage, ImageError } from "../../core/errors.ts";
import { forEachLimited } from "../../core/limiter.ts";
import { parseTagPattern } from "../../sync/files/tag-pattern.ts";
import {
  confirmPruning,
  deleteAll,
  type PlannedDeletion,
  type PruneContext,
  type PrunedRepository,
  planPruning,
} from "../../sync/prune.ts";
import { createPruneContext } from "../../sync/prune-context.ts";
import type { SyncTask } from "../../sync/sync-task.ts";
import type { SyncSession } from "./sync-session.ts";
import type { GatheredSources } from "./sync-sources.ts";

/** Tags that are asked about at a time. */
const ASKED_AT_A_TIME = 16;

/** Deletes at destinations what sources lack. */
export interface Pruner {
  /** What would be deleted now, if `tasks` are all that is wanted. */
  find(tasks: readonly SyncTask[]): Promise<readonly PrunedRepository[]>;
  /** Tells which of the `planned` name something else by now; what is gone is no trouble. */
  findMoved(planned: readonly PlannedDeletion[]): Promise<readonly string[]>;
  /** Deletes those of the `planned` that still may be: what has been copied since may need some of them. */
  remove(
    tasks: readonly SyncTask[],
    planned: readonly PlannedDeletion[],
    onDeleted: (deletion: PlannedDeletion) => void,
  ): Promise<void>;
}

/** Prunes where flags or entries ask for it; nowhere, if some source could not be looked through. `tasks` are all that there are. */
export async function createPruner(
  session: SyncSession,
  gathered: GatheredSources,
  tasks: readonly SyncTask[],
): Promise<Pruner> {
  const { flags, signal, log } = session.invocation;
  const context = await pruneContext(session, gathered, tasks);
  return {
    find: async (tasks) => {
      const pruned = await planPruning(tasks, context, { signal });
      for (const { name, reason } of pruned.flatMap(({ kept }) => kept)) {
        log.info("Not deleted", { name, reason });
      }
      return pruned;
    },
    async findMoved(planned) {
      const moved: string[] = [];
      await forEachLimited(
        planned,
        ASKED_AT_A_TIME,
        async ({ name, digest }, _index, options) => {
          const found = await (await context.resolve(name)).findDigest?.("destination", options);
          if (found !== undefined && found !== digest) moved.push(`${name} was ${digest} and is ${found}`);
        },
        { signal },
      );
      return moved;
    },
    async remove(tasks, planned, onDeleted) {
      const found = await confirmPruning(planned, tasks, context, { signal });
      const going = new Set(found.map(({ name }) => name));
      for (const { name } of planned.filter((deletion) => !going.has(deletion.name))) {
        log.info("Not deleted", { name, reason: "it is needed by now, or has gone" });
      }
      // A list of nothing would only take the place of an earlier one.
      if (flags["restore-list"] !== undefined && found.length > 0)
        await writeRestoreList(flags["restore-list"], found);
      const tell = ({ name, digest }: PlannedDeletion): void => {
        onDeleted({ name, digest });
        log.info("Deleted", { name, digest });
      };
      await deleteAll(found, context, tell, { signal });
    },
  };
}

async function pruneContext(
  session: SyncSession,
  gathered: GatheredSources,
  tasks: readonly SyncTask[],
): Promise<PruneContext> {
  const { flags, log } = session.invocation;
  const isApplied = flags.apply !== undefined;
  const isSafe = gathered.isComplete || isApplied;
  const context = await createPruneContext({
    entries: gathered.entries,
    tasks,
    prunes: flags.prune,
    protect: flags.protect.map((text) => parseTagPattern(text)),
    // One image on the command line is not all that a repository is to have.
    isWhole: ({ listed }) => listed !== undefined || session.options.sourceKind === "yaml",
    mayPruneOthers: isApplied || (flags.prune && gathered.entries.length === 0),
    resolve: async (name, access) => await session.resolve(name, "destination", access),
  });
  const asks = flags.prune || gathered.entries.some(({ entry }) => entry.prune === true);
  if (!isSafe && asks) log.warn("Nothing is deleted, because not all of the sources are known");
  return { ...context, mayPrune: (repository) => isSafe && context.mayPrune(repository) };
}

/** With the manifests, which a registry takes back as long as it has not collected the blobs. */
async function writeRestoreList(
  file: string,
  deletions: readonly PrunedRepository["deletions"][number][],
): Promise<void> {
  const deleted = deletions.map(({ name, digest, manifest }) => ({
    name,
    digest,
    mediaType: manifest.mediaType,
    manifest: Buffer.from(manifest.bytes).toString("base64"),
  }));
  try {
    await writeFile(file, `${JSON.stringify({ version: 1, deleted }, null, 2)}\n`);
  } catch (error) {
    throw new ImageError("STORAGE_FAILURE", `writing ${file}: ${errorMessage(error)}`, { cause: error });
  }
}
