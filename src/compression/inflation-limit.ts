import type { ByteStream } from "../core/byte-stream.ts";
import { ImageError } from "../core/errors.ts";

/** How far compressed data may expand before it is taken for an attack on disk and time. */
export interface InflationLimit {
  /** The most bytes that it may become. */
  readonly maxBytes: number;
  /** The most bytes that it may become for each compressed byte; looked at beyond `RATIO_FLOOR` only. */
  readonly maxRatio: number;
}

/** Real layers stay far below: source code comes to 10, and a layer may well hold one file of a gigabyte of zeros. */
export const DEFAULT_INFLATION_LIMIT: InflationLimit = { maxBytes: 256 * 1024 ** 3, maxRatio: 500 };

/** Small data may shrink to next to nothing without being suspect. Bytes. */
export const RATIO_FLOOR: number = 1024 ** 3;

/** Passes decompressed bytes on; `read` tells how many compressed ones they came from so far. @throws {ImageError} SIZE_LIMIT */
export async function* withInflationLimit(
  inflated: ByteStream,
  read: () => number,
  limit: InflationLimit,
  what: string,
): ByteStream {
  let size = 0;
  for await (const chunk of inflated) {
    size += chunk.length;
    if (size > limit.maxBytes) {
      throw refusal(what, `decompressed it has more than the ${limit.maxBytes} bytes allowed`);
    }
    if (size > RATIO_FLOOR && size > limit.maxRatio * read()) {
      throw refusal(
        what,
        `decompressed it is more than ${limit.maxRatio} times as large, which looks like an attack`,
      );
    }
    yield chunk;
  }
}

function refusal(what: string, reason: string): ImageError {
  return new ImageError(
    "SIZE_LIMIT",
    `${what}: ${reason} (--max-layer-size and --max-layer-ratio allow more)`,
  );
}
