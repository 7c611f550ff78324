import { blockCompression, compressed } from "../../src/compression/compress.ts";
import type { ByteStream } from "../../src/core/byte-stream.ts";
import { type NewFile, tarOf } from "../../src/library/build/layer-files.ts";

const LEVEL = 6;

/** The files as a tar archive, compressed on all cores; the same files give the same bytes. */
export function tarGz(files: readonly NewFile[]): ByteStream {
  return compressed(tarOf(files), blockCompression("gzip", LEVEL));
}
