import { streamOf } from "../../core/byte-stream.ts";
import type { RawManifest } from "../../core/descriptor.ts";
import { ImageError } from "../../core/errors.ts";
import type { ImageDestination, ImageReference } from "../../core/image.ts";
import { OCI_LAYOUT_TRAITS, refuseSignatures } from "../oci/destination.ts";
import { type LayoutIndex, withEntry } from "../oci/layout-index.ts";
import type { LayoutWriter } from "./layout-writer.ts";

/** What an archive is made of, and where it goes. */
export interface OciArchiveOptions {
  readonly reference: ImageReference;
  /** The name of the image in index.json. */
  readonly name: string | undefined;
  /** Where blobs go; those of the images that stay are there already. */
  readonly layout: LayoutWriter;
  /** The images that stay. */
  readonly index: LayoutIndex;
  /** Called once the archive has ended well. */
  readonly commit: () => Promise<void>;
  readonly dispose: () => Promise<void>;
}

/** Writes an image into a tar archive of an OCI layout. transports.md 7. */
export function createOciArchiveDestination(options: OciArchiveOptions): ImageDestination {
  const { layout } = options;
  let topLevel: RawManifest | undefined;
  return {
    reference: options.reference,
    traits: { ...OCI_LAYOUT_TRAITS, concurrentBlobs: false },
    reuseBlob: async ({ digest }) => layout.findBlob(digest),
    writeBlob: async (bytes, blob, operation) => await layout.writeBlob(bytes, blob, operation),
    async writeManifest(manifest, instance) {
      await layout.writeBlob(streamOf(manifest.bytes), {
        digest: manifest.digest,
        size: manifest.bytes.length,
      });
      if (instance === undefined) topLevel = manifest;
    },
    writeSignatures: async (added) => refuseSignatures(added),
    async commit() {
      if (topLevel === undefined) throw new ImageError("MANIFEST_INVALID", "no manifest was written");
      const { mediaType, digest, bytes } = topLevel;
      const entry = { mediaType, digest, size: bytes.length };
      await layout.finish(withEntry(options.index, entry, options.name));
      await options.commit();
    },
    [Symbol.asyncDispose]: options.dispose,
  };
}
