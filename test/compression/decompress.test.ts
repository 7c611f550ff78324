import { describe, expect, test } from "bun:test";
import { decompressed } from "../../src/compression/decompress.ts";
import { detectStream } from "../../src/compression/format.ts";
import type { InflationLimit } from "../../src/compression/inflation-limit.ts";
import { randomBytesOf, sha256 } from "../support/images.ts";
import { peerTest } from "../support/peers.ts";

/** Text and noise, so that every kind of block occurs. */
const data = Buffer.concat([
  Buffer.from("the same words again and again\n".repeat(20_000)),
  randomBytesOf("noise").update(Buffer.alloc(300_000)),
  Buffer.alloc(400_000),
]);

const PROGRAMS = { gzip: "gzip", zstd: "zstd", bzip2: "bzip2", xz: "xz" } as const;
const formats = Object.keys(PROGRAMS) as (keyof typeof PROGRAMS)[];

async function compressBy(program: string, bytes: Uint8Array): Promise<Buffer> {
  const child = Bun.spawn([program, "-c"], { stdin: new Blob([bytes]), stdout: "pipe" });
  return Buffer.from(await new Response(child.stdout).arrayBuffer());
}

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

async function decompress(bytes: Buffer, size: number, limit?: InflationLimit): Promise<string> {
  const { format, bytes: stream } = await detectStream(inPieces(bytes, size));
  if (format === undefined) throw new Error("no compression was detected");
  const chunks = await Array.fromAsync(decompressed(stream, format, "layer x", limit));
  return sha256(Buffer.concat(chunks));
}

describe("what other programs have compressed is read", () => {
  for (const format of formats) {
    peerTest(`${format}, whole and in many parts`, [PROGRAMS[format]], async () => {
      const whole = await compressBy(PROGRAMS[format], data);
      for (const size of [333, whole.length]) {
        expect(await decompress(whole, size)).toBe(sha256(data));
      }
      const halves = await Promise.all(
        [data.subarray(0, 777_777), data.subarray(777_777)].map((half) => compressBy(PROGRAMS[format], half)),
      );
      expect(await decompress(Buffer.concat(halves), 1000)).toBe(sha256(data));
    });

    peerTest(`${format} that ends early or is corrupt is refused`, [PROGRAMS[format]], async () => {
      const whole = await compressBy(PROGRAMS[format], data);
      for (const broken of [whole.subarray(0, whole.length >> 1), flipped(whole, whole.length >> 1)]) {
        const failure = decompress(broken, 4096);
        await expect(failure).rejects.toMatchObject({ code: "MANIFEST_INVALID" });
        await expect(failure).rejects.toThrow(`layer x: corrupt ${format} data: `);
      }
    });
  }
});

/** Damage that a check sum finds; zstd has one only when asked, but its coding does not survive this either. */
function flipped(bytes: Buffer, position: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.fill(0x5a, position, position + 64);
  return copy;
}

test("skippable zstd frames carry no data", async () => {
  const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
  const frame = Bun.zstdCompressSync(data);
  const bytes = Buffer.concat([frame, skippable, frame, skippable]);
  expect(await decompress(bytes, 5000)).toBe(sha256(Buffer.concat([data, data])));
});

describe("data that inflates too far is refused", () => {
  const zeros = Buffer.from(Bun.gzipSync(Buffer.alloc(64 * 1024 * 1024)));

  test("by its size", async () => {
    const limit = { maxBytes: 10_000_000, maxRatio: 1e9 };
    await expect(decompress(zeros, 4096, limit)).rejects.toMatchObject({ code: "SIZE_LIMIT" });
    await expect(decompress(zeros, 4096, limit)).rejects.toThrow("more than the 10000000 bytes allowed");
    expect(await decompress(zeros, 4096)).toBe(sha256(Buffer.alloc(64 * 1024 * 1024)));
  });

  test("by its ratio, beyond a size that is nobody's concern", async () => {
    const bomb = Buffer.concat(Array.from({ length: 17 }, () => zeros));
    const limit = { maxBytes: 1e15, maxRatio: 300 };
    await expect(decompress(bomb, 65_536, limit)).rejects.toThrow("more than 300 times as large");
  });
});

test("a failure of the source is told as it is", async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Bun.gzipSync(data).subarray(0, 1000);
    throw new Error("connection lost");
  }
  const reading = Array.fromAsync(decompressed(broken(), "gzip", "layer x"));
  await expect(reading).rejects.toThrow(/^connection lost$/);
});
