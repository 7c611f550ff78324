import { type ByteStream, counted, type OperationOptions, verified } from "../core/byte-stream.ts";
import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { findCause, ImageError, inContext, withContext } from "../core/errors.ts";
import type { BlobReader, ImageDestination, ImageSource } from "../core/image.ts";
import { forEachLimited, Semaphore } from "../core/limiter.ts";
import type { ProgressListener } from "../core/progress.ts";
import { isTransient, sleep } from "../core/retry.ts";

/** From this size on, in bytes, a transfer is bound by bandwidth; below it, by round trips, so that more go at a time. */
const LARGE_BLOB: number = 4 * 1024 * 1024;
const LARGE_AT_A_TIME = 6;
const BLOBS_AT_A_TIME = 32;
const BLOB_ATTEMPTS = 3;
/** Before the second attempt to send a blob; longer before the third. Milliseconds. */
const BLOB_RETRY_DELAY = 500;

/** A blob of an image, and what it is for. */
export interface MovableBlob {
  readonly role: "config" | "layer";
  readonly descriptor: Descriptor;
}

/** Moves blobs of one copy, each of them once, straight from the source's stream into the destination's. */
export class BlobMover {
  readonly #source: ImageSource;
  readonly #destination: ImageDestination;
  readonly #report: ProgressListener;
  readonly #limit: number;
  readonly #large: Semaphore;
  readonly #moved = new Map<Digest, Promise<void>>();

  constructor(
    source: ImageSource,
    destination: ImageDestination,
    report: ProgressListener,
    parallelCopies: number | undefined,
  ) {
    const isConcurrent = source.concurrentBlobs && destination.traits.concurrentBlobs;
    this.#source = source;
    this.#destination = destination;
    this.#report = report;
    this.#limit = isConcurrent ? parallelCopies || BLOBS_AT_A_TIME : 1;
    this.#large = new Semaphore(parallelCopies || LARGE_AT_A_TIME);
  }

  /** Brings all blobs to the destination. The first failure ends the others. */
  async moveAll(blobs: readonly MovableBlob[], options: OperationOptions): Promise<void> {
    await forEachLimited(
      blobs,
      this.#limit,
      (blob, _, operation) => this.#moveOnce(blob, operation),
      options,
    );
  }

  async #moveOnce(blob: MovableBlob, options: OperationOptions): Promise<void> {
    const { digest } = blob.descriptor;
    const known = this.#moved.get(digest);
    if (known !== undefined) return await known;
    const pending = this.#move(blob, options);
    this.#moved.set(digest, pending);
    await pending;
  }

  async #move(blob: MovableBlob, options: OperationOptions): Promise<void> {
    const { role, descriptor } = blob;
    const { digest, size } = descriptor;
    this.#report({ kind: "blob-start", digest, role, size });
    if (this.#isKeptElsewhere(descriptor)) {
      this.#report({ kind: "blob-end", digest, outcome: "skipped" });
      return;
    }
    const { mediaType } = descriptor;
    const from = this.#source.reference.dockerName;
    const reused = await this.#destination.reuseBlob({ role, mediaType, digest, size, from }, options);
    if (reused === undefined) await this.#transfer(blob, options);
    this.#report({ kind: "blob-end", digest, outcome: reused === undefined ? "copied" : "reused" });
  }

  /** Layers with URLs stay where they are, if the destination is content with the URLs. */
  #isKeptElsewhere(descriptor: Descriptor): boolean {
    return (descriptor.urls ?? []).length > 0 && this.#destination.traits.foreignLayers === "keep-urls";
  }

  async #transfer(blob: MovableBlob, options: OperationOptions): Promise<void> {
    const release = blob.descriptor.size >= LARGE_BLOB ? await this.#large.acquire(options) : undefined;
    try {
      await this.#transferPatiently(blob, options);
    } finally {
      release?.();
    }
  }

  /** Sends the blob; if that breaks off, it is opened and sent once more. */
  async #transferPatiently(blob: MovableBlob, options: OperationOptions): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#stream(blob, options);
      } catch (error) {
        options.signal?.throwIfAborted();
        if (attempt === BLOB_ATTEMPTS || !isTransient(error) || error instanceof OpeningFailure) throw error;
      }
      await sleep(BLOB_RETRY_DELAY * attempt, options);
    }
  }

  /** The source opens the blob while the destination gets ready for it. */
  async #stream({ role, descriptor }: MovableBlob, options: OperationOptions): Promise<void> {
    const { digest, size, mediaType } = descriptor;
    const opening = this.#source.openBlob(descriptor, options);
    opening.catch(() => undefined);
    const bytes = counted(verified(opened(opening, digest), digest, size), (count) =>
      this.#report({ kind: "blob-bytes", digest, bytes: count }),
    );
    try {
      await inContext(`writing blob ${digest}`, () =>
        this.#destination.writeBlob(bytes, { role, mediaType, digest, size }, options),
      );
    } catch (error) {
      throw findCause(error, OpeningFailure) ?? error;
    } finally {
      const reader = await opening.catch(() => undefined);
      await reader?.[Symbol.asyncDispose]();
    }
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
