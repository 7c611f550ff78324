import type { Descriptor, RawManifest } from "../../core/descriptor.ts";
import { computeDigest, type Digest, digestAlgorithm } from "../../core/digest.ts";
import { ImageError } from "../../core/errors.ts";
import type { BlobReader, ExternalFetch, ImageReference, ImageSource } from "../../core/image.ts";
import { DOCUMENT_LIMIT } from "../../format/json.ts";
import { guessManifestType } from "../../format/manifest.ts";
import { findEntry } from "./find-entry.ts";
import type { LayoutIndex } from "./layout-index.ts";
import type { OciLocation } from "./reference.ts";

/** What an image of a layout is read from: a directory, or an archive. */
export interface LayoutReader {
  readIndex(): Promise<LayoutIndex>;
  /** Whether a blob is there, unread. */
  hasBlob(digest: Digest): Promise<boolean>;
  /** @throws {ImageError} NOT_FOUND */
  openBlob(digest: Digest): Promise<BlobReader>;
  /** @throws {ImageError} NOT_FOUND, SIZE_LIMIT */
  readBlob(digest: Digest, limit: number): Promise<Uint8Array>;
}

/** Opens the image of a layout that `location` means. @throws {ImageNotFoundError} */
export async function openOciSource(
  reference: ImageReference,
  layout: LayoutReader,
  location: OciLocation,
  fetchExternal: ExternalFetch,
): Promise<ImageSource> {
  const topLevel = findEntry(await layout.readIndex(), location);
  return {
    reference,
    concurrentBlobs: true,
    readManifest: async (instance) => await readManifest(layout, topLevel, instance),
    openBlob: async (blob, options) => {
      const isExternal = (blob.urls ?? []).length > 0 && !(await layout.hasBlob(blob.digest));
      return isExternal ? await fetchExternal(blob, options) : await layout.openBlob(blob.digest);
    },
    readSignatures: async () => [],
    async [Symbol.asyncDispose]() {},
  };
}

async function readManifest(
  layout: LayoutReader,
  topLevel: Descriptor,
  instance: Digest | undefined,
): Promise<RawManifest> {
  const digest = instance ?? topLevel.digest;
  const bytes = await layout.readBlob(digest, DOCUMENT_LIMIT);
  const declared = digest === topLevel.digest ? topLevel.mediaType : "";
  const actual = computeDigest(bytes, digestAlgorithm(digest));
  if (actual === digest) return { bytes, digest, mediaType: declared || guessManifestType(bytes) };
  throw new ImageError(
    "DIGEST_MISMATCH",
    `Manifest does not match provided manifest digest ${digest}, got ${actual}`,
  );
}
