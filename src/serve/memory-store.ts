import { type ByteStream, collect } from "../core/byte-stream.ts";
import { computeDigest, type Digest, digestAlgorithm } from "../core/digest.ts";
import { ImageError } from "../core/errors.ts";
import type { BlobContent, EntryChange, ManifestEntry, RegistryStore, Upload } from "./store.ts";
import { checkUploadDigest } from "./upload-digest.ts";

/** A registry's content in memory, gone with the process: for tests and demonstrations. */
export class MemoryStore implements RegistryStore {
  readonly #blobs: Map<Digest, Uint8Array> = new Map();
  #entries: readonly ManifestEntry[] = [];
  /** Settles when the last change that was asked for has been made. */
  #lastChange: Promise<void> = Promise.resolve();

  async readEntries(): Promise<readonly ManifestEntry[]> {
    return this.#entries;
  }

  async updateEntries(change: EntryChange, afterwards?: () => Promise<void>): Promise<void> {
    const turn = this.#lastChange.then(async () => {
      this.#entries = await change(this.#entries);
      await afterwards?.();
    });
    this.#lastChange = turn.catch(() => undefined);
    await turn;
  }

  async findBlob(digest: Digest): Promise<BlobContent | undefined> {
    const bytes = this.#blobs.get(digest);
    return bytes === undefined ? undefined : { kind: "memory", bytes, size: bytes.length };
  }

  async readBlob(digest: Digest, limit: number): Promise<Uint8Array> {
    const bytes = this.#blobs.get(digest);
    if (bytes === undefined) throw new ImageError("NOT_FOUND", `blob ${digest} is not in the registry`);
    if (bytes.length <= limit) return bytes;
    throw new ImageError("SIZE_LIMIT", `blob ${digest}: exceeded maximum allowed size of ${limit} bytes`);
  }

  async writeBlob(stream: ByteStream, digest: Digest): Promise<void> {
    this.#keep(await collect(stream, Number.POSITIVE_INFINITY, `blob ${digest}`), digest);
  }

  async removeBlob(digest: Digest): Promise<void> {
    this.#blobs.delete(digest);
  }

  async startUpload(): Promise<Upload> {
    return new MemoryUpload((bytes, digest) => this.#keep(bytes, digest));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#blobs.clear();
  }

  #keep(bytes: Uint8Array, digest: Digest): void {
    checkUploadDigest(computeDigest(bytes, digestAlgorithm(digest)), digest);
    this.#blobs.set(digest, bytes);
  }
}

class MemoryUpload implements Upload {
  readonly #keep: (bytes: Uint8Array, digest: Digest) => void;
  #chunks: Uint8Array[] = [];
  #size = 0;

  constructor(keep: (bytes: Uint8Array, digest: Digest) => void) {
    this.#keep = keep;
  }

  get size(): number {
    return this.#size;
  }

  async append(bytes: ByteStream): Promise<void> {
    for await (const chunk of bytes) {
      this.#chunks.push(chunk);
      this.#size += chunk.length;
    }
  }

  async finish(digest: Digest): Promise<void> {
    const bytes = Buffer.concat(this.#chunks, this.#size);
    await this.cancel();
    this.#keep(bytes, digest);
  }

  async cancel(): Promise<void> {
    this.#chunks = [];
    this.#size = 0;
  }
}
