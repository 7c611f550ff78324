import { rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import {
  type ByteStream,
  collect,
  digested,
  type OperationOptions,
  verified,
} from "../../core/byte-stream.ts";
import { createDigester, type Digest, digestAlgorithm, digestHex } from "../../core/digest.ts";
import { ImageError } from "../../core/errors.ts";
import type { BlobReader, StoredBlob } from "../../core/image.ts";
import { withFileLock } from "../../runtime/file-lock.ts";
import {
  fileSize,
  isMissing,
  makeDirectory,
  openFile,
  removeAbandoned,
  removeUnfinished,
  writeFileAtomically,
  writeStream,
} from "../../runtime/files.ts";
import {
  EMPTY_INDEX,
  formatLayoutIndex,
  INDEX_LIMIT,
  LAYOUT_MARKER,
  type LayoutIndex,
  parseLayoutIndex,
} from "./layout-index.ts";

const BLOB_PREFIX = "oci-put-blob";
/** Age of a file, in milliseconds, after which no run is still writing a blob to it. */
const ABANDONED_AFTER = 24 * 60 * 60 * 1000;

/** An OCI image layout on disk. Image spec 1.1, image-layout.md. Nothing is read or created before it is needed. */
export class OciLayout {
  readonly path: string;
  readonly #blobs: string;

  /** `sharedBlobDirectory` holds the blobs in place of the layout's own `blobs`. */
  constructor(path: string, sharedBlobDirectory?: string) {
    this.path = resolve(path);
    this.#blobs = sharedBlobDirectory === undefined ? join(this.path, "blobs") : resolve(sharedBlobDirectory);
  }

  blobPath(digest: Digest): string {
    return join(this.#blobs, digestAlgorithm(digest), digestHex(digest));
  }

  /** Creates the folders of the layout, so that blobs can be written. */
  async create(): Promise<void> {
    await makeDirectory(this.path);
    await makeDirectory(this.#blobs);
  }

  /** The size of a blob in bytes, if it is there. Its content is not checked. */
  async findBlob(digest: Digest): Promise<number | undefined> {
    return await fileSize(this.blobPath(digest));
  }

  async hasBlob(digest: Digest): Promise<boolean> {
    return (await this.findBlob(digest)) !== undefined;
  }

  /** Whether a blob is there and its content has its digest. A blob that has not is left for `writeBlob` to replace. */
  async findVerifiedBlob(digest: Digest, options: OperationOptions = {}): Promise<number | undefined> {
    try {
      await using file = await openFile(this.blobPath(digest));
      for await (const _ of verified(file.bytes, digest)) options.signal?.throwIfAborted();
      return file.size;
    } catch (error) {
      if (isMissing(error) || (error instanceof ImageError && error.code === "DIGEST_MISMATCH"))
        return undefined;
      throw error;
    }
  }

  /** Opens a blob, or `length` bytes of it from `start`. @throws {ImageError} NOT_FOUND */
  async openBlob(
    digest: Digest,
    start?: number,
    length?: number,
  ): Promise<BlobReader & { readonly size: number }> {
    try {
      return await openFile(this.blobPath(digest), start, length);
    } catch (error) {
      if (!isMissing(error)) throw error;
      throw new ImageError("NOT_FOUND", `open ${this.blobPath(digest)}: no such file or directory`, {
        cause: error,
      });
    }
  }

  /** A blob whole, for manifests and configs. The digest is not checked. @throws {ImageError} NOT_FOUND, SIZE_LIMIT */
  async readBlob(digest: Digest, limit: number): Promise<Uint8Array> {
    await using blob = await this.openBlob(digest);
    return await collect(blob.bytes, limit, `blob ${digest}`);
  }

  /**
   * Stores a blob, which becomes visible only once it is complete. With `expected` its digest is checked.
   * @throws {ImageError} DIGEST_MISMATCH
   */
  async writeBlob(bytes: ByteStream, expected?: Digest): Promise<StoredBlob> {
    await this.create();
    const algorithm = expected === undefined ? "sha256" : digestAlgorithm(expected);
    await makeDirectory(join(this.#blobs, algorithm));
    const digester = createDigester(algorithm);
    let digest: Digest | undefined;
    const finish = (): string => {
      digest = digester.digest();
      if (expected === undefined || digest === expected) return this.blobPath(digest);
      throw new ImageError("DIGEST_MISMATCH", `Digest did not match, expected ${expected}, got ${digest}`);
    };
    const size = await writeStream(digested(bytes, digester), {
      directory: this.path,
      prefix: BLOB_PREFIX,
      destination: finish,
    });
    if (digest === undefined) throw new ImageError("STORAGE_FAILURE", "blob was written without a digest");
    return { digest, size };
  }

  /** Stores a blob whose stream fails by itself unless its bytes have `digest`. */
  async writeVerifiedBlob(bytes: ByteStream, digest: Digest): Promise<StoredBlob> {
    await this.create();
    await makeDirectory(join(this.#blobs, digestAlgorithm(digest)));
    const destination = this.blobPath(digest);
    const size = await writeStream(bytes, {
      directory: this.path,
      prefix: BLOB_PREFIX,
      destination: () => destination,
    });
    return { digest, size };
  }

  /** Moves a complete file of the layout's file system, whose content is known to have `digest`, to its place. */
  async adoptBlob(path: string, digest: Digest): Promise<void> {
    await makeDirectory(join(this.#blobs, digestAlgorithm(digest)));
    await rename(path, this.blobPath(digest));
  }

  async removeBlob(digest: Digest): Promise<void> {
    await rm(this.blobPath(digest), { force: true });
  }

  /** @throws {ImageError} MANIFEST_INVALID; a missing file passes through as ENOENT */
  async readIndex(): Promise<LayoutIndex> {
    const path = join(this.path, "index.json");
    await using file = await openFile(path);
    return parseLayoutIndex(await collect(file.bytes, INDEX_LIMIT, path), path);
  }

  /** As `readIndex`; a layout that has no index.json yet counts as empty. */
  async readIndexIfAny(): Promise<LayoutIndex> {
    try {
      return await this.readIndex();
    } catch (error) {
      if (isMissing(error)) return EMPTY_INDEX;
      throw error;
    }
  }

  /**
   * Replaces index.json by what `change` makes of it: under a lock, so that writers at the same time lose nothing,
   * and atomically, so that readers see the old index or the new one. Writes `oci-layout` where it is missing.
   */
  async updateIndex(
    change: (index: LayoutIndex) => LayoutIndex | Promise<LayoutIndex>,
    options: OperationOptions & {
      readonly trailingNewline?: boolean;
      /** Runs under the same lock once the new index is in place. */
      readonly afterwards?: (before: LayoutIndex, after: LayoutIndex) => Promise<void>;
    } = {},
  ): Promise<void> {
    await this.create();
    await withFileLock(
      join(this.path, "index.json.lock"),
      async () => {
        const before = await this.readIndexIfAny();
        const changed = await change(before);
        const marker = join(this.path, "oci-layout");
        if ((await fileSize(marker)) === undefined) {
          await writeFileAtomically(marker, LAYOUT_MARKER);
        }
        const newline = options.trailingNewline ? "\n" : "";
        await removeUnfinished(join(this.path, "index.json"));
        await removeAbandoned(this.path, [BLOB_PREFIX], ABANDONED_AFTER);
        await writeFileAtomically(join(this.path, "index.json"), `${formatLayoutIndex(changed)}${newline}`);
        await options.afterwards?.(before, changed);
      },
      options,
    );
  }
}
