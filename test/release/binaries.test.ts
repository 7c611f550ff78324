import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, existsSync, openSync, readSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type BuiltBinary, buildBinaries } from "../../scripts/release/binaries.ts";
import { TARGETS } from "../../scripts/release/targets.ts";
import { temporary } from "../support/images.ts";
import { findProgram } from "../support/peers.ts";
import { mustRun } from "../support/run.ts";
import { testDescriptions } from "./descriptions.ts";
import { testImage } from "./image.ts";

const MUSL_LOADER = "/lib/ld-musl-x86_64.so.1";
/** Where Debian's package libc6-arm64-cross has the C library of the other processor. */
const ARM_ROOT = "/usr/aarch64-linux-gnu";

let binaries: readonly BuiltBinary[];
const directory = temporary("binaries");
beforeAll(() => {
  binaries = buildBinaries(TARGETS, "1.2.3", directory);
}, 180_000);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function pathOf(name: string): string {
  const found = binaries.find(({ target }) => target.name === name);
  if (found === undefined) throw new Error(`no binary for ${name}`);
  return found.path;
}

/** What a file's header says it is for. */
function systemOf(path: string): string {
  const head = Buffer.alloc(4096);
  readSync(openSync(path, "r"), head, 0, head.length, 0);
  if (head.readUInt32BE(0) === 0x7f454c46) return elfSystem(head);
  if (head.readUInt32LE(0) === 0xfeedfacf)
    return `darwin-${head.readUInt32LE(4) === 0x0100000c ? "arm64" : head.readUInt32LE(4) === 0x01000007 ? "x64" : "?"}`;
  const pe = head.readUInt32LE(0x3c);
  if (head.toString("latin1", 0, 2) !== "MZ" || head.toString("latin1", pe, pe + 4) !== "PE\0\0") return "?";
  return `windows-${head.readUInt16LE(pe + 4) === 0xaa64 ? "arm64" : head.readUInt16LE(pe + 4) === 0x8664 ? "x64" : "?"}`;
}

function elfSystem(head: Buffer): string {
  const cpu = head.readUInt16LE(18) === 183 ? "arm64" : head.readUInt16LE(18) === 62 ? "x64" : "?";
  const text = head.toString("latin1");
  if (text.includes("/ld-elf.so")) return `freebsd-${cpu}`;
  return `linux-${cpu}${text.includes("ld-musl-") ? "-musl" : ""}`;
}

describe("a binary for each system", () => {
  for (const { name } of TARGETS)
    test(`${name} is one for ${name}`, () => expect(systemOf(pathOf(name))).toBe(name));

  test("starts here", async () => {
    expect(await mustRun([pathOf("linux-x64"), "--version"])).toStartWith("skopeo version ");
  });

  const qemu = findProgram("qemu-aarch64-static");
  const isEmulated = qemu !== undefined && existsSync(ARM_ROOT);
  if (!isEmulated)
    console.error("LEFT OUT for want of qemu-user-static and libc6-arm64-cross: the binary for arm64 runs");
  test.skipIf(!isEmulated)("starts on the other processor", async () => {
    const run = (words: readonly string[]): Promise<string> =>
      mustRun([qemu ?? "", "-L", ARM_ROOT, pathOf("linux-arm64"), ...words]);
    expect(await run(["--version"])).toStartWith("skopeo version ");
    expect(await run(["manifest-digest", new URL(import.meta.url).pathname])).toStartWith("sha256:");
  });

  const compiler = findProgram("gcc");
  const hasMusl = compiler !== undefined && existsSync(MUSL_LOADER);
  if (!hasMusl) console.error("LEFT OUT for want of musl and gcc: the binary for musl runs");
  test.skipIf(!hasMusl)("starts on musl, by its own loader", async () => {
    // Debian has no libstdc++ for musl: glibc's serves, with what it misses there.
    const libraries = temporary("musl");
    for (const name of ["libstdc++.so.6", "libgcc_s.so.1"]) {
      const path = await mustRun([compiler ?? "", `-print-file-name=${name}`]);
      copyFileSync(path.trim(), join(libraries, name));
    }
    const shim = join(import.meta.dir, "musl-shim.c");
    const out = join(libraries, "ld-linux-x86-64.so.2");
    await mustRun([compiler ?? "", "-shared", "-fPIC", "-nostdlib", "-o", out, shim]);
    const run = (words: readonly string[]): Promise<string> =>
      mustRun([pathOf("linux-x64-musl"), ...words], { env: { LD_LIBRARY_PATH: libraries } });
    expect(await run(["--version"])).toStartWith("skopeo version ");
    expect(await run(["manifest-digest", new URL(import.meta.url).pathname])).toStartWith("sha256:");
  });
});

testImage(() => binaries);
testDescriptions(() => binaries);
