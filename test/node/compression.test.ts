import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { gunzipSync, gzipSync, zstdCompressSync } from "node:zlib";
import { blockCompression, compressed } from "../../src/compression/compress.ts";
import { decompressed } from "../../src/compression/decompress.ts";
import { detectStream } from "../../src/compression/format.ts";
import { zstdChunked } from "../../src/compression/zstd-chunked/encoder.ts";
import { tarHeader } from "../support/images.ts";

/** Several blocks, of which some shrink. */
const data = Buffer.concat([Buffer.alloc(3_000_000, "words and words "), randomBytes(2_000_000)]);

async function* inPieces(bytes: Buffer, size = 70_000): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

async function plainOf(bytes: Buffer): Promise<Buffer> {
  const { format, bytes: stream } = await detectStream(inPieces(bytes));
  assert.ok(format);
  return Buffer.concat(await Array.fromAsync(decompressed(stream, format, "data")));
}

describe("on Node", () => {
  test("parts of zstd and gzip one after another are read to their end", async () => {
    const half = data.length / 2;
    for (const compress of [gzipSync, zstdCompressSync]) {
      const parts = [compress(data.subarray(0, half)), compress(data.subarray(half))];
      assert.ok((await plainOf(Buffer.concat(parts))).equals(data));
    }
  });

  test("what is compressed in threads is read, and the same each time", async () => {
    for (const format of ["gzip", "zstd"] as const) {
      const make = async (size: number): Promise<Buffer> =>
        Buffer.concat(
          await Array.fromAsync(compressed(inPieces(data, size), blockCompression(format, undefined))),
        );
      const first = await make(70_000);
      assert.ok(first.equals(await make(1_000_000)));
      assert.ok((await plainOf(first)).equals(data));
      if (format === "gzip") assert.ok(gunzipSync(first).equals(data));
    }
  });

  test("zstd:chunked holds the archive", async () => {
    const padding = Buffer.alloc(((512 - (data.length % 512)) % 512) + 1024);
    const tar = Buffer.concat([tarHeader("file", data.length), data, padding]);
    let annotations = {};
    const stream = zstdChunked(inPieces(tar), { onAnnotations: (found) => (annotations = found) });
    const blob = Buffer.concat(await Array.fromAsync(stream));
    assert.ok((await plainOf(blob)).equals(tar));
    assert.equal(Object.keys(annotations).length, 3);
  });
});
