import { type ByteStream, type OperationOptions, streamOf } from "../../core/byte-stream.ts";
import { type Digest, digestAlgorithm } from "../../core/digest.ts";
import type { BlobPlacement, StoredBlob } from "../../core/image.ts";
import { type BlobFiles, writeBlobFile } from "../../tar/write-blob.ts";
import type { TarWriter } from "../../tar/writer.ts";
import { formatLayoutIndex, LAYOUT_MARKER, type LayoutIndex } from "../oci/layout-index.ts";
import { blobName, INDEX_FILE, LAYOUT_FILE } from "./archived-layout.ts";

const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;

/** An OCI image layout that is being written into a tar archive: each blob once, index.json and oci-layout last. */
export class LayoutWriter {
  readonly #tar: TarWriter;
  /** What is in the archive, and its sizes in bytes. */
  readonly #blobs = new Map<Digest, number>();
  readonly #directories = new Set<string>();
  readonly #files: BlobFiles = {
    nameOf: blobName,
    mode: FILE_MODE,
    isPresent: (digest) => this.#blobs.has(digest),
  };

  constructor(tar: TarWriter) {
    this.#tar = tar;
  }

  findBlob(digest: Digest): StoredBlob | undefined {
    const size = this.#blobs.get(digest);
    return size === undefined ? undefined : { digest, size };
  }

  /** Stores a blob, unless it is there. If its stream fails, the archive is as it was before. */
  async writeBlob(
    bytes: ByteStream,
    { digest, size }: Pick<BlobPlacement, "digest" | "size">,
    options?: OperationOptions,
  ): Promise<StoredBlob> {
    const known = digest === undefined ? undefined : this.findBlob(digest);
    if (known !== undefined) return known;
    await this.#makeDirectories(digest === undefined ? "sha256" : digestAlgorithm(digest));
    const stored = await writeBlobFile(this.#tar, bytes, { digest, size }, this.#files, options);
    this.#blobs.set(stored.digest, stored.size);
    return stored;
  }

  /** Ends the archive. */
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
