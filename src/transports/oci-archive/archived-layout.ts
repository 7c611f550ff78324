import { type Digest, digestAlgorithm, digestHex } from "../../core/digest.ts";
import { ImageError } from "../../core/errors.ts";
import type { BlobReader } from "../../core/image.ts";
import type { TarArchiveFile } from "../../tar/archive-file.ts";
import type { TarEntry } from "../../tar/index.ts";
import { INDEX_LIMIT, type LayoutIndex, parseLayoutIndex } from "../oci/layout-index.ts";
import type { LayoutReader } from "../oci/source.ts";

export const INDEX_FILE = "index.json";
export const LAYOUT_FILE = "oci-layout";

/** The path of a blob in a layout. Image spec 1.1, image-layout.md, "Blobs". */
export function blobName(digest: Digest): string {
  return `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;
}

/** An OCI image layout in a tar archive, read where it is. */
export class ArchivedLayout implements LayoutReader {
  readonly #archive: TarArchiveFile;

  constructor(archive: TarArchiveFile) {
    this.#archive = archive;
  }

  /** @throws {ImageError} MANIFEST_INVALID */
  async readIndex(): Promise<LayoutIndex> {
    const entry = this.#archive.find(INDEX_FILE);
    if (entry === undefined) {
      throw new ImageError(
        "MANIFEST_INVALID",
        `${this.#archive.path} holds no ${INDEX_FILE}: it is no OCI layout`,
      );
    }
    return parseLayoutIndex(await this.#archive.readWhole(entry, INDEX_LIMIT), INDEX_FILE);
  }

  async hasBlob(digest: Digest): Promise<boolean> {
    return this.#archive.find(blobName(digest)) !== undefined;
  }

  /** @throws {ImageError} NOT_FOUND */
  async openBlob(digest: Digest): Promise<BlobReader> {
    return await this.#archive.open(this.#blob(digest));
  }

  /** A manifest or config whole. @throws {ImageError} NOT_FOUND, SIZE_LIMIT */
  async readBlob(digest: Digest, limit: number): Promise<Uint8Array> {
    return await this.#archive.readWhole(this.#blob(digest), limit);
  }

  #blob(digest: Digest): TarEntry {
    const entry = this.#archive.find(blobName(digest));
    if (entry !== undefined) return entry;
    throw new ImageError("NOT_FOUND", `${this.#archive.path} holds no blob ${digest}`);
  }
}
