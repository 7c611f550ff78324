import type { OperationOptions } from "../core/byte-stream.ts";
import type { RawManifest } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { type DockerName, repositoryName } from "../core/docker-name.ts";
import { ImageError, inContext } from "../core/errors.ts";
import type { ImageReference } from "../core/image.ts";
import { forEachLimited } from "../core/limiter.ts";
import { isIndexType } from "../core/media-type.ts";
import { parseIndex, subjectOf } from "../format/manifest.ts";
import { attachedTo, isAttachedTag } from "./attached-tags.ts";
import { nameOf, type SyncTask } from "./sync-task.ts";

/** Questions to one registry at a time. */
const ASKED_AT_A_TIME = 16;

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
  const wanted = new Map<string, { name: DockerName; tags: Set<string> }>();
  for (const { destination } of tasks) {
    const { dockerName } = destination;
    if (destination.transport.name !== "docker" || dockerName === undefined) continue;
    const repository = repositoryName(dockerName);
    const known = wanted.get(repository) ?? { name: dockerName, tags: new Set() };
    if (dockerName.tag !== undefined) known.tags.add(dockerName.tag);
    wanted.set(repository, known);
  }
  const pruned: PrunedRepository[] = [];
  for (const [repository, { tags }] of wanted) {
    if (!context.mayPrune(repository)) continue;
    pruned.push(await pruneRepository(repository, tags, context, options));
  }
  return pruned;
}

async function pruneRepository(
  repository: string,
  wanted: ReadonlySet<string>,
  context: PruneContext,
  options: OperationOptions,
): Promise<PrunedRepository> {
  const all = await listTags(repository, context, options);
  const isKept = (tag: string): boolean => wanted.has(tag) || context.isProtected(repository, tag);
  const candidates = all.filter((tag) => !isKept(tag) && !isAttachedTag(tag));
  const attached = all.filter((tag) => !isKept(tag) && isAttachedTag(tag));
  const nothing = { repository, tags: all.length, deletions: [], kept: [] };
  if (candidates.length + attached.length === 0) return nothing;
  const needed = await findNeeded(repository, all.filter(isKept), context, options);
  const deletions: PrunedRepository["deletions"][number][] = [];
  const kept: KeptTag[] = [];
  const judge = (manifest: RawManifest, name: string): void => {
    const reason = needed.get(manifest.digest) ?? subjectReason(manifest, needed);
    if (reason === undefined) deletions.push({ name, digest: manifest.digest, manifest });
    else kept.push({ name, reason });
  };
  for (const { name, manifest } of await readAll(repository, candidates, context, options))
    judge(manifest, name);
  const going = new Set<string>(deletions.map(({ digest }) => digest));
  // What is attached to a manifest goes when that goes; of what is attached to others nothing is known.
  const orphans = attached.filter((tag) => going.has(attachedTo(tag) ?? ""));
  for (const { name, manifest } of await readAll(repository, orphans, context, options))
    judge(manifest, name);
  return { repository, tags: all.length, deletions, kept };
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

/** Every manifest that a kept tag needs, with the reason. */
async function findNeeded(
  repository: string,
  tags: readonly string[],
  context: PruneContext,
  options: OperationOptions,
): Promise<ReadonlyMap<Digest, string>> {
  const needed = new Map<Digest, string>();
  const visit = async ({ name, manifest }: NamedManifest, by: string): Promise<void> => {
    if (!needed.has(manifest.digest)) needed.set(manifest.digest, by);
    if (!isIndexType(manifest.mediaType)) return;
    const children = parseIndex(manifest).manifests.filter(({ digest }) => !needed.has(digest));
    for (const { digest } of children) needed.set(digest, `the index ${name} needs it`);
    const nested = children.filter(({ mediaType }) => isIndexType(mediaType)).map(({ digest }) => digest);
    for (const child of await readAll(repository, nested, context, options))
      await visit(child, `the index ${name} needs it`);
  };
  for (const found of await readAll(repository, tags, context, options))
    await visit(found, `${found.name} names the same manifest`);
  return needed;
}

interface NamedManifest {
  readonly name: string;
  readonly manifest: RawManifest;
}

/** The manifests of tags or digests; one that has gone meanwhile is left out. */
async function readAll(
  repository: string,
  references: readonly string[],
  context: PruneContext,
  options: OperationOptions,
): Promise<readonly NamedManifest[]> {
  const found: (NamedManifest | undefined)[] = [];
  await forEachLimited(
    references,
    ASKED_AT_A_TIME,
    async (text, index, operation) => {
      const name = `docker://${repository}${text.includes(":") ? "@" : ":"}${text}`;
      const reference = await context.resolve(name);
      try {
        await using source = await reference.openSource?.(operation);
        const manifest = await source?.readManifest(undefined, operation);
        if (manifest !== undefined) found[index] = { name, manifest };
      } catch (error) {
        if (!(error instanceof ImageError && error.code === "NOT_FOUND")) throw error;
      }
    },
    options,
  );
  return found.filter((item) => item !== undefined);
}

function subjectReason(manifest: RawManifest, needed: ReadonlyMap<Digest, string>): string | undefined {
  const subject = subjectOf(manifest);
  return subject !== undefined && needed.has(subject) ? `it is about ${subject}, which stays` : undefined;
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
