import { expect, test } from "bun:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { decompressed } from "../../src/compression/decompress.ts";
import { type CompressionFormat, detectStream } from "../../src/compression/format.ts";
import { zstdChunked } from "../../src/compression/zstd-chunked/encoder.ts";
import { parsePaxRecords } from "../../src/compression/zstd-chunked/pax-records.ts";
import { type ByteStream, collect } from "../../src/core/byte-stream.ts";
import { sample } from "./corpus.ts";
import { answersOrRefuses, holds } from "./fuzz.ts";
import { anyBytes, damaged, joined, mutated } from "./inputs.ts";
import { tarSamples } from "./tars.ts";

const TEXT = Buffer.from("some text, some more text. ".repeat(200));
const CORPUS: Readonly<Record<CompressionFormat, readonly Uint8Array[]>> = {
  gzip: [gzipSync(TEXT), gzipSync(TEXT, { level: 0 })],
  zstd: [
    zstdCompressSync(TEXT),
    joined([
      zstdCompressSync(TEXT),
      Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2),
      zstdCompressSync(TEXT),
    ]),
  ],
  bzip2: [sample("text.bz2")],
  xz: [sample("text.xz")],
};
/** Bytes that come in pieces, as they do from a network. */
const pieces = fc.integer({ min: 1, max: 500 });
const LIMIT = { maxBytes: 64 * 1024, maxRatio: 500 };
/** So much may come with what passes the limit: the content of a chunk, which for bzip2 is a piece of a block. */
const CHUNK = 1024 * 1024;

for (const [format, corpus] of Object.entries(CORPUS)) {
  if (format !== "gzip" && format !== "zstd" && format !== "bzip2" && format !== "xz") continue;
  test(`${format} of any kind is decompressed within its limit, or refused`, async () => {
    await answersOrRefuses(
      fc.tuple(damaged(corpus), pieces),
      async ([bytes, size]) => {
        let length = 0;
        for await (const chunk of decompressed(inPieces(bytes, size), format, "layer", LIMIT))
          length += chunk.length;
        expect(length).toBeLessThanOrEqual(LIMIT.maxBytes);
      },
      { runs: format === "xz" || format === "bzip2" ? 100 : 150 },
    );
  });

  test(`${format} is decompressed whole whatever pieces it comes in`, async () => {
    await holds(
      fc.tuple(fc.constantFrom(...corpus), pieces),
      async ([bytes, size]) => {
        const whole = await collect(decompressed(inPieces(bytes, size), format, "layer"), CHUNK, "layer");
        expect(Buffer.from(whole).toString().replaceAll(TEXT.toString(), "")).toBe("");
      },
      25,
    );
  });

  test(`${format} that stands for very much takes no more than its limit`, async () => {
    const before = process.memoryUsage.rss();
    const bomb = inPieces(sample(`zeros.${format}`), 1e9);
    const read = collect(decompressed(bomb, format, "layer", LIMIT), 1e9, "layer");
    await expect(read).rejects.toThrow("layer: decompressed it has more than the 65536 bytes allowed");
    expect(process.memoryUsage.rss() - before).toBeLessThan(200 * CHUNK);
  });
}

test("any stream is looked at without losing a byte of it", async () => {
  await holds(
    fc.tuple(fc.oneof(anyBytes, mutated(Object.values(CORPUS).flat())), pieces),
    async ([bytes, size]) => {
      const { bytes: all } = await detectStream(inPieces(bytes, size));
      expect(Buffer.from(await collect(all, CHUNK, "stream")).equals(Buffer.from(bytes))).toBe(true);
    },
  );
});

test("zstd:chunked of any archive is its zstd, or the archive is refused", async () => {
  const inputs = fc.tuple(fc.oneof(mutated([...tarSamples()]), damaged([...tarSamples()])), pieces);
  await answersOrRefuses(
    inputs,
    async ([tar, size]) => {
      const blob = await collect(
        zstdChunked(inPieces(tar, size), { onAnnotations: () => undefined }),
        10 * CHUNK,
        "blob",
      );
      const again = await collect(decompressed(inPieces(blob, 1e9), "zstd", "layer"), CHUNK, "layer");
      expect(Buffer.from(again).equals(Buffer.from(tar))).toBe(true);
    },
    { runs: 150 },
  );
});

test("pax records are read or are none", async () => {
  await holds(damaged(["30 mtime=1700000000.123456789\n12 path=a/b\n", "9 a=b=c\n\n"]), (bytes) => {
    for (const [key, value] of parsePaxRecords(Buffer.from(bytes)) ?? []) {
      expect(key.length + value.length).toBeLessThan(bytes.length);
    }
  });
});

async function* inPieces(bytes: Uint8Array, size: number): ByteStream {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}
