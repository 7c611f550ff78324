import { type ByteStream, counted, type OperationOptions, streamOf, verified } from "../core/byte-stream.ts";
import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { findCause, ImageError, inContext, withContext } from "../core/errors.ts";
import type { BlobReader, ImageSource, PartialBlob, StoredBlob } from "../core/image.ts";
import { Semaphore } from "../core/limiter.ts";
import type { ProgressListener } from "../core/progress.ts";
import { isTransient, sleep } from "../core/retry.ts";
import { knownSize } from "./layer-reuse.ts";

/** From this size on, in bytes, a transfer is bound by bandwidth; below it, by round trips, so that more go at a time. */
const LARGE_BLOB: number = 4 * 1024 * 1024;
const LARGE_AT_A_TIME = 6;
const BLOB_ATTEMPTS = 3;
/** Before the second attempt to send a blob; longer before the third. Milliseconds. */
const BLOB_RETRY_DELAY = 500;

/** Reads the blobs of one source, verified while they stream, a few large ones at a time. */
export class BlobTransfers {
  readonly #source: ImageSource;
  readonly #report: ProgressListener;
  readonly #large: Semaphore;

  /** `large` is how many large blobs move at a time, or what they take turns by with those of other copies. */
  constructor(source: ImageSource, report: ProgressListener, large: number | Semaphore | undefined) {
    this.#source = source;
    this.#report = report;
    this.#large = large instanceof Semaphore ? large : new Semaphore(large || LARGE_AT_A_TIME);
  }

  /** Opens the blob and lets `write` consume it; if that breaks off, all is done once more. */
  async run<T>(
    descriptor: Descriptor,
    options: OperationOptions,
    write: (bytes: ByteStream) => Promise<T>,
  ): Promise<T> {
    const isLarge = descriptor.size < 0 || descriptor.size >= LARGE_BLOB;
    const release = isLarge ? await this.#large.acquire(options) : undefined;
    try {
      return await repeated(() => this.#stream(descriptor, options, write), options);
    } finally {
      release?.();
    }
  }

  /** Brings what is missing of a blob of which a part is there. Its digest is checked by the destination, which has the whole. */
  async resume(descriptor: Descriptor, partial: PartialBlob, options: OperationOptions): Promise<StoredBlob> {
    const release = await this.#large.acquire(options);
    const { digest, size } = descriptor;
    const { offset } = partial;
    try {
      await using reader = await this.#source.openBlob({ ...descriptor, offset }, options);
      const bytes = counted(reader.bytes, (count) =>
        this.#report({ kind: "blob-bytes", digest, bytes: offset + count }),
      );
      return await inContext(`writing blob ${digest}`, () =>
        partial.write(ofSize(bytes, size - offset), options),
      );
    } finally {
      release();
    }
  }

  /** As `run`, of bytes that are at hand. */
  async send<T>(
    content: Uint8Array,
    options: OperationOptions,
    write: (bytes: ByteStream) => Promise<T>,
  ): Promise<T> {
    return await repeated(() => write(streamOf(content)), options);
  }

  /** The source opens the blob while the destination gets ready for it. */
  async #stream<T>(
    descriptor: Descriptor,
    options: OperationOptions,
    write: (bytes: ByteStream) => Promise<T>,
  ): Promise<T> {
    const { digest } = descriptor;
    const opening = this.#source.openBlob(descriptor, options);
    opening.catch(() => undefined);
    const bytes = counted(verified(opened(opening, digest), digest, knownSize(descriptor.size)), (count) =>
      this.#report({ kind: "blob-bytes", digest, bytes: count }),
    );
    try {
      return await inContext(`writing blob ${digest}`, () => write(bytes));
    } catch (error) {
      throw findCause(error, OpeningFailure) ?? error;
    } finally {
      const reader = await opening.catch(() => undefined);
      await reader?.[Symbol.asyncDispose]();
    }
  }
}

/** The stream, which fails if it is shorter or longer. */
async function* ofSize(stream: ByteStream, size: number): ByteStream {
  let count = 0;
  for await (const chunk of stream) {
    count += chunk.length;
    if (count > size) break;
    yield chunk;
  }
  if (count === size) return;
  throw new ImageError("SIZE_MISMATCH", `the rest of the blob has not ${size} bytes`);
}

async function repeated<T>(transfer: () => Promise<T>, options: OperationOptions): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transfer();
    } catch (error) {
      options.signal?.throwIfAborted();
      if (attempt === BLOB_ATTEMPTS || !isTransient(error) || error instanceof OpeningFailure) throw error;
    }
    await sleep(BLOB_RETRY_DELAY * attempt, options);
  }
}

/** The source could not open a blob, after the retries that it has of its own. */
class OpeningFailure extends ImageError {}

async function* opened(opening: Promise<BlobReader>, digest: Digest): ByteStream {
  yield* await openingOrFailure(opening, digest);
}

async function openingOrFailure(opening: Promise<BlobReader>, digest: Digest): Promise<ByteStream> {
  try {
    return (await opening).bytes;
  } catch (error) {
    const explained = withContext(`reading blob ${digest}`, error);
    if (!(explained instanceof ImageError)) throw explained;
    throw new OpeningFailure(explained.code, explained.message, {
      cause: error,
      transient: explained.transient,
    });
  }
}
