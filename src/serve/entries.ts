import type { Digest } from "../core/digest.ts";
import type { ManifestEntry } from "./store.ts";

/**
 * The entries with one more. Whatever had its tag before loses it, and stays known by digest. An entry without a tag
 * is left out where its repository has the manifest under one already. What is there already stays in its place.
 */
export function withEntry(entries: readonly ManifestEntry[], added: ManifestEntry): readonly ManifestEntry[] {
  if (entries.some((entry) => isSameEntry(entry, added))) return entries;
  const untagged = added.tag === undefined ? entries : withoutTag(entries, added.repository, added.tag);
  const others = untagged.filter((entry) => !(isSameManifest(entry, added) && entry.tag === undefined));
  const isRedundant = added.tag === undefined && others.some((entry) => isSameManifest(entry, added));
  return isRedundant ? others : [...others, added];
}

/** The entries without a tag: its manifest stays known by its digest. */
export function withoutTag(
  entries: readonly ManifestEntry[],
  repository: string,
  tag: string,
): readonly ManifestEntry[] {
  const kept: ManifestEntry[] = [];
  for (const entry of entries) {
    if (entry.repository !== repository || entry.tag !== tag) kept.push(entry);
    else if (!hasOther(entries, entry)) kept.push({ ...entry, tag: undefined });
  }
  return kept;
}

/** The entries without a manifest, whatever its tags in the repository. */
export function withoutManifest(
  entries: readonly ManifestEntry[],
  repository: string,
  digest: Digest,
): readonly ManifestEntry[] {
  return entries.filter((entry) => entry.repository !== repository || entry.descriptor.digest !== digest);
}

/** The entries without those that know one of `digests` in the repository by its digest alone. */
export function withoutUntagged(
  entries: readonly ManifestEntry[],
  repository: string,
  digests: readonly Digest[],
): readonly ManifestEntry[] {
  const dropped = new Set(digests);
  return entries.filter(
    (entry) =>
      entry.repository !== repository || entry.tag !== undefined || !dropped.has(entry.descriptor.digest),
  );
}

function hasOther(entries: readonly ManifestEntry[], entry: ManifestEntry): boolean {
  return entries.some((other) => other.tag !== entry.tag && isSameManifest(other, entry));
}

function isSameEntry(one: ManifestEntry, other: ManifestEntry): boolean {
  const isSameType = one.descriptor.mediaType === other.descriptor.mediaType;
  return isSameManifest(one, other) && one.tag === other.tag && isSameType;
}

function isSameManifest(one: ManifestEntry, other: ManifestEntry): boolean {
  return one.repository === other.repository && one.descriptor.digest === other.descriptor.digest;
}
