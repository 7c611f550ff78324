import { streamOf } from "../../core/byte-stream.ts";
import type { RawManifest } from "../../core/descriptor.ts";
import { ImageError } from "../../core/errors.ts";
import type { DestinationTraits, ImageDestination, ImageReference } from "../../core/image.ts";
import { OCI_INDEX, OCI_MANIFEST } from "../../core/media-type.ts";
import type { Signature } from "../../core/signature.ts";
import type { OciLayout } from "./layout.ts";
import { withEntry } from "./layout-index.ts";

const UNSUPPORTED_SIGNATURES = "Pushing signatures for OCI images is not supported";

/** What an OCI layout takes, on disk or in an archive. */
export const OCI_LAYOUT_TRAITS: DestinationTraits = {
  manifestTypes: [OCI_MANIFEST, OCI_INDEX],
  layerCompression: "compress",
  foreignLayers: "keep-urls",
  signatures: { unsupportedBecause: UNSUPPORTED_SIGNATURES },
  concurrentBlobs: true,
};

/** A layout to add an image to, under `name` if there is one. The image appears in index.json at `commit`. */
export async function openOciDestination(
  reference: ImageReference,
  layout: OciLayout,
  name: string | undefined,
): Promise<ImageDestination> {
  // A broken index.json is better found before blobs are moved than after.
  await layout.readIndexIfAny();
  let topLevel: RawManifest | undefined;
  return {
    reference,
    traits: OCI_LAYOUT_TRAITS,
    async reuseBlob(wanted, options) {
      const size = await layout.findVerifiedBlob(wanted.digest, options);
      return size === undefined ? undefined : { digest: wanted.digest, size };
    },
    writeBlob: async (bytes, blob) =>
      blob.digest === undefined
        ? await layout.writeBlob(bytes)
        : await layout.writeVerifiedBlob(bytes, blob.digest),
    async writeManifest(manifest, instance) {
      await layout.writeVerifiedBlob(streamOf(manifest.bytes), manifest.digest);
      if (instance === undefined) topLevel = manifest;
    },
    writeSignatures: async (added) => refuseSignatures(added),
    async commit(options) {
      if (topLevel === undefined) throw new ImageError("MANIFEST_INVALID", "no manifest was written");
      const { mediaType, digest, bytes } = topLevel;
      const entry = { mediaType, digest, size: bytes.length };
      await layout.updateIndex((index) => withEntry(index, entry, name), options);
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** @throws {ImageError} UNSUPPORTED_OPERATION for any signature */
export function refuseSignatures(added: readonly Signature[]): void {
  if (added.length > 0) throw new ImageError("UNSUPPORTED_OPERATION", UNSUPPORTED_SIGNATURES);
}
