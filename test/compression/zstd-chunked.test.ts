import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { blockCompression, compressed } from "../../src/compression/compress.ts";
import { zstdChunked } from "../../src/compression/zstd-chunked/encoder.ts";
import { randomBytesOf, sha256, temporary } from "../support/images.ts";
import { peerTest } from "../support/peers.ts";
import { mustRun, runReal } from "../support/run.ts";

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

interface Encoded {
  readonly blob: Buffer;
  readonly annotations: Readonly<Record<string, string>>;
}

async function encode(tar: Buffer, size = 65_536): Promise<Encoded> {
  let annotations: Readonly<Record<string, string>> = {};
  const stream = zstdChunked(inPieces(tar, size), {
    onAnnotations: (found) => {
      annotations = found;
    },
  });
  const blob = Buffer.concat(await Array.fromAsync(stream));
  return { blob, annotations };
}

interface Entry {
  readonly type: string;
  readonly name: string;
  readonly size?: number;
  readonly digest?: string;
  readonly offset?: number;
  readonly endOffset?: number;
}

/** Reads the end of a blob as readers of the format do, from the footer on. */
function contentsOf(blob: Buffer): {
  entries: readonly Entry[];
  tarSplit: readonly Record<string, unknown>[];
} {
  const footer = blob.subarray(-64);
  expect(footer.toString("latin1", 56)).toBe("GNUlInUx");
  const [offset = 0, length = 0, plain, type, splitOffset = 0, splitLength = 0, splitPlain] = Array.from(
    { length: 7 },
    (_, i) => Number(footer.readBigUInt64LE(8 * i)),
  );
  expect(type).toBe(1);
  const table = Bun.zstdDecompressSync(blob.subarray(offset, offset + length));
  const split = Bun.zstdDecompressSync(blob.subarray(splitOffset, splitOffset + splitLength));
  expect([table.length, split.length]).toEqual([plain ?? 0, splitPlain ?? 0]);
  const { entries, tarSplitDigest } = JSON.parse(table.toString());
  expect(tarSplitDigest).toBe(sha256(blob.subarray(splitOffset, splitOffset + splitLength)));
  const lines = split.toString().trimEnd().split("\n");
  return { entries, tarSplit: lines.map((line) => JSON.parse(line)) };
}

/** Builds the archive again from what the blob tells, checking each file on the way. */
function rebuild(blob: Buffer): Buffer {
  const { entries, tarSplit } = contentsOf(blob);
  const files = new Map<string, Buffer>();
  for (const { name, digest, offset, endOffset, size } of entries) {
    if (digest === undefined) continue;
    const content = Buffer.from(Bun.zstdDecompressSync(blob.subarray(offset, endOffset)));
    expect([sha256(content), content.length]).toEqual([digest, size ?? 0]);
    files.set(name, content);
  }
  const parts = tarSplit.map(({ type, payload, name }) => {
    if (type === 2) return Buffer.from(String(payload), "base64");
    return payload === null ? Buffer.alloc(0) : (files.get(String(name)) ?? Buffer.alloc(0));
  });
  return Buffer.concat(parts);
}

/** Files of all kinds and some sizes. */
async function makeTree(): Promise<string> {
  const directory = temporary("tree");
  mkdirSync(join(directory, "sub", "deeper"), { recursive: true });
  writeFileSync(join(directory, "a.txt"), "hello\n", { mode: 0o4755 });
  writeFileSync(join(directory, "sub", "empty"), "");
  writeFileSync(join(directory, "sub", "ünï"), "ä".repeat(1000));
  writeFileSync(join(directory, "sub", "long-".repeat(30)), "long");
  writeFileSync(join(directory, "noise"), randomBytesOf("noise").update(Buffer.alloc(5_000_000)));
  writeFileSync(join(directory, "zeros"), Buffer.alloc(9_000_000));
  symlinkSync("a.txt", join(directory, "link"));
  await mustRun(["ln", join(directory, "a.txt"), join(directory, "sub", "hard")]);
  await mustRun(["mkfifo", join(directory, "sub", "fifo")]);
  return directory;
}

