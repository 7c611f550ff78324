import { describe, expect, test } from "bun:test";
import { coalesced, collect, counted, verified } from "../../src/core/byte-stream.ts";
import { computeDigest } from "../../src/core/digest.ts";
import { ImageError } from "../../src/core/errors.ts";

const CHUNKS = ["one ", "two ", "three"].map((text) => new TextEncoder().encode(text));
const WHOLE = Buffer.concat(CHUNKS);

async function* chunks(): AsyncGenerator<Uint8Array> {
  yield* CHUNKS;
}

async function failure(stream: AsyncIterable<Uint8Array>): Promise<ImageError> {
  try {
    await collect(stream, 1000, "stream");
  } catch (error) {
    if (error instanceof ImageError) return error;
  }
  throw new Error("the stream did not fail");
}

describe("verified", () => {
  test("passes on bytes that have the digest and size", async () => {
    const stream = verified(chunks(), computeDigest(WHOLE), WHOLE.length);
    expect(Buffer.from(await collect(stream, 1000, "stream"))).toEqual(WHOLE);
  });

  test("takes SHA-512 digests", async () => {
    const stream = verified(chunks(), computeDigest(WHOLE, "sha512"), WHOLE.length);
    expect(await collect(stream, 1000, "stream")).toHaveLength(WHOLE.length);
  });

  test("fails at the end of bytes with another digest", async () => {
    const error = await failure(verified(chunks(), computeDigest(new Uint8Array(1)), WHOLE.length));
    expect(error.code).toBe("DIGEST_MISMATCH");
    expect(error.message).toContain(computeDigest(WHOLE));
  });

  test("fails when bytes are missing", async () => {
    const error = await failure(verified(chunks(), computeDigest(WHOLE), WHOLE.length + 1));
    expect(error.code).toBe("SIZE_MISMATCH");
  });

  test("stops as soon as there are too many bytes", async () => {
    let pulled = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        pulled++;
        yield new Uint8Array(10);
      }
    }
    const error = await failure(verified(endless(), computeDigest(WHOLE), 25));
    expect(error.code).toBe("SIZE_MISMATCH");
    expect(pulled).toBe(3);
  });
});

test("collect refuses more than its limit", async () => {
  const error = await collect(chunks(), 5, "manifest").catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ImageError);
  expect(String(error)).toContain("manifest: exceeded maximum allowed size of 5 bytes");
});

test("coalesced joins small chunks and loses none", async () => {
  const joined = await Array.fromAsync(coalesced(chunks(), 8));
  expect(joined.map((chunk) => chunk.length)).toEqual([8, 5]);
  expect(Buffer.concat(joined)).toEqual(WHOLE);
});

test("counted reports the total at the end", async () => {
  const totals: number[] = [];
  await collect(
    counted(chunks(), (total) => totals.push(total), 60_000),
    1000,
    "stream",
  );
  expect(totals).toEqual([WHOLE.length]);
});
