import type { OperationOptions } from "../core/byte-stream.ts";
import type { RawManifest } from "../core/descriptor.ts";
import { type Digest, isDigest } from "../core/digest.ts";
import { repositoryName } from "../core/docker-name.ts";
import { ImageError, inContext } from "../core/errors.ts";
import type { ImageReference } from "../core/image.ts";
import { isIndexType } from "../core/media-type.ts";
import { attachedTo, isAttachedTag } from "./attached-tags.ts";
import { type NamedManifest, NeededManifests } from "./needed-manifests.ts";
import { nameOf, type SyncTask } from "./sync-task.ts";

/** A tag that is to go, and what it names. */
export interface PlannedDeletion {
  /** `docker://registry/repository:tag` */
  readonly name: string;
  /** What the tag names now. */
  readonly digest: Digest;
}

/** A tag that would go, but for something that needs its manifest. */
export interface KeptTag {
  readonly name: string;
  readonly reason: string;
}

/** What pruning one destination repository means. */
export interface PrunedRepository {
  readonly repository: string;
  /** How many tags it has. */
  readonly tags: number;
  readonly deletions: readonly (PlannedDeletion & { readonly manifest: RawManifest })[];
  readonly kept: readonly KeptTag[];
}

export interface PruneContext {
  /** @throws {ImageError} INVALID_REFERENCE */
  resolve(name: string): Promise<ImageReference>;
  /** Whether anything may be deleted in a repository at all. */
  mayPrune(repository: string): boolean;
  /** Whether a tag of a repository must stay, whatever the source has. */
  isProtected(repository: string, tag: string): boolean;
}

/** Finds the tags of all destination repositories that no task writes. Nothing is deleted. */
export async function planPruning(
  tasks: readonly SyncTask[],
  context: PruneContext,
  options: OperationOptions = {},
): Promise<readonly PrunedRepository[]> {
  const wanted = new Map<string, Set<string>>();
  for (const { destination } of tasks) {
    const { dockerName } = destination;
    if (destination.transport.name !== "docker" || dockerName === undefined) continue;
    const repository = repositoryName(dockerName);
    const references = wanted.get(repository) ?? new Set();
    const reference = dockerName.digest ?? dockerName.tag;
    if (reference !== undefined) references.add(reference);
    wanted.set(repository, references);
  }
  const pruned: PrunedRepository[] = [];
  for (const [repository, references] of wanted) {
    if (!context.mayPrune(repository)) continue;
    pruned.push(await pruneRepository(repository, references, context, options));
  }
  return pruned;
}

/**
 * Those of the `planned` deletions that still may be: what has been copied since, or whatever else the repositories have got,
 * may need some of them. All tags but these stay.
 */
export async function confirmPruning(
  planned: readonly PlannedDeletion[],
  tasks: readonly SyncTask[],
  context: PruneContext,
  options: OperationOptions = {},
): Promise<PrunedRepository["deletions"]> {
  const names = new Map(planned.map(({ name, digest }) => [name, digest]));
  const isProtected = (repository: string, tag: string): boolean =>
    !names.has(`docker://${repository}:${tag}`) || context.isProtected(repository, tag);
  const found = await planPruning(tasks, { ...context, isProtected }, options);
  return found.flatMap(({ deletions }) => deletions).filter(({ name, digest }) => names.get(name) === digest);
}

/** `wanted` are tags and digests. */
async function pruneRepository(
  repository: string,
  wanted: ReadonlySet<string>,
  context: PruneContext,
  options: OperationOptions,
): Promise<PrunedRepository> {
  const all = await listTags(repository, context, options);
  const isKept = (tag: string): boolean => wanted.has(tag) || context.isProtected(repository, tag);
  const candidates = all.filter((tag) => !isKept(tag));
  // What is attached to others goes with them, and never alone.
  if (candidates.every(isAttachedTag)) return { repository, tags: all.length, deletions: [], kept: [] };
  const needed = new NeededManifests(repository, async (name) => await context.resolve(name), options);
  await needed.keepAll([...[...wanted].filter(isDigest), ...all.filter(isKept)]);
  const found: Candidate[] = [];
  await needed.read(candidates, ({ name, manifest }, index) => {
    found[index] = { name, manifest, belongsTo: attachedTo(candidates[index] ?? "") };
  });
  return {
    repository,
    tags: all.length,
    ...(await judge(
      found.filter((item) => item !== undefined),
      needed,
    )),
  };
}

