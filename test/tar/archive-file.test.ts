import { describe, expect, test } from "bun:test";
import { closeSync, openSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { openRandomAccess } from "../../src/runtime/random-access.ts";
import { TarArchiveFile } from "../../src/tar/archive-file.ts";
import { encodeHeader, encodeLateHeader } from "../../src/tar/header.ts";
import { cleanName } from "../../src/tar/index.ts";
import { temporary } from "../support/images.ts";
import { peerTest } from "../support/peers.ts";
import { mustRun } from "../support/run.ts";
import { type RawEntry, tarOf } from "../support/tar-files.ts";

/** An archive, until the test has ended. */
async function opened(archive: Buffer | string): Promise<TarArchiveFile & AsyncDisposable> {
  const path = typeof archive === "string" ? archive : join(temporary("tar"), "a.tar");
  if (typeof archive !== "string") writeFileSync(path, archive);
  const file = await openRandomAccess(path);
  if (file === undefined) throw new Error("no file");
  try {
    const read = await TarArchiveFile.read(file);
    return Object.assign(read, { [Symbol.asyncDispose]: () => file[Symbol.asyncDispose]() });
  } catch (error) {
    await file[Symbol.asyncDispose]();
    throw error;
  }
}

async function textOf(archive: TarArchiveFile, name: string): Promise<string | undefined> {
  const entry = archive.find(name);
  return entry && Buffer.from(await archive.readWhole(entry, 1000)).toString();
}

async function textIn(archive: Buffer | string, name: string): Promise<string | undefined> {
  await using read = await opened(archive);
  return await textOf(read, name);
}

async function namesIn(archive: Buffer): Promise<readonly string[]> {
  await using read = await opened(archive);
  return read.entries.map(({ name }) => name);
}

test("names have one spelling", () => {
  const spellings = ["a/b", "./a/b", "a//b", "a/./b", "a/c/../b", "a/b/"];
  expect(new Set(spellings.map(cleanName))).toEqual(new Set(["a/b"]));
  expect(cleanName("../a")).toBe("../a");
});

describe("a file is found", () => {
  const target: RawEntry = { name: "dir/file", content: "content" };
  const cases: Readonly<Record<string, readonly RawEntry[]>> = {
    "by its name": [{ ...target, name: "name" }],
    "through a symlink beside it": [{ name: "name", type: "2", target: "./dir//file" }, target],
    "through a symlink that goes up": [
      { name: "x/y", type: "2", target: "../dir/file" },
      { name: "name", type: "2", target: "x/y" },
      target,
    ],
    "through a hard link, whatever size that claims": [
      target,
      { name: "name", type: "1", target: "dir/file", size: 7 },
    ],
    "behind a directory entry that was written twice": [
      { name: "d/", type: "5" },
      { name: "d/", type: "5" },
      { ...target, name: "name" },
    ],
    "behind a volume label": [
      { name: "label", type: "V" },
      { ...target, name: "name" },
    ],
    "behind devices and pipes": [
      { name: "c", type: "3" },
      { name: "b", type: "4" },
      { name: "p", type: "6" },
      { ...target, name: "name" },
    ],
    "of the old kind, with a zero for a type": [{ ...target, name: "name", type: "\0" }],
  };
  for (const [title, entries] of Object.entries(cases)) {
    test(title, async () => expect(await textIn(tarOf(entries), "name")).toBe("content"));
  }

  test("or not", async () => expect(await textIn(tarOf([target]), "other")).toBeUndefined());
});

describe("a file is refused", () => {
  const cases: Readonly<Record<string, readonly [entries: readonly RawEntry[], reason: string]>> = {
    "that is there twice": [[{ name: "name" }, { name: "./name" }], 'holds "name" twice'],
    "that is a file and a directory": [
      [{ name: "name" }, { name: "name/", type: "5" }],
      'holds "name" twice',
    ],
    "that links to one that is there twice": [
      [{ name: "name", type: "2", target: "x" }, { name: "x" }, { name: "x" }],
      'holds "x" twice',
    ],
    "that links to an absolute path": [
      [{ name: "name", type: "2", target: "/x" }, { name: "x" }],
      'links to "/x"',
    ],
    "that links out of the archive": [
      [{ name: "name", type: "2", target: "../x" }, { name: "../x" }],
      'links to "../x"',
    ],
    "that links to nothing": [[{ name: "name", type: "1", target: "x" }], 'links to "x", which is not in it'],
    "that links to itself": [[{ name: "name", type: "2", target: "name" }], 'links to "name"'],
    "that is a directory": [[{ name: "name", type: "5" }], "is no regular file"],
    "that is a pipe": [[{ name: "name", type: "6" }], "is no regular file"],
  };
  for (const [title, [entries, reason]] of Object.entries(cases)) {
    test(title, async () => {
      await expect(textIn(tarOf(entries), "name")).rejects.toMatchObject({
        code: "MANIFEST_INVALID",
        message: expect.stringContaining(reason),
      });
    });
  }
});

describe("an archive is refused", () => {
  const pax = (record: string): RawEntry => ({
    name: "pax",
    type: "x",
    content: `${record.length + 4} ${record}\n`,
  });
  const cases: Readonly<Record<string, readonly [archive: Buffer, reason: string]>> = {
    "that is empty of headers": [Buffer.alloc(1024), "begins with zeros"],
    "that is text": [Buffer.from("text".repeat(500)), "begins with no tar header"],
    "that is too short": [Buffer.from("x"), "is too short"],
    "with a sparse file of GNU": [tarOf([{ name: "s", type: "S" }]), "sparse entries"],
    "with a sparse file of pax": [tarOf([pax("GNU.sparse.major=1"), { name: "s" }]), "sparse entries"],
    "with names that fill the memory": [
      tarOf([{ name: "L", type: "L", content: "n".repeat(2 ** 20 + 1) }]),
      "has 1048577 bytes",
    ],
    "with pax records that fill the memory": [
      tarOf([{ name: "x", type: "x", content: "n".repeat(2 ** 20 + 1) }]),
      "has 1048577 bytes",
    ],
    "with a size in its pax header beyond its end": [
      tarOf([pax("size=999999"), { name: "s" }]),
      "is truncated",
    ],
  };
  for (const [title, [archive, reason]] of Object.entries(cases)) {
    test(title, async () => {
      await expect(opened(archive)).rejects.toMatchObject({
        code: "MANIFEST_INVALID",
        message: expect.stringContaining(reason),
      });
    });
  }

  test("that was cut within an entry; only padding may be missing", async () => {
    const whole = tarOf(["first", "second"].map((name) => ({ name, content: name.repeat(150) })));
    const [contentEnd, entryEnd] = [512 + "first".length * 150, 512 + 1024];
    for (let length = 1; length < entryEnd + 512 + "second".length * 150; length += 53) {
      const outcome = await namesIn(whole.subarray(0, length)).catch(String);
      if (length >= contentEnd && length <= entryEnd) expect(outcome).toEqual(["first"]);
      else expect(outcome).toMatch(/is truncated|is too short/);
    }
    expect(await namesIn(whole.subarray(0, entryEnd))).toEqual(["first"]);
  });

  test("whose headers were damaged", async () => {
    const whole = tarOf([{ name: "first", content: "x".repeat(600) }, { name: "second" }]);
    for (const position of [0, 100, 130, 148, 1536, 1536 + 124]) {
      const damaged = Buffer.from(whole);
      damaged[position] = 0xff;
      await expect(opened(damaged)).rejects.toThrow("is no usable tar archive");
    }
  });
});

describe("a content of 9 GiB is passed over unread", () => {
  const size = 9 * 1024 ** 3;
  for (const [title, encode] of [
    ["with its size in a pax header", encodeHeader],
    ["with its size in binary", encodeLateHeader],
  ] as const) {
    test(title, async () => {
      const path = join(temporary("huge"), "a.tar");
      const header = encode({ name: "huge", type: "file", size, mode: 0o444 });
      writeFileSync(path, header);
      truncateSync(path, header.length + size);
      const rest = tarOf([{ name: "small", content: "content" }]);
      const file = openSync(path, "r+");
      writeSync(file, rest, 0, rest.length, header.length + size);
      closeSync(file);
      await using archive = await opened(path);
      expect(archive.entries.map(({ name, size }) => [name, size])).toEqual([
        ["huge", size],
        ["small", 7],
      ]);
      expect(await textOf(archive, "small")).toBe("content");
    });
  }
});

test("a raw entry holds its pax headers, and a whole one has a limit", async () => {
  const name = "long".repeat(40);
  const entry = Buffer.concat([
    encodeHeader({ name, type: "file", size: 3, mode: 0o444 }),
    Buffer.from("abc"),
    Buffer.alloc(509),
  ]);
  await using archive = await opened(Buffer.concat([entry, Buffer.alloc(1024)]));
  const found = archive.find(name);
  if (found === undefined) throw new Error("nothing found");
  await using raw = await archive.openRaw(found);
  expect(Buffer.concat(await Array.fromAsync(raw.bytes)).equals(entry)).toBe(true);
  expect(raw.size).toBe(entry.length);
  await expect(archive.readWhole(found, 2)).rejects.toMatchObject({ code: "SIZE_LIMIT" });
  expect(Buffer.from(await archive.readStart(found, 2)).toString()).toBe("ab");
});

/** Makes a folder of names as odd as a format can hold, and archives it. */
const MAKER = `import tarfile, sys, io
archive = tarfile.open(sys.argv[1], "w", format=int(sys.argv[2]))
def add(name, kind=tarfile.REGTYPE, target="", text=""):
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname, entry.size = kind, target, len(text)
    archive.addfile(entry, io.BytesIO(text.encode()))
add("short", text="short")
for name in sys.argv[3:]:
    add(name, text=str(len(name)))
    add("soft" + str(len(name)), tarfile.SYMTYPE, name)
    add("hard" + str(len(name)), tarfile.LNKTYPE, name)
add("last", text="last")
archive.close()`;

describe("archives of Python's tarfile are read", () => {
  const splittable = `${"d".repeat(90)}/${"f".repeat(60)}`;
  const long = `${"long/".repeat(60)}file`;
  const cut = `${"x".repeat(99)}/${"y".repeat(120)}`;
  const formats: Readonly<Record<string, readonly [format: string, names: readonly string[]]>> = {
    ustar: ["0", [splittable.slice(0, 100)]],
    GNU: ["1", [splittable, long, cut, "ünïcödé"]],
    pax: ["2", [splittable, long, cut, "ünïcödé", `${long}ä`]],
  };
  for (const [title, [format, names]] of Object.entries(formats)) {
    peerTest(title, ["python3"], async () => {
      const path = join(temporary("python"), "a.tar");
      await mustRun(["python3", "-c", MAKER, path, format, ...names]);
      await using archive = await opened(path);
      for (const name of names) {
        // Python counts code points.
        const length = `${[...name].length}`;
        for (const alias of [name, `soft${length}`, `hard${length}`])
          expect(await textOf(archive, alias)).toBe(length);
      }
      expect(await textOf(archive, "last")).toBe("last");
    });
  }
});

describe("archives of GNU tar are read", () => {
  for (const flags of [
    ["--format=v7"],
    ["--format=oldgnu"],
    ["--format=gnu"],
    ["--format=ustar"],
    ["--format=pax"],
    ["--format=posix", "--pax-option=comment=x"],
    ["--format=gnu", "-V", "a label"],
    ["-b", "1"],
  ]) {
    peerTest(flags.join(" "), ["tar", "ln"], async () => {
      const directory = temporary("gnu");
      await mustRun(
        ["sh", "-c", "mkdir d && printf content > d/file && ln d/file d/hard && ln -s file d/soft"],
        { cwd: directory },
      );
      const path = join(temporary("gnu"), "a.tar");
      await mustRun(["tar", ...flags, "-cf", path, "-C", directory, "."]);
      await using archive = await opened(path);
      for (const name of ["d/file", "d/hard", "d/soft"]) expect(await textOf(archive, name)).toBe("content");
      expect(archive.find("nothing")).toBeUndefined();
    });
  }
});
