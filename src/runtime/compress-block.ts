/** How a block of bytes is compressed by itself. */
export interface BlockCompression {
  readonly format: "gzip" | "zstd";
  /** gzip: 0 (not at all) to 9; zstd: 1 to 22. */
  readonly level: number;
}

/** Repetitions are found this far back, as a power of 2: in a whole block. */
const ZSTD_WINDOW_LOG = 22;

/**
 * Compresses a block into a gzip member or a zstd frame of its own. The same block gives the same bytes on every machine:
 * on Bun, gzip is libdeflate's, which does not depend on the processor. Node has only zlib, whose bytes are others.
 */
export function compressBlock(
  block: Uint8Array<ArrayBuffer>,
  { format, level }: BlockCompression,
): Uint8Array {
  if (format === "gzip" && typeof Bun !== "undefined") {
    return Bun.gzipSync(block, { library: "libdeflate", level: level as LibdeflateLevel });
  }
  const { gzipSync, zstdCompressSync, constants } = process.getBuiltinModule("node:zlib");
  if (format === "gzip") return gzipSync(block, { level });
  const params = {
    [constants.ZSTD_c_compressionLevel]: level,
    [constants.ZSTD_c_windowLog]: ZSTD_WINDOW_LOG,
  };
  return zstdCompressSync(block, { params });
}

type LibdeflateLevel = NonNullable<
  Extract<Parameters<typeof Bun.gzipSync>[1], { library?: "libdeflate" }>["level"]
>;
