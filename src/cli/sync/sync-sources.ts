import { mkdir, readdir, stat } from "node:fs/promises";
import { dirname, join, posix, relative, sep } from "node:path";
import { errorMessage, ImageError } from "../../core/errors.ts";
import { isMissing } from "../../runtime/files.ts";
import { STAGING_PREFIX } from "../../runtime/temporary-file.ts";
import { type DestinationPlace, destinationName } from "../../sync/destination-name.ts";
import { destinationNamer } from "../../sync/files/destinations.ts";
import type { MirrorEntry } from "../../sync/files/mirror-entry.ts";
import { entryFromReference } from "../../sync/files/reference-entry.ts";
import { type GatherContext, type GatheredEntry, gatherTasks } from "../../sync/gather.ts";
import type { SyncTask } from "../../sync/sync-task.ts";
import { UsageError } from "../command.ts";
import { quote } from "../go-text.ts";
import type { SyncSession } from "./sync-session.ts";

/** A source that could not be looked through. */
export interface SourceProblem {
  /** `registry/repository` */
  readonly from: string;
  /** Where it is written: `mirror.yaml:12`. */
  readonly place: string;
  readonly error: string;
}

/** What is to be copied, as far as names go. */
export interface GatheredSources {
  readonly tasks: readonly SyncTask[];
  /** Entries for repositories of registries, for what concerns them as a whole. */
  readonly entries: readonly GatheredEntry[];
  /** How many sources were looked through. */
  readonly sources: number;
  /** Those that could not be looked through, and were told of: the run fails in the end. */
  readonly problems: readonly SourceProblem[];
  /** Whether these are all images that are wanted: only then anything else may be deleted. */
  readonly isComplete: boolean;
}

/** Finds out which images the arguments and files mean. @throws {ImageError} */
export async function gatherSources(session: SyncSession): Promise<GatheredSources> {
  switch (session.options.sourceKind) {
    case "dir":
      return await gatherDirectories(session);
    case "yaml":
      return await (await import("./sync-files.ts")).gatherFiles(session);
    default:
      return await gatherRepositories(session);
  }
}

/** The place that the flags give. */
export function placeOf({ options, invocation }: SyncSession): DestinationPlace | undefined {
  if (options.destination === undefined) return undefined;
  return {
    transport: options.destinationKind ?? "docker",
    base: options.destination,
    isScoped: invocation.flags.scoped,
    suffix: invocation.flags["append-suffix"] ?? "",
  };
}

/** How entries become tasks, where nothing but flags and skopeo's rules decide. */
export function gatherContext(session: SyncSession): GatherContext {
  const { log } = session.invocation;
  const place = placeOf(session);
  return {
    resolve: async (name, role, access) => {
      if (role === "destination") await createParent(name);
      return await resolved(name, () => session.resolve(name, role, access));
    },
    namerOf: async (entry) => await destinationNamer(entry, place),
    choose: async (_entry, tags) => tags,
    instancesOf: () => session.instances,
    onListing: (image) => log.info("Getting tags", { image }),
    onProblem: (error) => {
      throw error;
    },
  };
}

async function gatherRepositories(session: SyncSession): Promise<GatheredSources> {
  const { options, invocation } = session;
  const entries = options.sources.map((typed) => {
    const entry = { ...entryFromReference(typed), referrers: invocation.flags["with-referrers"] };
    invocation.log.info("Tag presence check", {
      imagename: typed,
      tagged: entry.selection.references.length > 0,
    });
    return entry;
  });
  const problems: SourceProblem[] = [];
  const onProblem = (error: unknown, { place }: MirrorEntry): void => {
    problems.push(skipSource(session, place, error));
  };
  const context = { ...gatherContext(session), onProblem };
  const found = await gatherTasks(entries, context, { signal: invocation.signal });
  for (const { entry, tasks } of found) {
    if (tasks.length > 0) continue;
    onProblem(nothingFound(`${entry.source.registry}/${entry.source.repository}`), entry);
  }
  const tasks = found.flatMap((entry) => entry.tasks);
  return { tasks, entries: found, sources: found.length, problems, isComplete: problems.length === 0 };
}

