import { describe, expect, test } from "bun:test";
import { gunzipSync } from "node:zlib";
import { blockCompression, compressed } from "../../src/compression/compress.ts";
import { randomBytesOf, sha256 } from "../support/images.ts";
import { peerTest } from "../support/peers.ts";

/** More than two blocks of either format. */
const data = Buffer.concat([
  Buffer.from("again and again\n".repeat(300_000)),
  randomBytesOf("noise").update(Buffer.alloc(1_500_000)),
  Buffer.alloc(3_000_001),
]);

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

async function compress(
  bytes: Buffer,
  format: "gzip" | "zstd",
  level?: number,
  size = 100_000,
): Promise<Buffer> {
  const stream = compressed(inPieces(bytes, size), blockCompression(format, level));
  return Buffer.concat(await Array.fromAsync(stream));
}

async function readBy(command: readonly string[], bytes: Buffer): Promise<string> {
  const child = Bun.spawn([...command], { stdin: new Blob([bytes]), stdout: "pipe" });
  const output = Buffer.from(await new Response(child.stdout).arrayBuffer());
  expect(await child.exited).toBe(0);
  return sha256(output);
}

const PYTHON = "import gzip, sys; sys.stdout.buffer.write(gzip.open(sys.stdin.buffer).read())";

describe("what we compress", () => {
  peerTest("as gzip is read by GNU gzip, Python and Node", ["gzip", "python3"], async () => {
    for (const level of [undefined, 0, 1, 6, 9, -1, -2]) {
      const bytes = await compress(data, "gzip", level);
      expect(await readBy(["gzip", "-dc"], bytes)).toBe(sha256(data));
      expect(await readBy(["python3", "-c", PYTHON], bytes)).toBe(sha256(data));
      expect(sha256(gunzipSync(bytes))).toBe(sha256(data));
    }
  });

  peerTest("as zstd is read by zstd", ["zstd"], async () => {
    for (const level of [undefined, -5, 1, 9, 30]) {
      expect(await readBy(["zstd", "-dc"], await compress(data, "zstd", level))).toBe(sha256(data));
    }
  });

  for (const format of ["gzip", "zstd"] as const) {
    test(`as ${format} depends on nothing but its content`, async () => {
      const first = await compress(data, format, undefined, 65_536);
      for (const size of [1_000_000, data.length]) {
        expect(sha256(await compress(data, format, undefined, size))).toBe(sha256(first));
      }
    });

    test(`as ${format} may be empty or short`, async () => {
      for (const content of ["", "x"]) {
        const bytes = await compress(Buffer.from(content), format);
        const plain = format === "gzip" ? gunzipSync(bytes) : Bun.zstdDecompressSync(bytes);
        expect(Buffer.from(plain).toString()).toBe(content);
      }
    });
  }

  test("is smaller at higher levels", async () => {
    const sizes = await Promise.all(
      [1, 6, 9].map(async (level) => (await compress(data, "gzip", level)).length),
    );
    expect(sizes).toEqual(sizes.toSorted((left, right) => right - left));
    expect(sizes[0]).toBeLessThan(data.length / 3);
  });

  test("has the same bytes as ever: registries find layers by them", async () => {
    const digests = [sha256(await compress(data, "gzip")), sha256(await compress(data, "gzip", 6))];
    expect(digests).toMatchSnapshot();
  });

  test("has no other levels than gzip has", () => {
    for (const level of [-3, 10, 99]) {
      expect(() => blockCompression("gzip", level)).toThrow(`gzip: invalid compression level: ${level}`);
    }
  });

  test("ends with its source's failure", async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield data.subarray(0, 5_000_000);
      throw new Error("connection lost");
    }
    const reading = Array.fromAsync(compressed(broken(), blockCompression("gzip", 1)));
    await expect(reading).rejects.toThrow("connection lost");
    // The places for blocks were given back: others can go on.
    expect((await compress(data, "gzip")).length).toBeGreaterThan(0);
  });
});
