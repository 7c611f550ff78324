import { type Descriptor, formatPlatform, type RawManifest } from "../core/descriptor.ts";
import { ImageError } from "../core/errors.ts";
import { isIndexType } from "../core/media-type.ts";
import { availablePlatforms, matchesPlatform } from "../format/instance-choice.ts";
import type { IndexManifest } from "../format/manifest.ts";
import type { InstanceSelection } from "./copy-request.ts";

/** A selection that gives an index. */
export type IndexSelection = Exclude<InstanceSelection, { readonly kind: "system" }>;

/** Points from an attestation to the image in the same index that it is about (BuildKit). */
const ATTESTED_IMAGE = "vnd.docker.reference.digest";

/**
 * The entries that stay in the index. What is about a kept image, such as its attestation, stays with it.
 * @throws {ImageError} NO_MATCHING_INSTANCE for a platform that it lacks
 */
export function keptEntries(index: IndexManifest, selection: IndexSelection): readonly Descriptor[] {
  if (selection.kind !== "platforms") return index.manifests;
  const { platforms } = selection;
  for (const platform of platforms) {
    if (index.manifests.some((entry) => matchesPlatform(entry, platform) || isIndexType(entry.mediaType)))
      continue;
    throw new ImageError(
      "NO_MATCHING_INSTANCE",
      `no image found in the index for platform ${formatPlatform(platform)}${availablePlatforms(index)}`,
    );
  }
  const isWanted = (entry: Descriptor): boolean =>
    platforms.some((platform) => matchesPlatform(entry, platform));
  const wanted = new Set<string>(index.manifests.filter(isWanted).map(({ digest }) => digest));
  return index.manifests.filter(
    (entry) =>
      wanted.has(entry.digest) ||
      isIndexType(entry.mediaType) ||
      wanted.has(entry.annotations?.[ATTESTED_IMAGE] ?? ""),
  );
}

/** The index with these entries, in the form of a media type. The same entries give the same bytes. */
export async function rewriteIndex(
  index: IndexManifest,
  type: string,
  entries: readonly Descriptor[],
): Promise<RawManifest> {
  const { convertIndex } = await import("../format/convert.ts");
  const { hostPlatform } = await import("../runtime/host-platform.ts");
  return convertIndex(index, type, entries, await hostPlatform());
}