async function archive(format: string): Promise<Buffer> {
  const file = join(temporary("tar"), "x.tar");
  await mustRun(["tar", `--format=${format}`, "-cf", file, "-C", await makeTree(), "."]);
  return readFileSync(file);
}

describe("a zstd:chunked layer", () => {
  for (const format of ["gnu", "pax"]) {
    peerTest(
      `of a ${format} archive is that archive to zstd, and can be taken apart`,
      ["zstd", "tar", "mkfifo"],
      async () => {
        const tar = await archive(format);
        const { blob, annotations } = await encode(tar);
        const child = Bun.spawn(["zstd", "-dc"], { stdin: new Blob([blob]), stdout: "pipe" });
        expect(sha256(Buffer.from(await new Response(child.stdout).arrayBuffer()))).toBe(sha256(tar));
        expect(sha256(rebuild(blob))).toBe(sha256(tar));
        const position = annotations["io.github.containers.zstd-chunked.manifest-position"]
          ?.split(":")
          .map(Number);
        const [offset = 0, length = 0] = position ?? [];
        expect(annotations["io.github.containers.zstd-chunked.manifest-checksum"]).toBe(
          sha256(blob.subarray(offset, offset + length)),
        );
      },
    );
  }

  peerTest("lists what real skopeo lists", ["skopeo 1.16", "tar", "mkfifo"], async () => {
    for (const format of ["gnu", "pax"]) {
      const tar = await archive(format);
      const file = join(temporary("tar"), "x.tar");
      writeFileSync(file, tar);
      const directory = join(temporary("chunked"), "image");
      const words = ["copy", "--dest-compress", "--dest-compress-format=zstd:chunked"];
      expect((await runReal([...words, `tarball:${file}`, `dir:${directory}`])).exitCode).toBe(0);
      const { layers } = JSON.parse(readFileSync(join(directory, "manifest.json"), "utf8"));
      const theirs = readFileSync(join(directory, layers[0].digest.slice("sha256:".length)));
      const { blob, annotations } = await encode(tar);
      expect(comparable(contentsOf(blob).entries)).toEqual(comparable(contentsOf(theirs).entries));
      expect(Object.keys(annotations).toSorted()).toEqual(Object.keys(layers[0].annotations).toSorted());
    }
  });

  test("depends on nothing but its content", async () => {
    const tar = await archive("pax");
    const first = await encode(tar, 1000);
    expect(sha256((await encode(tar, tar.length)).blob)).toBe(sha256(first.blob));
  });

  test("can only be made of a tar archive that is whole", async () => {
    const tar = await archive("gnu");
    await expect(encode(randomBytesOf("x").update(Buffer.alloc(4096)))).rejects.toMatchObject({
      code: "MANIFEST_INVALID",
    });
    await expect(encode(tar.subarray(0, tar.length - 3_000_000))).rejects.toThrow("it ends early");
  });
});

/** Frames lie elsewhere, and their chunks are cut by other rules. */
function comparable(entries: readonly Entry[]): readonly object[] {
  return entries
    .filter(({ type }) => type !== "chunk")
    .map((entry) => {
      const ignored = new Set([
        "offset",
        "endOffset",
        "chunkSize",
        "chunkDigest",
        "chunkType",
        "chunkOffset",
      ]);
      return Object.entries(entry).filter(([key]) => !ignored.has(key));
    });
}

test("plain zstd of the same archive differs, and holds the same", async () => {
  const tar = await archive("gnu");
  const plain = Buffer.concat(
    await Array.fromAsync(compressed(inPieces(tar, 65_536), blockCompression("zstd", undefined))),
  );
  expect(sha256(plain)).not.toBe(sha256((await encode(tar)).blob));
  expect(sha256(Buffer.from(Bun.zstdDecompressSync(plain)))).toBe(sha256(tar));
});