/** A directory of images is made with the first of them; each image makes its own. */
async function createParent(name: string): Promise<void> {
  if (!name.startsWith("dir:")) return;
  const directory = dirname(name.slice("dir:".length));
  try {
    await mkdir(directory, { recursive: true });
  } catch (error) {
    throw new ImageError("STORAGE_FAILURE", `Error creating directory ${directory}: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}

async function resolved<T>(name: string, resolve: () => Promise<T>): Promise<T> {
  try {
    return await resolve();
  } catch (error) {
    if (!(error instanceof ImageError) || error.code !== "INVALID_REFERENCE") throw error;
    const [transport = "", ...rest] = name.split(":");
    throw invalidName(transport, rest.join(":").replace(/^\/\//, ""), error);
  }
}

function invalidName(transport: string, text: string, cause: unknown): ImageError {
  const what = `transport ${quote(transport)} and reference ${quote(text)}`;
  const message = `Cannot obtain a valid image reference for ${what}: ${errorMessage(cause)}`;
  return new ImageError("INVALID_REFERENCE", message, { cause });
}

async function gatherDirectories(session: SyncSession): Promise<GatheredSources> {
  const { sources } = session.options;
  const problems: SourceProblem[] = [];
  const tasks: SyncTask[] = [];
  for (const source of sources) {
    try {
      tasks.push(...(await gatherDirectory(session, source)));
    } catch (error) {
      problems.push(skipSource(session, source, error));
    }
  }
  const found = sources.length - problems.length;
  return { tasks, entries: [], sources: found, problems, isComplete: problems.length === 0 };
}

/** Goes on without one of several sources with --keep-going. @throws {ImageError} the `error` itself, where nothing else is to be done */
function skipSource({ options, invocation }: SyncSession, from: string, error: unknown): SourceProblem {
  const { flags, log, signal } = invocation;
  signal.throwIfAborted();
  // Parts of fewer images would be other parts than those of the other runs.
  if (!flags["keep-going"] || options.sources.length < 2 || options.shard !== undefined) throw error;
  log.error(errorMessage(error));
  return { from, place: "command line", error: errorMessage(error) };
}

/** Every directory that holds an image, in the order of their names. cli.md 6.1. */
async function gatherDirectory(session: SyncSession, source: string): Promise<readonly SyncTask[]> {
  try {
    await stat(source);
  } catch (error) {
    const reason = errorMessage(error).replace(/^.*: /, "");
    throw new ImageError("NOT_FOUND", `Invalid source directory specified: stat ${source}: ${reason}`);
  }
  const directories = await imagesBelow(source);
  if (directories.length === 0) throw nothingFound(source);
  const place = placeOf(session);
  if (place === undefined) throw new UsageError("Exactly two arguments expected");
  return await Promise.all(
    directories.map(async (directory) => {
      const below = relative(source, directory).split(sep).join(posix.sep);
      const to = destinationName(below === "" ? posix.basename(source) : below, place);
      return {
        source: await session.resolve(`dir:${directory}`, "source"),
        destination: await resolved(to, () => session.resolve(to, "destination")),
        group: source,
        place: source,
        access: { source: {}, destination: {} },
        instances: session.instances,
        isImmutable: false,
        withReferrers: false,
        withCosignTags: false,
      };
    }),
  );
}

async function imagesBelow(directory: string): Promise<readonly string[]> {
  const entries = (await readdir(directory, { withFileTypes: true })).sort((a, b) =>
    a.name < b.name ? -1 : 1,
  );
  if (entries.some((entry) => entry.name === "manifest.json" && entry.isFile())) return [directory];
  const found: string[] = [];
  for (const entry of entries) {
    if (entry.isDirectory()) found.push(...(await imagesBelow(join(directory, entry.name))));
  }
  return found;
}

/** What a run that was killed has left of an image is nothing: it is written anew. */
async function holdsAnything(directory: string): Promise<boolean> {
  try {
    const names = await readdir(directory);
    return names.some((name) => name !== "version" && !name.startsWith(STAGING_PREFIX));
  } catch (error) {
    if (isMissing(error)) return false;
    throw new ImageError(
      "STORAGE_FAILURE",
      `Destination directory could not be used: stat ${directory}: ${errorMessage(error)}`,
    );
  }
}

/** A directory for an image must be a new one, but for those that a mirror file names. cli.md 6.2. @throws {ImageError} STORAGE_FAILURE */
export async function checkNewDirectories(tasks: readonly SyncTask[]): Promise<void> {
  for (const { destination, mayReplace } of tasks) {
    if (destination.transport.name !== "dir" || mayReplace) continue;
    if (!(await holdsAnything(destination.text))) continue;
    throw new ImageError(
      "STORAGE_FAILURE",
      `Refusing to overwrite destination directory ${quote(destination.text)}`,
    );
  }
}

function nothingFound(source: string): ImageError {
  return new ImageError("NOT_FOUND", `No images to sync found in ${quote(source)}`);
}
