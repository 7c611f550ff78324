import { compressBlock } from "../../runtime/compress-block.ts";
import { compressInWorker, compressionParallelism } from "../../runtime/compression-pool.ts";

/** Bytes that a frame may hold, so that none needs more memory: what is longer becomes several frames in a row. */
const FRAME_LIMIT: number = 4 * 1024 * 1024;
/** Frames of fewer bytes than this are compressed sooner than a thread can be told to. */
const SMALLEST_FOR_THREAD: number = 32 * 1024;
/** Frames and marks that may wait behind one that is still being compressed. */
const MOST_WAITING = 1000;

type Item =
  | { readonly kind: "frame"; readonly bytes: Uint8Array | Promise<Uint8Array> }
  | { readonly kind: "mark"; readonly onReached: (position: number) => void };

/**
 * Writes zstd frames, compressing the larger ones on other threads. Where a frame comes to lie is known only when all
 * before it are done: marks tell.
 */
export class FrameWriter {
  readonly #level: number;
  /** The content of the frame being filled. */
  #pieces: Uint8Array[] = [];
  #size = 0;
  #queue: Item[] = [];
  #compressing = 0;
  #position = 0;

  constructor(level: number) {
    this.#level = level;
  }

  /** Bytes of the frames that have been handed on. */
  get position(): number {
    return this.#position;
  }

  /** Adds to the frame that is open. */
  write(bytes: Uint8Array): void {
    for (let offset = 0; offset < bytes.length; ) {
      const piece = bytes.subarray(offset, offset + FRAME_LIMIT - this.#size);
      this.#pieces.push(piece);
      this.#size += piece.length;
      offset += piece.length;
      if (this.#size === FRAME_LIMIT) this.cut();
    }
  }

  /** Ends the open frame, if there is anything in it. */
  cut(): void {
    if (this.#size === 0) return;
    const content = Buffer.allocUnsafeSlow(this.#size);
    let offset = 0;
    for (const piece of this.#pieces) {
      content.set(piece, offset);
      offset += piece.length;
    }
    this.#queue.push({ kind: "frame", bytes: this.#compress(content) });
    this.#pieces = [];
    this.#size = 0;
  }

  /** `onReached` is told where the last frame that was cut ends in the blob. Marks are reached in their order. */
  mark(onReached: (position: number) => void): void {
    this.#queue.push({ kind: "mark", onReached });
  }

  /** The frames that are done, in order, waiting only where too many are not. */
  ready(): AsyncGenerator<Uint8Array> {
    return this.#drain(compressionParallelism());
  }

  /** All frames that are left. */
  async *finish(): AsyncGenerator<Uint8Array> {
    this.cut();
    yield* this.#drain(0);
  }

  /** Waits for the frames that nobody will ask for. */
  async abandon(): Promise<void> {
    await Promise.allSettled(this.#queue.map((item) => (item.kind === "frame" ? item.bytes : undefined)));
    this.#queue = [];
  }

  async *#drain(mostCompressing: number): AsyncGenerator<Uint8Array> {
    let done = 0;
    try {
      for (const item of this.#queue) {
        if (item.kind === "mark") {
          item.onReached(this.#position);
        } else {
          const isLate = item.bytes instanceof Promise;
          const waits = this.#compressing > mostCompressing || this.#queue.length - done > MOST_WAITING;
          if (isLate && !waits) break;
          const bytes = await item.bytes;
          if (isLate) this.#compressing--;
          this.#position += bytes.length;
          yield bytes;
        }
        done++;
      }
    } finally {
      this.#queue = this.#queue.slice(done);
    }
  }

  #compress(content: Buffer<ArrayBuffer>): Uint8Array | Promise<Uint8Array> {
    const compression = { format: "zstd", level: this.#level } as const;
    if (content.length < SMALLEST_FOR_THREAD) return compressBlock(content, compression);
    this.#compressing++;
    const compressing = compressInWorker(content, compression).then(({ compressed }) => compressed);
    // A failure is met when its turn comes.
    compressing.catch(() => undefined);
    return compressing;
  }
}
