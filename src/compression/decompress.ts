import type { TransformOptions } from "node:stream";
import type { ZlibOptions } from "node:zlib";
import { type ByteStream, coalesced } from "../core/byte-stream.ts";
import { errorMessage, ImageError, isAbort } from "../core/errors.ts";
import type { CompressionFormat } from "./format.ts";
import { DEFAULT_INFLATION_LIMIT, type InflationLimit, withInflationLimit } from "./inflation-limit.ts";
import { through } from "./through.ts";

/** Decompressed bytes are handed on in chunks of this many: a chunk's cost vanishes. */
const CHUNK_SIZE: number = 1024 * 1024;
/** Some chunks may wait: the codec's thread goes on while the last ones are hashed and written. */
const GUNZIP_OPTIONS: ZlibOptions & TransformOptions = {
  chunkSize: CHUNK_SIZE,
  highWaterMark: 4 * CHUNK_SIZE,
};

/**
 * Decompresses a stream while it passes. Several compressed parts one after another count as one, as they do for gzip.
 * `what` names the data in errors.
 * @throws {ImageError} MANIFEST_INVALID for data that is corrupt or ends early, SIZE_LIMIT beyond `limit`
 */
export async function* decompressed(
  stream: ByteStream,
  format: CompressionFormat,
  what: string,
  limit: InflationLimit = DEFAULT_INFLATION_LIMIT,
): ByteStream {
  let read = 0;
  let sourceFailure: unknown;
  async function* watched(): ByteStream {
    try {
      for await (const chunk of stream) {
        read += chunk.length;
        yield chunk;
      }
    } catch (error) {
      sourceFailure = error ?? new Error("stream failed");
      throw error;
    }
  }
  try {
    yield* withInflationLimit(await inflate(watched(), format), () => read, limit, what);
  } catch (error) {
    if (sourceFailure !== undefined) throw sourceFailure;
    if (isAbort(error) || error instanceof ImageError) throw error;
    throw new ImageError("MANIFEST_INVALID", `${what}: corrupt ${format} data: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}

async function inflate(stream: ByteStream, format: CompressionFormat): Promise<ByteStream> {
  switch (format) {
    case "gzip": {
      const { createGunzip } = await import("node:zlib");
      return through(coalesced(stream), createGunzip(GUNZIP_OPTIONS));
    }
    case "zstd":
      return (await import("./zstd-frames.ts")).unzstd(stream, CHUNK_SIZE);
    case "xz":
      return (await import("./xz.ts")).unxz(stream);
    case "bzip2":
      return (await import("./bzip2.ts")).unbzip2(stream);
  }
}
