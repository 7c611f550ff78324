import type { InstanceSelection } from "../copy/copy-request.ts";
import type { OperationOptions } from "../core/byte-stream.ts";
import { isDigest } from "../core/digest.ts";
import { ImageError, inContext } from "../core/errors.ts";
import type { ImageReference } from "../core/image.ts";
import { forEachLimited } from "../core/limiter.ts";
import { isAttachedTag } from "./attached-tags.ts";
import type { DestinationName } from "./files/destinations.ts";
import type { EntryAccess, MirrorEntry } from "./files/mirror-entry.ts";
import { compileTagPattern } from "./files/tag-pattern.ts";
import { nameOf, type SyncTask } from "./sync-task.ts";

/** Repositories that are listed at a time. */
const LISTINGS_AT_A_TIME = 8;

/** What turns names into images. */
export interface GatherContext {
  /** `name` has its transport. @throws {ImageError} INVALID_REFERENCE */
  resolve(name: string, role: "source" | "destination", access: EntryAccess): Promise<ImageReference>;
  /** What gives the destinations of a reference (a tag or digest) of an entry, with their transports. */
  namerOf(entry: MirrorEntry): Promise<(reference: string) => readonly DestinationName[]>;
  /** Those of the listed tags that the entry wants, in order. */
  choose(entry: MirrorEntry, tags: readonly string[], options: OperationOptions): Promise<readonly string[]>;
  /** Which images of an index go along. */
  instancesOf(entry: MirrorEntry): InstanceSelection;
  /** Told before the tags of a repository are listed. */
  onListing?(repository: string): void;
  /** What cannot be gathered: throws, or takes note and goes on without it. */
  onProblem(error: unknown, entry: MirrorEntry): void;
}

/** What an entry asks for. */
export interface GatheredEntry {
  readonly entry: MirrorEntry;
  readonly tasks: readonly SyncTask[];
  /** The tags of the source as they were listed; undefined where they were not. */
  readonly listed: readonly string[] | undefined;
}

/**
 * Makes the tasks of all entries. A repository is listed once, and only where an entry needs its tags.
 * @throws {ImageError} CONFIG_INVALID when two entries want to write the same name
 */
export async function gatherTasks(
  entries: readonly MirrorEntry[],
  context: GatherContext,
  options: OperationOptions = {},
): Promise<readonly GatheredEntry[]> {
  const listings = new Map<string, Promise<readonly string[]>>();
  const gathered: (GatheredEntry | undefined)[] = [];
  await forEachLimited(
    entries,
    LISTINGS_AT_A_TIME,
    async (entry, index, operation) => {
      try {
        gathered[index] = await gatherEntry(entry, context, listings, operation);
      } catch (error) {
        operation.signal.throwIfAborted();
        context.onProblem(error, entry);
      }
    },
    options,
  );
  const found = gathered.filter((item) => item !== undefined);
  checkDestinations(found.flatMap(({ tasks }) => tasks));
  return found;
}

async function gatherEntry(
  entry: MirrorEntry,
  context: GatherContext,
  listings: Map<string, Promise<readonly string[]>>,
  options: OperationOptions,
): Promise<GatheredEntry> {
  const { source, access, selection } = entry;
  const repository = `${source.registry}/${source.repository}`;
  let listed: readonly string[] | undefined;
  if (selection.filter !== undefined) {
    const key = `${repository} ${JSON.stringify(access)}`;
    const listing = listings.get(key) ?? listTags(repository, access, context, options);
    listings.set(key, listing);
    listed = await listing;
  }
  const chosen = listed === undefined ? [] : await context.choose(entry, listed, options);
  const references = [...new Set([...selection.references, ...chosen])];
  const prepared: PreparedEntry = {
    entry,
    nameOf: await context.namerOf(entry),
    attachedTags: listed && new Set(listed.filter(isAttachedTag)),
    isImmutable: entry.immutable === undefined ? () => false : await compileTagPattern(entry.immutable),
  };
  const tasks = await Promise.all(references.map((reference) => tasksFor(prepared, reference, context)));
  return { entry, tasks: tasks.flat(), listed };
}

async function listTags(
  repository: string,
  access: EntryAccess,
  context: GatherContext,
  options: OperationOptions,
): Promise<readonly string[]> {
  context.onListing?.(repository);
  const reference = await context.resolve(`docker://${repository}`, "source", access);
  return await inContext(
    `Error determining repository tags for repo ${repository}: fetching tags list`,
    async () => await Array.fromAsync(reference.listTags?.(options) ?? []),
  );
}

/** An entry with what its texts were made into, once for all its tags. */
interface PreparedEntry {
  readonly entry: MirrorEntry;
  readonly nameOf: (reference: string) => readonly DestinationName[];
  readonly isImmutable: (tag: string) => boolean;
  readonly attachedTags: ReadonlySet<string> | undefined;
}

async function tasksFor(
  { entry, nameOf: destinationsOf, isImmutable, attachedTags }: PreparedEntry,
  reference: string,
  context: GatherContext,
): Promise<readonly SyncTask[]> {
  const { source, access } = entry;
  const repository = `${source.registry}/${source.repository}`;
  const name = `docker://${repository}${isDigest(reference) ? "@" : ":"}${reference}`;
  const from = await context.resolve(name, "source", access);
  return await Promise.all(
    destinationsOf(reference).map(async ({ name: to, access: toAccess }) => ({
      source: from,
      destination: await context.resolve(to, "destination", toAccess),
      group: repository,
      place: entry.place,
      access: { source: access, destination: toAccess },
      instances: context.instancesOf(entry),
      isImmutable: isImmutable(reference),
      mayReplace: entry.destinations !== undefined,
      attachedTags,
      // A directory has no place for them.
      withReferrers: (entry.referrers ?? false) && to.startsWith("docker:"),
      withCosignTags: (entry.cosignTags ?? entry.referrers ?? false) && to.startsWith("docker:"),
    })),
  );
}

/** Two sources for one name would overwrite each other in turns, and two names that lead in a circle would never rest. */
export function checkDestinations(tasks: readonly SyncTask[]): void {
  const writers = new Map<string, SyncTask>();
  for (const task of tasks) {
    const name = nameOf(task.destination);
    const other = writers.get(name);
    if (other !== undefined && whatOf(other) !== whatOf(task)) {
      throw conflict(task, other, `both write ${name}`);
    }
    writers.set(name, task);
  }
  for (const task of tasks) {
    const feeder = writers.get(nameOf(task.source));
    if (feeder !== undefined) {
      throw conflict(task, feeder, `one writes ${nameOf(task.source)}, which the other reads`);
    }
  }
}

/** The same image with other platforms is another one. */
function whatOf({ source, instances }: SyncTask): string {
  return `${nameOf(source)} ${JSON.stringify(instances)}`;
}

function conflict(one: SyncTask, other: SyncTask, problem: string): ImageError {
  const describe = ({ source, place }: SyncTask): string => `${nameOf(source)} (${place})`;
  return new ImageError("CONFIG_INVALID", `${describe(other)} and ${describe(one)} overlap: ${problem}`);
}
