import { type ByteStream, type OperationOptions, streamOf } from "../../core/byte-stream.ts";
import type { RawManifest } from "../../core/descriptor.ts";
import { type Digest, digestAlgorithm } from "../../core/digest.ts";
import { ImageError } from "../../core/errors.ts";
import type { BlobPlacement, ImageDestination, ImageReference, StoredBlob } from "../../core/image.ts";
import { type BlobFiles, writeBlobFile } from "../../tar/write-blob.ts";
import type { TarWriter } from "../../tar/writer.ts";
import { OCI_LAYOUT_TRAITS, refuseSignatures } from "../oci/destination.ts";
import {
  EMPTY_INDEX,
  formatLayoutIndex,
  LAYOUT_MARKER,
  type LayoutIndex,
  withEntry,
} from "../oci/layout-index.ts";
import { blobName, INDEX_FILE, LAYOUT_FILE } from "./archived-layout.ts";

const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;
const BLOB_FILES: BlobFiles = { nameOf: blobName, mode: FILE_MODE };

/** What an archive is made of, and where it goes. */
export interface OciArchiveOptions {
  readonly reference: ImageReference;
  /** The name of the image in index.json. */
  readonly name: string | undefined;
  readonly tar: TarWriter;
  /** The images that stay, and the sizes of their blobs, which have been copied. */
  readonly existing?:
    | { readonly index: LayoutIndex; readonly blobs: ReadonlyMap<Digest, number> }
    | undefined;
  /** Called once the archive has ended well. */
  readonly commit: () => Promise<void>;
  readonly dispose: () => Promise<void>;
}

/** Writes an image into a tar archive of an OCI layout. transports.md 7. */
export function createOciArchiveDestination(options: OciArchiveOptions): ImageDestination {
  const layout = new LayoutInTheMaking(options.tar, options.existing?.blobs);
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
      await layout.finish(withEntry(options.existing?.index ?? EMPTY_INDEX, entry, options.name));
      await options.commit();
    },
    [Symbol.asyncDispose]: options.dispose,
  };
}

class LayoutInTheMaking {
  readonly #tar: TarWriter;
  readonly #blobs: Map<Digest, number>;
  readonly #directories = new Set<string>();

  constructor(tar: TarWriter, existing: ReadonlyMap<Digest, number> | undefined) {
    this.#tar = tar;
    this.#blobs = new Map(existing);
  }

  findBlob(digest: Digest): StoredBlob | undefined {
    const size = this.#blobs.get(digest);
    return size === undefined ? undefined : { digest, size };
  }

  async writeBlob(
    bytes: ByteStream,
    { digest, size }: Pick<BlobPlacement, "digest" | "size">,
    options?: OperationOptions,
  ): Promise<StoredBlob> {
    const known = digest === undefined ? undefined : this.findBlob(digest);
    if (known !== undefined) return known;
    await this.#makeDirectories(digest === undefined ? "sha256" : digestAlgorithm(digest));
    const stored = await writeBlobFile(this.#tar, bytes, { digest, size }, BLOB_FILES, options);
    this.#blobs.set(stored.digest, stored.size);
    return stored;
  }

  async finish(index: LayoutIndex): Promise<void> {
    await this.#writeDocument(INDEX_FILE, formatLayoutIndex(index));
    await this.#writeDocument(LAYOUT_FILE, LAYOUT_MARKER);
    await this.#tar.finish();
  }

  async #makeDirectories(algorithm: string): Promise<void> {
    for (const name of ["blobs", `blobs/${algorithm}`]) {
      if (this.#directories.has(name)) continue;
      this.#directories.add(name);
      await this.#tar.writeDirectory(name, DIRECTORY_MODE);
    }
  }

  async #writeDocument(name: string, text: string): Promise<void> {
    const content = new TextEncoder().encode(text);
    await this.#tar.writeFile({ name, size: content.length, mode: FILE_MODE }, streamOf(content));
  }
}
