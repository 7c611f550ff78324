import { type FileHandle, open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type ByteStream, coalesced } from "../core/byte-stream.ts";
import { createDigester, type Digest, type Digester, digestAlgorithm } from "../core/digest.ts";
import { isMissing, openFile, randomSuffix } from "../runtime/files.ts";
import type { HashAlgorithm } from "../runtime/hash.ts";
import type { OciLayout } from "../transports/oci/layout.ts";
import type { Upload } from "./store.ts";
import { checkUploadDigest } from "./upload-digest.ts";

const PREFIX = "serve-upload-";
/** Age of a file, in milliseconds, after which no upload is still writing to it. */
const ABANDONED_AFTER = 24 * 60 * 60 * 1000;

/** An upload into a temporary file beside index.json, hashed as it arrives and renamed to the blob when it is complete. */
export class LayoutUpload implements Upload {
  readonly #layout: OciLayout;
  readonly #path: string;
  readonly #onEnd: () => void;
  readonly #digester: Digester = createDigester("sha256");
  #size = 0;

  private constructor(layout: OciLayout, onEnd: () => void) {
    this.#layout = layout;
    this.#path = join(layout.path, `${PREFIX}${randomSuffix()}`);
    this.#onEnd = onEnd;
  }

  /** `onEnd` is told when the temporary file is gone, one way or the other. */
  static async start(layout: OciLayout, onEnd: () => void): Promise<LayoutUpload> {
    const upload = new LayoutUpload(layout, onEnd);
    await (await open(upload.#path, "wx", 0o644)).close();
    return upload;
  }

  get size(): number {
    return this.#size;
  }

  async append(bytes: ByteStream): Promise<void> {
    const handle = await open(this.#path, "r+");
    try {
      const received = new InterruptibleStream(bytes);
      for await (const chunk of coalesced(received.untilFailure())) await this.#write(handle, chunk);
      received.rethrow();
    } finally {
      await handle.close();
    }
  }

  async finish(digest: Digest): Promise<void> {
    const algorithm = digestAlgorithm(digest);
    const actual = algorithm === "sha256" ? this.#digester.digest() : await this.#digestAgain(algorithm);
    try {
      checkUploadDigest(actual, digest);
      await this.#layout.adoptBlob(this.#path, digest);
    } finally {
      await this.cancel();
    }
  }

  async cancel(): Promise<void> {
    await rm(this.#path, { force: true });
    this.#onEnd();
  }

  async #write(handle: FileHandle, chunk: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < chunk.length; ) {
        const { bytesWritten } = await handle.write(chunk, done, chunk.length - done, this.#size + done);
        done += bytesWritten;
      }
    } catch (error) {
      await handle.truncate(this.#size);
      throw error;
    }
    this.#digester.update(chunk);
    this.#size += chunk.length;
  }

  async #digestAgain(algorithm: HashAlgorithm): Promise<Digest> {
    const digester = createDigester(algorithm);
    await using file = await openFile(this.#path);
    for await (const chunk of file.bytes) digester.update(chunk);
    return digester.digest();
  }
}

/** Removes what an earlier server has left behind when it was killed. */
export async function removeAbandonedUploads(directory: string): Promise<void> {
  for (const name of await namesIn(directory)) {
    if (!name.startsWith(PREFIX)) continue;
    const path = join(directory, name);
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > ABANDONED_AFTER) await rm(path, { force: true });
  }
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** A stream whose failure comes only after what arrived before it has been dealt with. */
class InterruptibleStream {
  readonly #bytes: ByteStream;
  #failure: { readonly error: unknown } | undefined;

  constructor(bytes: ByteStream) {
    this.#bytes = bytes;
  }

  async *untilFailure(): ByteStream {
    try {
      yield* this.#bytes;
    } catch (error) {
      this.#failure = { error };
    }
  }

  rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
