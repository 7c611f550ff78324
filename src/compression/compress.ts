import type { ByteStream, OperationOptions } from "../core/byte-stream.ts";
import { ImageError } from "../core/errors.ts";
import { Semaphore } from "../core/limiter.ts";
import { type BlockCompression, compressBlock } from "../runtime/compress-block.ts";
import { compressInWorker, compressionParallelism } from "../runtime/compression-pool.ts";

/** A block becomes a gzip member or a zstd frame of its own: large enough that this costs hardly any space. Bytes. */
const BLOCK_SIZES: Readonly<Record<BlockCompression["format"], number>> = {
  gzip: 1024 * 1024,
  zstd: 2 * 1024 * 1024,
};
/** As small as what skopeo writes, as fast as can be. */
const DEFAULT_GZIP_LEVEL = 1;
const DEFAULT_ZSTD_LEVEL = 3;

/**
 * The compression that a level on the command line asks for. images.md 8.1.
 * @throws {ImageError} UNSUPPORTED_OPERATION for a level that gzip does not have
 */
export function blockCompression(format: "gzip" | "zstd", level: number | undefined): BlockCompression {
  if (format === "zstd") {
    return { format, level: Math.min(Math.max(level ?? DEFAULT_ZSTD_LEVEL, 1), 22) };
  }
  if (level !== undefined && (level < -2 || level > 9)) {
    throw new ImageError("UNSUPPORTED_OPERATION", `gzip: invalid compression level: ${level}`);
  }
  if (level === -2) return { format, level: 1 };
  return { format, level: level === undefined || level === -1 ? DEFAULT_GZIP_LEVEL : level };
}

/** Blocks that are filled or compressed at a time, of all streams together: bounds memory. Each stream fills one. */
const places = new Semaphore(2 * compressionParallelism() + 6);
/** Memory of blocks that are done, for the next ones: it would be freed later than it is needed again. */
const spareMemory = new Map<number, ArrayBuffer[]>();

function takeMemory(size: number): Buffer<ArrayBuffer> {
  const spare = spareMemory.get(size)?.pop();
  return spare === undefined ? Buffer.allocUnsafeSlow(size) : Buffer.from(spare);
}

function giveMemory(memory: ArrayBuffer): void {
  const spare = spareMemory.get(memory.byteLength) ?? [];
  spareMemory.set(memory.byteLength, spare);
  spare.push(memory);
}

/**
 * Compresses a stream in blocks, on all cores. The same bytes give the same compressed bytes, whatever the chunks that
 * they come in and the number of cores. RFC 1952, 2.2 and RFC 8878, 3: members and frames may follow one another.
 */
export async function* compressed(
  stream: ByteStream,
  compression: BlockCompression,
  options: OperationOptions = {},
): ByteStream {
  const queue: Promise<Uint8Array>[] = [];
  let isFirst = true;
  try {
    for await (const block of blocks(stream, BLOCK_SIZES[compression.format], options)) {
      while (queue.length > compressionParallelism()) yield await next(queue);
      queue.push(compressAway(block, compression, isFirst && block.isLast));
      isFirst = false;
    }
    while (queue.length > 0) yield await next(queue);
  } finally {
    await Promise.allSettled(queue);
  }
}

async function next(queue: Promise<Uint8Array>[]): Promise<Uint8Array> {
  const first = queue.shift();
  if (first === undefined) throw new Error("no block is being compressed");
  return await first;
}

/** A stream of one block is not worth a thread. */
function compressAway(
  { bytes, release }: Block,
  compression: BlockCompression,
  isAlone: boolean,
): Promise<Uint8Array> {
  const compressing = async (): Promise<Uint8Array> => {
    if (isAlone) return compressBlock(bytes, compression);
    const { compressed: output, memory } = await compressInWorker(bytes, compression);
    giveMemory(memory);
    return output;
  };
  const released = compressing().finally(release);
  // A failure is met when its turn comes.
  released.catch(() => undefined);
  return released;
}

interface Block {
  /** In memory of its own. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly isLast: boolean;
  /** Gives its place to another block. */
  readonly release: () => void;
}

/** Cuts a stream into blocks of `size` bytes, the last one shorter; an empty stream is one empty block. */
async function* blocks(stream: ByteStream, size: number, options: OperationOptions): AsyncGenerator<Block> {
  let release = await places.acquire(options);
  try {
    let bytes = takeMemory(size);
    let filled = 0;
    for await (const chunk of stream) {
      for (let offset = 0; offset < chunk.length; ) {
        if (filled === size) {
          yield { bytes, isLast: false, release };
          release = await places.acquire(options);
          bytes = takeMemory(size);
          filled = 0;
        }
        const part = chunk.subarray(offset, offset + size - filled);
        bytes.set(part, filled);
        filled += part.length;
        offset += part.length;
      }
    }
    yield { bytes: bytes.subarray(0, filled), isLast: true, release };
  } finally {
    release();
  }
}
