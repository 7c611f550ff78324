import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createDigester } from "../../src/core/digest.ts";
import { spoolTo } from "../../src/tar/spool.ts";
import { writeBlobFile } from "../../src/tar/write-blob.ts";
import { createPipeTarWriter, createSeekableTarWriter, type TarWriter } from "../../src/tar/writer.ts";
import { sha256, temporary } from "../support/images.ts";
import { peerTest } from "../support/peers.ts";
import { mustRun } from "../support/run.ts";

async function* chunks(...texts: readonly string[]) {
  for (const text of texts) yield Buffer.from(text);
}

async function* failing(bytes: number) {
  yield Buffer.alloc(bytes);
  throw new Error("the network is gone");
}

/** A writer, and what it has written. */
interface Written {
  readonly tar: TarWriter;
  readonly bytes: () => Buffer;
  readonly scratch: string;
}

function seekable(): Written {
  let content = Buffer.alloc(0);
  const tar = createSeekableTarWriter({
    async write(bytes, position) {
      const grown = Buffer.alloc(Math.max(content.length, position + bytes.length));
      content.copy(grown);
      grown.set(bytes, position);
      content = grown;
    },
    async truncate(length) {
      content = content.subarray(0, length);
    },
  });
  return { tar, bytes: () => content, scratch: temporary("spool") };
}

function pipe(): Written {
  const parts: Buffer[] = [];
  const scratch = temporary("spool");
  const write = async (bytes: Uint8Array): Promise<void> => void parts.push(Buffer.from(bytes));
  return {
    tar: createPipeTarWriter({ write }, spoolTo(scratch)),
    bytes: () => Buffer.concat(parts),
    scratch,
  };
}

const WRITERS = { "a file": seekable, "a pipe": pipe } as const;
const file = { name: "f", mode: 0o444 } as const;

describe("an archive is the same", () => {
  test("in a file and in a pipe, whether sizes are known or not", async () => {
    const archives: Buffer[] = [];
    for (const create of Object.values(WRITERS)) {
      for (const size of [undefined, 6]) {
        const { tar, bytes, scratch } = create();
        expect(await tar.writeFile({ ...file, size }, chunks("abc", "def"))).toBe(6);
        await tar.writeSymlink("l", "f");
        await tar.writeDirectory("d", 0o755);
        await tar.finish();
        archives.push(bytes());
        expect(readdirSync(scratch)).toEqual([]);
      }
    }
    for (const archive of archives) expect(archive.equals(archives[0] ?? Buffer.alloc(0))).toBe(true);
    expect(archives[0]?.length).toBe(6 * 512);
  });
});

for (const [title, create] of Object.entries(WRITERS)) {
  describe(`in ${title}`, () => {
    test("a content that is not as long as it should be is refused", async () => {
      for (const size of [2, 4]) {
        const { tar } = create();
        await expect(tar.writeFile({ ...file, size }, chunks("abc"))).rejects.toMatchObject({
          code: "SIZE_MISMATCH",
        });
      }
    });

    test("a failing content of unknown size leaves nothing of it", async () => {
      const { tar, bytes, scratch } = create();
      await tar.writeFile({ ...file, size: 1 }, chunks("a"));
      const before = bytes();
      await expect(tar.writeFile({ ...file, size: undefined }, failing(5000))).rejects.toThrow("network");
      expect(bytes().equals(before)).toBe(true);
      expect(readdirSync(scratch)).toEqual([]);
    });

    test("an abort ends the writing", async () => {
      const { tar, scratch } = create();
      const signal = AbortSignal.abort(new DOMException("enough", "AbortError"));
      await expect(tar.writeFile({ ...file, size: undefined }, chunks("abc"), { signal })).rejects.toThrow(
        "enough",
      );
      expect(readdirSync(scratch)).toEqual([]);
    });

    test("a blob gets its name from its digest, and is left out where it is present", async () => {
      const { tar, bytes } = create();
      const present = new Set<string>();
      const files = {
        nameOf: (digest: string) => digest.slice(7, 17),
        mode: 0o444,
        isPresent: (digest: string) => present.has(digest),
      };
      const digest = sha256(Buffer.from("content"));
      for (let i = 0; i < 2; i++) {
        expect(await writeBlobFile(tar, chunks("content"), {}, files)).toMatchObject({ digest, size: 7 });
        present.add(digest);
      }
      expect(bytes().length).toBe(1024);
      expect(bytes().toString("latin1", 0, 10)).toBe(digest.slice(7, 17));
    });
  });
}

test("an entry copied raw gets the padding that it lacks", async () => {
  const { tar, bytes } = seekable();
  await tar.writeRaw(chunks("x".repeat(700)));
  expect(bytes().length).toBe(1024);
});

test("room that turns out to be too small for a name is an error, not a broken archive", async () => {
  const { tar, bytes } = seekable();
  await expect(
    tar.writeFile({ ...file, name: () => "n".repeat(101), size: undefined }, chunks("a")),
  ).rejects.toThrow("too long");
  expect(bytes().length).toBe(0);
});

peerTest("GNU tar unpacks what was written", ["tar"], async () => {
  const { tar, bytes } = seekable();
  const large = "0123456789".repeat(100_000);
  const digester = createDigester();
  digester.update(Buffer.from(large));
  await tar.writeDirectory("d", 0o755);
  await tar.writeFile({ name: "d/large", mode: 0o644, size: undefined }, chunks(large));
  await tar.writeFile({ name: `${"long".repeat(50)}/ä`, mode: 0o644, size: 1 }, chunks("x"));
  await tar.writeSymlink("link", "d/large");
  await tar.finish();
  const directory = temporary("unpacked");
  writeFileSync(join(directory, "a.tar"), bytes());
  await mustRun(["tar", "-xf", "a.tar"], { cwd: directory });
  expect(sha256(readFileSync(join(directory, "link")))).toBe(digester.digest());
  expect(readFileSync(join(directory, "long".repeat(50), "ä"), "utf8")).toBe("x");
});
