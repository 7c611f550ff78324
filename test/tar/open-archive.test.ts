import { describe, expect, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { DEFAULT_INFLATION_LIMIT } from "../../src/compression/inflation-limit.ts";
import { openTarArchive } from "../../src/tar/open-archive.ts";
import { temporary } from "../support/images.ts";
import { peerTest } from "../support/peers.ts";
import { mustRun } from "../support/run.ts";
import { tarOf } from "../support/tar-files.ts";

const archive = tarOf([{ name: "file", content: "content" }]);

function spoolIn(temporaryDirectory: string, maxBytes: number = DEFAULT_INFLATION_LIMIT.maxBytes) {
  return { temporaryDirectory, inflationLimit: { ...DEFAULT_INFLATION_LIMIT, maxBytes } };
}

function pathOf(bytes: Uint8Array): string {
  const path = join(temporary("open"), "a.tar");
  writeFileSync(path, bytes);
  return path;
}

async function* streamOf(...chunks: readonly Uint8Array[]) {
  yield* chunks;
}

/** Checks the content, and that temporary files are there as long as the archive is open only. */
async function expectContent(input: Parameters<typeof openTarArchive>[0], isSpooled: boolean): Promise<void> {
  const scratch = temporary("scratch");
  {
    await using open = await openTarArchive(input, spoolIn(scratch));
    const entry = open.archive.find("file");
    if (entry === undefined) throw new Error("nothing found");
    expect(Buffer.from(await open.archive.readWhole(entry, 100)).toString()).toBe("content");
    expect(readdirSync(scratch)).toHaveLength(isSpooled ? 1 : 0);
  }
  expect(readdirSync(scratch)).toEqual([]);
}

describe("an archive is opened", () => {
  test("in place where it is a plain file", async () => await expectContent(pathOf(archive), false));
  test("from a stream, whatever its chunks are", async () => {
    await expectContent(streamOf(archive), true);
    await expectContent(streamOf(...Array.from(archive, (byte) => Uint8Array.of(byte))), true);
  });
  test("from a stream of compressed data", async () => {
    await expectContent(streamOf(zstdCompressSync(archive)), true);
  });
  test("from gzip data of several members", async () => {
    const members = Buffer.concat([gzipSync(archive.subarray(0, 700)), gzipSync(archive.subarray(700))]);
    await expectContent(pathOf(members), true);
  });
  for (const program of ["gzip", "bzip2", "xz", "zstd"]) {
    peerTest(`compressed by ${program}`, [program], async () => {
      const path = pathOf(archive);
      await mustRun(["sh", "-c", `${program} -c ${path} > ${path}.compressed`]);
      await expectContent(`${path}.compressed`, true);
    });
  }
  peerTest("from a named pipe", ["mkfifo"], async () => {
    const pipe = join(temporary("pipe"), "pipe");
    await mustRun(["mkfifo", pipe]);
    const writing = mustRun(["sh", "-c", `cat ${pathOf(gzipSync(archive))} > ${pipe}`]);
    await expectContent(pipe, true);
    await writing;
  });
});

describe("nothing is left of an archive that", () => {
  const compressed = gzipSync(tarOf([{ name: "file", content: Buffer.alloc(1_000_000) }]));
  const cases: Readonly<
    Record<string, readonly [input: () => Parameters<typeof openTarArchive>[0], error: object]>
  > = {
    "ends early": [() => pathOf(gzipSync(archive).subarray(0, 40)), { code: "MANIFEST_INVALID" }],
    "is corrupt": [
      () => pathOf(Buffer.concat([gzipSync(archive).subarray(0, 40), Buffer.alloc(90, 7)])),
      { code: "MANIFEST_INVALID" },
    ],
    "is compressed, but no tar": [() => pathOf(gzipSync("text".repeat(900))), { code: "MANIFEST_INVALID" }],
    "inflates too far": [() => pathOf(compressed), { code: "SIZE_LIMIT" }],
    "comes without end": [() => streamOf(Buffer.alloc(60_000), Buffer.alloc(60_000)), { code: "SIZE_LIMIT" }],
    "is not there": [() => join(temporary("none"), "none"), { code: "ENOENT" }],
    "is a directory": [() => temporary("directory"), { code: "EISDIR" }],
  };
  for (const [title, [input, error]] of Object.entries(cases)) {
    test(title, async () => {
      const scratch = temporary("scratch");
      await expect(openTarArchive(input(), spoolIn(scratch, 100_000))).rejects.toMatchObject(error);
      expect(readdirSync(scratch)).toEqual([]);
    });
  }

  test("was not awaited", async () => {
    const scratch = temporary("scratch");
    const stop = new AbortController();
    async function* endless() {
      for (;;) {
        yield Buffer.alloc(1000);
        stop.abort(new DOMException("enough", "AbortError"));
      }
    }
    const opening = openTarArchive(endless(), spoolIn(scratch), { signal: stop.signal });
    await expect(opening).rejects.toThrow("enough");
    expect(readdirSync(scratch)).toEqual([]);
  });
});

test("a temporary directory that cannot be written to is named", async () => {
  const missing = join(temporary("scratch"), "missing");
  await expect(openTarArchive(streamOf(archive), spoolIn(missing))).rejects.toThrow(missing);
});
