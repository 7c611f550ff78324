import type { InstanceSelection } from "../copy/copy-request.ts";
import { type IndexSelection, keptEntries, rewriteIndex } from "../copy/trimmed-index.ts";
import type { OperationOptions } from "../core/byte-stream.ts";
import type { Descriptor, RawManifest } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { ImageError } from "../core/errors.ts";
import type { ImageReference } from "../core/image.ts";
import { isIndexType } from "../core/media-type.ts";
import { type IndexManifest, parseIndex, parseManifest } from "../format/manifest.ts";
import { resolveInstance } from "../format/resolve-instance.ts";

/** What a copy of an image moves, as far as its manifests tell. */
export interface ImageContents {
  /** What the source names. */
  readonly topLevel: RawManifest;
  /** What the destination will name, where that is known before the copy. */
  readonly written: Digest | undefined;
  /** Configs and layers, those of schema 1 without a size. */
  readonly blobs: readonly Pick<Descriptor, "digest" | "size">[];
  /** The manifests that are read, the top-level one among them. */
  readonly manifests: readonly Digest[];
}

/** Reads the manifests of an image, and of those images of an index that are selected. */
export async function readContents(
  reference: ImageReference,
  selection: InstanceSelection,
  options: OperationOptions = {},
): Promise<ImageContents> {
  if (reference.openSource === undefined) {
    throw new ImageError("UNSUPPORTED_OPERATION", `${reference.transport.name}: cannot be read from`);
  }
  await using source = await reference.openSource(options);
  const topLevel = await source.readManifest(undefined, options);
  const read = async (digest: Digest): Promise<RawManifest> => await source.readManifest(digest, options);
  if (!isIndexType(topLevel.mediaType)) {
    return { topLevel, written: topLevel.digest, blobs: blobsOf(topLevel), manifests: [topLevel.digest] };
  }
  if (selection.kind === "system") {
    const instance = await resolveInstance(topLevel, selection.platform, "choosing an image", read);
    const manifests = [topLevel.digest, instance.digest];
    return { topLevel, written: instance.digest, blobs: blobsOf(instance), manifests };
  }
  const index = parseIndex(topLevel);
  const kept = keptEntries(index, selection);
  const listed = selection.kind === "index-only" ? [] : kept;
  const instances = await Promise.all(listed.map(({ digest }) => read(digest)));
  return {
    topLevel,
    written: await digestOf(topLevel, index, kept, selection),
    blobs: instances.flatMap((instance) => (isIndexType(instance.mediaType) ? [] : blobsOf(instance))),
    manifests: [topLevel.digest, ...instances.map(({ digest }) => digest)],
  };
}

/** The digest of the index that is written, as far as all of it can keep its form. */
async function digestOf(
  topLevel: RawManifest,
  index: IndexManifest,
  kept: readonly Descriptor[],
  selection: IndexSelection,
): Promise<Digest | undefined> {
  // An index in the index gets smaller, too.
  if (selection.kind === "platforms" && kept.some(({ mediaType }) => isIndexType(mediaType)))
    return undefined;
  if (kept.length === index.manifests.length) return topLevel.digest;
  return (await rewriteIndex(index, topLevel.mediaType, kept)).digest;
}

/** What is listed of an image; layers with URLs stay where they are. */
function blobsOf(manifest: RawManifest): readonly Pick<Descriptor, "digest" | "size">[] {
  const parsed = parseManifest(manifest);
  if (parsed.kind === "image") {
    return [parsed.config, ...parsed.layers.filter(({ urls = [] }) => urls.length === 0)];
  }
  return [];
}
