import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeHeader, encodeLateHeader, paddingAfter } from "../../src/tar/header.ts";
import { temporary } from "../support/images.ts";
import { peerTest } from "../support/peers.ts";
import { mustRun, run } from "../support/run.ts";

const EIGHT_GIB = 8 * 1024 ** 3;
const file = { name: "file", type: "file", size: 0, mode: 0o444 } as const;

test("contents are padded to whole blocks", () => {
  expect([0, 1, 511, 512, 513].map(paddingAfter)).toEqual([0, 511, 1, 0, 511]);
});

describe("an entry takes", () => {
  const cases: Readonly<
    Record<string, readonly [entry: Parameters<typeof encodeHeader>[0], blocks: number]>
  > = {
    "one block where all fits": [{ ...file, name: "n".repeat(100), size: EIGHT_GIB - 1 }, 1],
    "a pax header for a name of more than 100 bytes": [{ ...file, name: "n".repeat(101) }, 3],
    "a pax header for a name that is not ASCII": [{ ...file, name: "ä" }, 3],
    "a pax header for a long link": [{ ...file, type: "symlink", linkName: "l".repeat(101) }, 3],
    "a pax header for 8 GiB": [{ ...file, size: EIGHT_GIB }, 3],
    "more for records beyond a block": [{ ...file, name: "n".repeat(600) }, 4],
  };
  for (const [title, [entry, blocks]] of Object.entries(cases)) {
    test(title, () => expect(encodeHeader(entry).length).toBe(blocks * 512));
  }
});

test("a size of 8 GiB stands in the pax header, and where room was left for one block, in binary", () => {
  const header = encodeHeader({ ...file, size: EIGHT_GIB });
  expect(header.toString("latin1", 512, 531)).toBe("19 size=8589934592\n");
  expect(header.toString("latin1", 1024 + 124, 1024 + 135)).toBe("00000000000");
  const late = encodeLateHeader({ ...file, size: EIGHT_GIB });
  expect(late.length).toBe(512);
  expect(late[124]).toBe(0x80);
  expect(late.readBigUInt64BE(128)).toBe(BigInt(EIGHT_GIB));
  expect(encodeLateHeader({ ...file, size: 5 }).equals(encodeHeader({ ...file, size: 5 }))).toBe(true);
});

const READER = `import tarfile, sys, json
found = [[e.name, e.size, e.linkname, e.mode, e.mtime, e.uid, e.type.decode()] for e in tarfile.open(sys.argv[1])]
print(json.dumps(found))`;

peerTest("Python's tarfile reads every kind of header", ["python3"], async () => {
  const entries = [
    file,
    { ...file, name: `${"d/".repeat(90)}ende-ä` },
    { ...file, type: "directory", name: "folder/", mode: 0o755 },
    { ...file, type: "symlink", name: "link", linkName: `../${"t".repeat(150)}`, mode: 0 },
  ] as const;
  const archive = join(temporary("headers"), "a.tar");
  writeFileSync(archive, Buffer.concat([...entries.map(encodeHeader), Buffer.alloc(1024)]));
  expect(JSON.parse(await mustRun(["python3", "-c", READER, archive]))).toEqual([
    ["file", 0, "", 0o444, 0, 0, "0"],
    [`${"d/".repeat(90)}ende-ä`, 0, "", 0o444, 0, 0, "0"],
    ["folder", 0, "", 0o755, 0, 0, "5"],
    ["link", 0, `../${"t".repeat(150)}`, 0, 0, 0, "2"],
  ]);
});

peerTest("GNU tar reads sizes of 8 GiB in either form", ["tar"], async () => {
  for (const encode of [encodeHeader, encodeLateHeader]) {
    const archive = join(temporary("headers"), "a.tar");
    writeFileSync(archive, encode({ ...file, size: EIGHT_GIB }));
    // The content is missing, which tar says after it has shown the header.
    expect((await run(["tar", "-tvf", archive])).stdout).toContain(` ${EIGHT_GIB} `);
  }
});
