/** How a block of bytes is compressed by itself. */
export interface BlockCompression {
  readonly format: "gzip" | "zstd";
  /** gzip: 0 (not at all) to 9; zstd: 1 to 22. */
  readonly level: number;
}

/** Repetitions are found this far back, as a power of 2: in a whole block. */
const ZSTD_WINDOW_LOG = 21;

/**
 * Compresses a block into a gzip member or a zstd frame of its own. The same block gives the same bytes on every machine:
 * on Bun, gzip is libdeflate's, which does not depend on the processor. Node has only zlib, whose bytes are others.
 */
export function compressBlock(
  block: Uint8Array<ArrayBuffer>,
  { format, level }: BlockCompression,
): Uint8Array {
  if (format === "gzip" && typeof Bun !== "undefined") {
    const worthwhile = isCompressible(block) ? level : 0;
    return Bun.gzipSync(block, { library: "libdeflate", level: worthwhile as LibdeflateLevel });
  }
  const { gzipSync, zstdCompressSync, constants } = process.getBuiltinModule("node:zlib");
  if (format === "gzip") return gzipSync(block, { level });
  const params = {
    [constants.ZSTD_c_compressionLevel]: level,
    [constants.ZSTD_c_windowLog]: ZSTD_WINDOW_LOG,
  };
  return zstdCompressSync(block, { params });
}

const SAMPLE_SIZE: number = 8 * 1024;
/** Every so many bytes there is a sample. */
const SAMPLE_DISTANCE: number = 128 * 1024;
const WORTHWHILE = 0.97;

/**
 * Whether compressing the block is worth the time, by samples of it. Much of what images hold is compressed already, on
 * which libdeflate, unlike zstd, works as hard as on anything.
 */
function isCompressible(block: Uint8Array<ArrayBuffer>): boolean {
  if (block.length <= SAMPLE_DISTANCE) return true;
  let size = 0;
  let compressed = 0;
  for (let start = 0; start < block.length; start += SAMPLE_DISTANCE) {
    const sample = block.subarray(start, start + SAMPLE_SIZE);
    size += sample.length;
    compressed += Bun.deflateSync(sample, { library: "libdeflate", level: 1 }).length;
  }
  return compressed < size * WORTHWHILE;
}

type LibdeflateLevel = NonNullable<
  Extract<Parameters<typeof Bun.gzipSync>[1], { library?: "libdeflate" }>["level"]
>;
