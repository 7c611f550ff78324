import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openBlobCache } from "../../src/blob-cache/blob-cache.ts";
import { computeDigest, type Digest } from "../../src/core/digest.ts";
import { parseDockerName } from "../../src/core/docker-name.ts";
import { temporary } from "../support/images.ts";

const digestOf = (text: string): Digest => computeDigest(new TextEncoder().encode(text));
const diffId = digestOf("layer");
const gzip = { digest: digestOf("gzip"), size: 10, compression: "gzip" };
const zstd = { digest: digestOf("zstd"), size: 9, compression: "zstd", annotations: { a: "b" } };
const never = (error: unknown): void => {
  throw error;
};

describe("the cache of layers", () => {
  test("remembers, the last seen first, also in another process", async () => {
    const directory = join(temporary("cache"), "blob-info");
    const cache = openBlobCache(directory, never);
    expect(await cache.findCompressed(diffId)).toEqual([]);
    await cache.record(diffId, gzip, parseDockerName("example.com/a"));
    await cache.record(diffId, zstd, undefined);
    await cache.record(diffId, gzip, parseDockerName("example.com/b"));
    const again = openBlobCache(directory, never);
    expect(await again.findCompressed(diffId)).toEqual([
      { ...gzip, repositories: ["example.com/b", "example.com/a"] },
      { ...zstd, repositories: [] },
    ]);
    expect(await again.findDiffId(zstd.digest)).toBe(diffId);
    expect(await again.findDiffId(diffId)).toBeUndefined();
  });

  test("forgets what is old, so that it stays small", async () => {
    const directory = temporary("cache");
    const cache = openBlobCache(directory, never);
    for (let i = 0; i < 20; i++) {
      await cache.record(diffId, { ...gzip, digest: digestOf(`${i}`) }, undefined);
      await cache.record(diffId, zstd, parseDockerName(`example.com/r${i}`));
    }
    const known = await cache.findCompressed(diffId);
    expect(known.length).toBe(8);
    expect(known[0]?.repositories.length).toBe(16);
    expect(known[0]?.repositories[0]).toBe("example.com/r19");
  });

  test("takes what is broken for unknown, and mends it", async () => {
    const directory = temporary("cache");
    const file = join(directory, "layers", diffId.replace(":", "-"));
    mkdirSync(join(directory, "layers"));
    const broken = ["", "{", "null", '{"version":2,"blobs":[]}', '{"version":1,"blobs":[{"digest":"x"}]}'];
    for (const content of broken) {
      writeFileSync(file, content);
      const cache = openBlobCache(directory, never);
      expect(await cache.findCompressed(diffId)).toEqual([]);
      await cache.record(diffId, gzip, undefined);
      expect(await cache.findCompressed(diffId)).toEqual([{ ...gzip, repositories: [] }]);
    }
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(directory, "layers"))).toEqual([diffId.replace(":", "-")]);
  });

  test("that can't be written is no failure", async () => {
    const directory = temporary("cache");
    writeFileSync(join(directory, "layers"), "in the way");
    chmodSync(directory, 0o700);
    const failures: unknown[] = [];
    const cache = openBlobCache(directory, (error) => failures.push(error));
    await cache.record(diffId, gzip, undefined);
    expect(failures.length).toBe(1);
    expect(await cache.findCompressed(diffId)).toEqual([]);
  });
});
