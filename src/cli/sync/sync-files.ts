import { readFile } from "node:fs/promises";
import { errorMessage, ImageError } from "../../core/errors.ts";
import { readCreationDate } from "../../sync/creation-date.ts";
import type { MirrorEntry } from "../../sync/files/mirror-entry.ts";
import { detectSyncFile, parseMirrorFile, type SyncFileKind } from "../../sync/files/mirror-file.ts";
import { parseShortYaml } from "../../sync/files/short-yaml.ts";
import { parseSkopeoYaml } from "../../sync/files/skopeo-yaml.ts";
import { applyTagFilter, type TagVerdict } from "../../sync/files/tag-filter.ts";
import { checkDestinations, type GatherContext, type GatheredEntry, gatherTasks } from "../../sync/gather.ts";
import { readPlatform } from "../flags/copy-options.ts";
import { quote } from "../go-text.ts";
import type { SyncSession } from "./sync-session.ts";
import { type GatheredSources, gatherContext, type SourceProblem } from "./sync-sources.ts";

/** A file of entries, as it was read. */
export interface LoadedFile {
  readonly kind: SyncFileKind;
  /** Whether all of it could be read. */
  readonly isComplete: boolean;
  readonly entries: readonly MirrorEntry[];
}

/** What files ask for. @throws {ImageError} CONFIG_INVALID with file and line */
export async function gatherFiles(session: SyncSession): Promise<GatheredSources> {
  const { invocation, options } = session;
  const found: GatheredEntry[] = [];
  const problems: SourceProblem[] = [];
  let isComplete = true;
  for (const path of options.sources) {
    const file = await loadSyncFile(session, path);
    isComplete &&= file.isComplete;
    const context = fileContext(session, file.kind, (problem) => {
      isComplete = false;
      // Real skopeo tells of it, and counts it as no failure.
      if (file.kind !== "skopeo") problems.push(problem);
    });
    found.push(...(await gatherTasks(withFlags(file, session), context, { signal: invocation.signal })));
  }
  if (options.destination !== undefined && found.length > 0 && found.every(namesDestinations)) {
    invocation.log.warn(`${options.destination} is not used, because all entries name their destinations`);
  }
  if (options.sources.length > 1) checkDestinations(found.flatMap(({ tasks }) => tasks));
  for (const { entry, tasks } of found) {
    if (tasks.length === 0) invocation.log.warn("No refs to sync found", fieldsOf(entry));
  }
  const tasks = found.flatMap((entry) => entry.tasks);
  return { tasks, entries: found, sources: found.length, problems, isComplete };
}

function namesDestinations({ entry }: GatheredEntry): boolean {
  return entry.destinations !== undefined;
}

/** Reads a file of any kind, and tells what is wrong with one of skopeo's, which goes on all the same. */
export async function loadSyncFile({ invocation: { log } }: SyncSession, path: string): Promise<LoadedFile> {
  const text = await readText(path);
  const kind = await detectSyncFile(text, path);
  switch (kind) {
    case "mirror":
      return {
        kind,
        isComplete: true,
        entries: await parseMirrorFile(text, { file: path, variables: process.env }),
      };
    case "short":
      return { kind, isComplete: true, entries: await parseShortYaml(text, path) };
    case "skopeo": {
      const { entries, problems } = await parseSkopeoYaml(text, path);
      for (const { level, message, fields, cause } of problems) {
        if (level === "warning") log.warn(message, fields);
        else log.error(message, fields);
        if (cause !== undefined) log.error(cause);
      }
      return { kind, isComplete: problems.length === 0, entries };
    }
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const reason = errorMessage(error);
    throw new ImageError("CONFIG_INVALID", `Failed to read ${quote(path)}: ${reason}`, { cause: error });
  }
}

/** Flags say what a file leaves open. */
function withFlags({ kind, entries }: LoadedFile, session: SyncSession): readonly MirrorEntry[] {
  const { "with-referrers": referrers } = session.invocation.flags;
  if (kind === "mirror") return entries;
  return entries.map((entry) => ({ ...entry, referrers, cosignTags: referrers }));
}

/** `onSkipped` is told of each entry that is left out. */
function fileContext(
  session: SyncSession,
  kind: SyncFileKind,
  onSkipped: (problem: SourceProblem) => void,
): GatherContext {
  const { flags, log } = session.invocation;
  return {
    ...gatherContext(session),
    choose: async (entry, tags, { signal }) =>
      (await judgeTags(session, entry, tags, signal)).flatMap(({ tag, kept }) => (kept ? [tag] : [])),
    instancesOf: ({ platforms }) => {
      if (platforms === undefined) {
        const isChosen = flags.all || flags["multi-arch"] !== undefined;
        return kind === "mirror" && !isChosen ? { kind: "all" } : session.instances;
      }
      if (platforms === "all") return { kind: "all" };
      return {
        kind: "platforms",
        platforms: platforms.map((text) => readPlatform(text, platforms.join(","))),
      };
    },
    onListing: (repository) => {
      const [registry = "", ...repo] = repository.split("/");
      log.info("Querying registry for image tags", { registry, repo: repo.join("/") });
    },
    onProblem: (error, entry) => {
      // Parts of fewer images would be other parts than those of the other runs.
      if (session.options.shard !== undefined && flags.apply === undefined) throw error;
      if (kind !== "skopeo" && !flags["keep-going"]) throw error;
      log.error("Error processing repo, skipping", fieldsOf(entry));
      log.error(errorMessage(error));
      const { registry, repository } = entry.source;
      onSkipped({ from: `${registry}/${repository}`, place: entry.place, error: errorMessage(error) });
    },
  };
}

function fieldsOf({ source: { registry, repository } }: MirrorEntry): Record<string, string> {
  return { registry, repo: repository };
}

/** What an entry makes of the tags of its source, and why. */
export async function judgeTags(
  session: SyncSession,
  entry: MirrorEntry,
  tags: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly TagVerdict[]> {
  const { source, access, selection } = entry;
  const createdAt = async (tag: string): Promise<Date | undefined> => {
    const name = `docker://${source.registry}/${source.repository}:${tag}`;
    return await readCreationDate(await session.resolve(name, "source", access), { signal });
  };
  return await applyTagFilter(selection.filter ?? {}, tags, { now: new Date(), createdAt, signal });
}