/** A tag that nobody asked for. */
interface Candidate extends NamedManifest {
  /** The digest of what it is attached to, by its name. */
  readonly belongsTo: string | undefined;
}

/** What stays may need others in turn, so that it takes rounds to find out what goes. */
async function judge(
  candidates: readonly Candidate[],
  needed: NeededManifests,
): Promise<Pick<PrunedRepository, "deletions" | "kept">> {
  const kept: KeptTag[] = [];
  let open = candidates;
  for (;;) {
    const going = new Set<string>(
      open.filter(({ belongsTo }) => belongsTo === undefined).map(({ manifest }) => manifest.digest),
    );
    const rest: Candidate[] = [];
    for (const candidate of open) {
      const { name, manifest, belongsTo } = candidate;
      const isAlone = belongsTo !== undefined && !going.has(belongsTo);
      const reason = isAlone ? `it belongs to ${belongsTo}` : await needed.reasonFor(manifest);
      if (reason === undefined) {
        rest.push(candidate);
        continue;
      }
      // Of what belongs to something that was not to go, nobody needs to be told.
      if (!isAlone) kept.push({ name, reason });
      await needed.keep(candidate, `${name} names the same manifest`);
    }
    if (rest.length === open.length) return { deletions: rest.toSorted(byKind).map(toDeletion), kept };
    open = rest;
  }
}

/** Some registries delete no image that an index lists, so that indexes go first. */
function byKind(one: Candidate, other: Candidate): number {
  const rank = ({ manifest }: Candidate): number => (isIndexType(manifest.mediaType) ? 0 : 1);
  return rank(one) - rank(other);
}

function toDeletion({ name, manifest }: Candidate): PrunedRepository["deletions"][number] {
  return { name, digest: manifest.digest, manifest };
}

async function listTags(
  repository: string,
  context: PruneContext,
  options: OperationOptions,
): Promise<readonly string[]> {
  const reference = await context.resolve(`docker://${repository}`);
  try {
    return await Array.fromAsync(reference.listTags?.(options) ?? []);
  } catch (error) {
    // A repository that nothing has been written to yet has nothing to lose.
    if (error instanceof ImageError && error.code === "NOT_FOUND") return [];
    throw error;
  }
}

/** How much may be deleted at most. */
export type DeletionCap = { readonly kind: "number" | "percent"; readonly value: number };

/** Why pruning goes too far; undefined where it does not. A percentage holds for each repository. */
export function exceededCap(pruned: readonly PrunedRepository[], cap: DeletionCap): string | undefined {
  const total = pruned.reduce((sum, { deletions }) => sum + deletions.length, 0);
  if (cap.kind === "number") {
    return total > cap.value ? `${total} tags would be deleted, and at most ${cap.value} may be` : undefined;
  }
  for (const { repository, tags, deletions } of pruned) {
    if (deletions.length * 100 > tags * cap.value) {
      return `${deletions.length} of ${tags} tags of ${repository} would be deleted, and at most ${cap.value}% may be`;
    }
  }
  return undefined;
}

/** Deletes manifests by digest, each once: all its tags go with it. */
export async function deleteAll(
  deletions: readonly PlannedDeletion[],
  context: Pick<PruneContext, "resolve">,
  onDeleted: (deletion: PlannedDeletion) => void,
  options: OperationOptions = {},
): Promise<void> {
  const gone = new Set<string>();
  for (const deletion of deletions) {
    const reference = await context.resolve(deletion.name);
    const { dockerName } = reference;
    if (dockerName === undefined) continue;
    const target = `docker://${repositoryName(dockerName)}@${deletion.digest}`;
    if (!gone.has(target)) {
      await checkStillNamed(reference, deletion, options);
      const manifest = await context.resolve(target);
      await inContext(`Error deleting ${deletion.name}`, async () => await manifest.deleteImage?.(options));
      gone.add(target);
    }
    onDeleted(deletion);
  }
}

/** A tag that was moved since it was judged names something else now, which nobody has judged. */
async function checkStillNamed(
  reference: ImageReference,
  { digest }: PlannedDeletion,
  options: OperationOptions,
): Promise<void> {
  const found = await reference.findDigest?.("destination", options);
  if (found === undefined || found === digest) return;
  throw new ImageError(
    "DIGEST_MISMATCH",
    `${nameOf(reference)} has moved since it was to be deleted: it was ${digest} and is ${found}`,
  );
}
