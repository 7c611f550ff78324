import type { Descriptor, RawManifest } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import { ImageError } from "../../core/errors.ts";
import type { ExternalFetch, ImageReference, ImageSource } from "../../core/image.ts";
import { DOCUMENT_LIMIT } from "../../format/json.ts";
import { guessManifestType, rawManifest } from "../../format/manifest.ts";
import { findEntry } from "./find-entry.ts";
import type { OciLayout } from "./layout.ts";
import type { OciLocation } from "./reference.ts";

/** Opens the image of a layout that `location` means. @throws {ImageNotFoundError} */
export async function openOciSource(
  reference: ImageReference,
  layout: OciLayout,
  location: OciLocation,
  fetchExternal: ExternalFetch,
): Promise<ImageSource> {
  const topLevel = findEntry(await layout.readIndex(), location);
  return {
    reference,
    concurrentBlobs: true,
    readManifest: async (instance) => await readManifest(layout, topLevel, instance),
    openBlob: async (blob, options) => {
      const isExternal = (blob.urls ?? []).length > 0 && (await layout.findBlob(blob.digest)) === undefined;
      return isExternal ? await fetchExternal(blob, options) : await layout.openBlob(blob.digest);
    },
    readSignatures: async () => [],
    async [Symbol.asyncDispose]() {},
  };
}

async function readManifest(
  layout: OciLayout,
  topLevel: Descriptor,
  instance: Digest | undefined,
): Promise<RawManifest> {
  const digest = instance ?? topLevel.digest;
  const bytes = await layout.readBlob(digest, DOCUMENT_LIMIT);
  const declared = digest === topLevel.digest ? topLevel.mediaType : "";
  const manifest = rawManifest(bytes, declared || guessManifestType(bytes));
  if (manifest.digest === digest || !digest.startsWith("sha256:")) return { ...manifest, digest };
  throw new ImageError(
    "DIGEST_MISMATCH",
    `Manifest does not match provided manifest digest ${digest}, got ${manifest.digest}`,
  );
}
