import { describe, expect, test } from "bun:test";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DEFAULT_INFLATION_LIMIT } from "../../src/compression/inflation-limit.ts";
import { computeDigest } from "../../src/core/digest.ts";
import type { ImageDestination } from "../../src/core/image.ts";
import { OCI_MANIFEST } from "../../src/core/media-type.ts";
import { createOciArchiveTransport } from "../../src/transports/oci-archive/transport.ts";
import {
  buildImage,
  buildMultiArch,
  checkLayoutBlobs,
  sha256,
  temporary,
  writeLayout,
} from "../support/images.ts";
import { peerPath, peerTest } from "../support/peers.ts";
import { podmanWithOwnStorage } from "../support/podman.ts";
import { fatalMessage, mustRun, type Outcome, run, runOurs, runReal } from "../support/run.ts";
import { tarOf } from "../support/tar-files.ts";

const [first, second] = [buildImage({ seed: "first" }), buildImage({ seed: "second", layers: [5000] })];
const layout = writeLayout({ first, second, multi: buildMultiArch("archive multi") });
const uncompressed = tarOf([{ name: "file", content: "a".repeat(50_000) }]);

const OURS: readonly string[] = process.env.SKOPEO_BINARY
  ? [process.env.SKOPEO_BINARY]
  : [process.execPath, join(import.meta.dir, "../../src/cli/bin.ts")];

function copyOurs(...words: readonly string[]): Promise<Outcome> {
  return runOurs(["--insecure-policy", "copy", ...words]);
}

async function must(...words: readonly string[]): Promise<void> {
  const outcome = await copyOurs(...words);
  if (outcome.exitCode !== 0) throw new Error(`${words.join(" ")}\n${outcome.stderr}`);
}

async function namesIn(archive: string): Promise<readonly string[]> {
  return (await mustRun(["tar", "-tf", archive])).trim().split("\n");
}

/** Unpacks an archive and checks all blobs of it. */
async function unpack(archive: string): Promise<string> {
  const directory = temporary("unpacked");
  await mustRun(["tar", "-xf", archive, "-C", directory]);
  checkLayoutBlobs(directory);
  return directory;
}

/** Name, or "" for none, and digest of each image. */
async function imagesIn(archive: string): Promise<readonly (readonly [string, string])[]> {
  const { manifests } = JSON.parse(readFileSync(join(await unpack(archive), "index.json"), "utf8"));
  return manifests.map(
    ({ digest, annotations }: { digest: string; annotations?: Record<string, string> }) => [
      annotations?.["org.opencontainers.image.ref.name"] ?? "",
      digest,
    ],
  );
}

function transportIn(temporaryDirectory: string, append = false) {
  return createOciArchiveTransport({
    temporaryDirectory,
    append,
    inflationLimit: DEFAULT_INFLATION_LIMIT,
    fetchExternal: () => Promise.reject(new Error("nothing is elsewhere")),
  });
}

async function openDestination(path: string, append = false): Promise<ImageDestination> {
  const { openDestination: open } = transportIn(temporary("scratch"), append).parseReference(path);
  if (open === undefined) throw new Error("no destination");
  return await open();
}

async function* streamOf(text: string) {
  yield Buffer.from(text);
}

async function writeSmallImage(destination: ImageDestination, ...layers: readonly string[]): Promise<void> {
  const [layer, bytes] = [{ role: "layer", mediaType: "" } as const, Buffer.from('{"schemaVersion":2}')];
  for (const text of layers) await destination.writeBlob(streamOf(text), layer);
  await destination.writeManifest({ bytes, digest: computeDigest(bytes), mediaType: OCI_MANIFEST });
  await destination.commit();
}

describe("an oci-archive that is written", () => {
  test("has directories first, each blob once, and the index last", async () => {
    const archive = join(temporary("made"), "image.tar");
    await must("--all", `oci:${layout}:multi`, `oci-archive:${archive}:x`);
    const names = await namesIn(archive);
    expect(names.slice(0, 2)).toEqual(["blobs/", "blobs/sha256/"]);
    expect(names.slice(-2)).toEqual(["index.json", "oci-layout"]);
    expect(names.length).toBe(new Set(names).size);
    expect(checkLayoutBlobs(await unpack(archive))).toBe(names.length - 4);
  });

  test("is the same for the same image", async () => {
    const [one, two] = [join(temporary("made"), "a.tar"), join(temporary("made"), "b.tar")];
    for (const archive of [one, two]) await must(`oci:${layout}:first`, `oci-archive:${archive}:x`);
    expect(readFileSync(one).equals(readFileSync(two))).toBe(true);
  });

  test("has a blob once whose digest is known only when it has been written", async () => {
    const archive = join(temporary("made"), "image.tar");
    {
      await using destination = await openDestination(archive);
      await writeSmallImage(destination, "same", "other", "same");
    }
    const blobs = (await namesIn(archive)).filter((name) => /[0-9a-f]{64}$/.test(name));
    const expected = ["same", "other", '{"schemaVersion":2}'].map((text) => sha256(Buffer.from(text)));
    expect(blobs).toEqual(expected.map((digest) => `blobs/${digest.replace(":", "/")}`));
  });

  test("is as it was before a blob that fails", async () => {
    const archive = join(temporary("made"), "image.tar");
    {
      await using destination = await openDestination(archive);
      const failing = (async function* () {
        yield Buffer.alloc(100_000);
        throw new Error("the network is gone");
      })();
      const layer = { role: "layer", mediaType: "" } as const;
      await expect(destination.writeBlob(failing, layer)).rejects.toThrow("the network is gone");
      await expect(destination.writeBlob(streamOf("abc"), { ...layer, size: 2 })).rejects.toThrow("2 bytes");
      await writeSmallImage(destination, "kept");
    }
    expect(checkLayoutBlobsOf(await unpack(archive))).toHaveLength(2);
  });

  test("leaves nothing, and the old archive, when it is abandoned", async () => {
    const directory = temporary("abandoned");
    const archive = join(directory, "image.tar");
    writeFileSync(archive, "the old one");
    {
      await using destination = await openDestination(archive);
      await destination.writeBlob(streamOf("layer"), { role: "layer", mediaType: "" });
      expect(readdirSync(directory)).toHaveLength(3);
    }
    expect(readdirSync(directory)).toEqual(["image.tar"]);
    expect(readFileSync(archive, "utf8")).toBe("the old one");
  });

  test("goes into a pipe whole, also when layers are compressed on the way", async () => {
    const directory = temporary("tarball");
    writeFileSync(join(directory, "layer.tar"), uncompressed);
    const archive = join(directory, "image.tar");
    const words = ["copy", `tarball:${directory}/layer.tar`, "oci-archive:/dev/stdout:x"];
    await mustRun([
      "sh",
      "-c",
      `"$@" | cat > ${archive}`,
      "sh",
      ...OURS,
      "--insecure-policy",
      "--tmpdir",
      directory,
      ...words,
    ]);
    expect(checkLayoutBlobsOf(await unpack(archive))).toHaveLength(3);
    expect(readdirSync(directory).toSorted()).toEqual(["image.tar", "layer.tar"]);
  });

  peerTest(
    "is what umoci unpacks, real skopeo copies, and podman loads",
    ["skopeo 1.16", "umoci", "podman"],
    async () => {
      const directory = temporary("judged");
      const archive = join(directory, "image.tar");
      await must(`oci:${layout}:first`, `oci-archive:${archive}:x`);
      const unpacked = await unpack(archive);
      await mustRun(["umoci", "unpack", "--rootless", "--image", `${unpacked}:x`, join(directory, "bundle")]);
      expect(readdirSync(join(directory, "bundle", "rootfs")).toSorted()).toEqual(["file-0", "file-1"]);
      const copied = await runReal(["copy", `oci-archive:${archive}:x`, `dir:${join(directory, "copied")}`]);
      expect(copied.exitCode).toBe(0);
      for (const [digest, bytes] of first.blobs) {
        const name = digest === first.top.digest ? "manifest.json" : digest.slice(7);
        expect(readFileSync(join(directory, "copied", name)).equals(bytes)).toBe(true);
      }
      const podman = podmanWithOwnStorage();
      expect(await mustRun([...podman, "load", "-i", archive])).toContain("Loaded image");
    },
  );
});

describe("--dest-append", () => {
  /** An archive of real skopeo or ours with the first image, and what is in it. */
  async function start(): Promise<string> {
    const archive = join(temporary("append"), "image.tar");
    await must(`oci:${layout}:first`, `oci-archive:${archive}:one`);
    return archive;
  }
  const append = (archive: string, source: string, name: string): Promise<void> =>
    must("--dest-append", `oci:${layout}:${source}`, `oci-archive:${archive}${name}`);

  test("keeps images by the rules of a layout", async () => {
    const archive = await start();
    await append(archive, "second", ":two");
    await append(archive, "second", ":two");
    expect(await imagesIn(archive)).toEqual([
      ["one", first.top.digest],
      ["two", second.top.digest],
    ]);
    await append(archive, "second", ":one");
    expect(await imagesIn(archive)).toEqual([
      ["", first.top.digest],
      ["two", second.top.digest],
      ["one", second.top.digest],
    ]);
    await append(archive, "first", ":again");
    expect((await imagesIn(archive))[0]).toEqual(["again", first.top.digest]);
    const names = await namesIn(archive);
    expect(names.length).toBe(new Set(names).size);
    expect(readdirSync(join(archive, ".."))).toEqual(["image.tar"]);
  });

  test("finds images by position", async () => {
    const archive = await start();
    await append(archive, "second", "");
    for (const [position, image] of [first, second].entries()) {
      const outcome = await runOurs(["inspect", "--raw", `oci-archive:${archive}:@${position}`]);
      expect(sha256(Buffer.from(outcome.stdout))).toBe(image.top.digest);
    }
    const none = await runOurs(["inspect", `oci-archive:${archive}:@2`]);
    expect(fatalMessage(none)).toContain("index 2 is too large, only 2 entries available");
    const several = await runOurs(["inspect", `oci-archive:${archive}`]);
    expect(fatalMessage(several)).toContain("more than one image in oci, choose an image");
    const written = await copyOurs(`oci:${layout}:first`, `oci-archive:${archive}:@0`);
    expect(fatalMessage(written)).toContain("Destination reference must not contain a manifest index @0");
  });

  test("writes no blob twice that it compresses again", async () => {
    const directory = temporary("append");
    writeFileSync(join(directory, "layer.tar"), uncompressed);
    const words = ["--dest-append", `tarball:${directory}/layer.tar`];
    for (const name of ["a", "b"]) await must(...words, `oci-archive:${directory}/image.tar:${name}`);
    const names = await namesIn(join(directory, "image.tar"));
    expect(names.length).toBe(new Set(names).size);
    await must(`oci-archive:${directory}/image.tar:b`, `dir:${directory}/back`);
  });

  test("keeps blobs that are links, are named oddly, or have no padding at the end", async () => {
    const archive = await start();
    const directory = await unpack(archive);
    const blobs = join(directory, "blobs", "sha256");
    const [linked, hardLinked] = readdirSync(blobs);
    mkdirSync(join(directory, "real"));
    renameSync(join(blobs, linked ?? ""), join(directory, "real", "blob"));
    symlinkSync("../../real/blob", join(blobs, linked ?? ""));
    await mustRun(["ln", join(blobs, hardLinked ?? ""), join(directory, "real", "hard")]);
    await mustRun([
      "tar",
      "--format=pax",
      "-cf",
      archive,
      "-C",
      directory,
      "./real",
      "./index.json",
      "./oci-layout",
      "./blobs",
    ]);
    await append(archive, "second", ":two");
    expect(await imagesIn(archive)).toHaveLength(2);

    const last = sha256(first.blobs.get(first.top.digest) ?? Buffer.alloc(0));
    const bytes = Buffer.concat([
      ...tarParts(["index.json", readFileSync(join(directory, "index.json"))]),
      ...[...first.blobs]
        .filter(([digest]) => digest !== last)
        .flatMap(([digest, blob]) => tarParts([nameOf(digest), blob])),
      ...tarParts([nameOf(last), first.blobs.get(last) ?? Buffer.alloc(0)]),
    ]);
    const padding = (512 - ((first.blobs.get(last)?.length ?? 0) % 512)) % 512;
    expect(padding).toBeGreaterThan(0);
    writeFileSync(archive, bytes.subarray(0, bytes.length - padding));
    await append(archive, "second", ":two");
    expect(await imagesIn(archive)).toHaveLength(2);
  });

  test("drops blobs that no image needs, and heals one that is not what its name says", async () => {
    const archive = join(temporary("append"), "image.tar");
    const { top, blobs } = first;
    const corrupt = [...blobs.keys()].find((digest) => digest !== top.digest) ?? "";
    const index = {
      schemaVersion: 2,
      manifests: [{ ...top, annotations: { "org.opencontainers.image.ref.name": "one" } }],
    };
    const entries = [...blobs].map(([digest, content]) => ({
      name: nameOf(digest),
      content: digest === corrupt ? "rotten" : content,
    }));
    const orphan = { name: nameOf(sha256(Buffer.from("orphan"))), content: "orphan" };
    writeFileSync(
      archive,
      tarOf([{ name: "index.json", content: JSON.stringify(index) }, ...entries, orphan]),
    );
    await append(archive, "first", ":two");
    expect(checkLayoutBlobs(await unpack(archive))).toBe(blobs.size);
    expect((await imagesIn(archive)).map(([name]) => name)).toEqual(["one", "two"]);
  });

  test("loses nothing when several write at the same time", async () => {
    const archive = join(temporary("append"), "image.tar");
    await Promise.all(
      ["a", "b", "c"].map((name, i) => append(archive, i === 1 ? "first" : "second", `:${name}`)),
    );
    expect((await imagesIn(archive)).map(([name]) => name).toSorted()).toEqual(["a", "b", "c"]);
  });

  test.skipIf(process.platform !== "linux")("works on a file in /dev/shm", async () => {
    const directory = `/dev/shm/skopeo-test-${crypto.randomUUID()}`;
    mkdirSync(directory);
    try {
      for (const name of ["first", "second"]) await append(join(directory, "image.tar"), name, `:${name}`);
      expect((await imagesIn(join(directory, "image.tar"))).map(([name]) => name)).toEqual([
        "first",
        "second",
      ]);
      expect(readdirSync(directory)).toEqual(["image.tar"]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test("changes no file that is no archive, which a plain copy replaces", async () => {
    const archive = join(temporary("append"), "image.tar");
    writeFileSync(archive, "my thesis");
    const outcome = await copyOurs("--dest-append", `oci:${layout}:first`, `oci-archive:${archive}:x`);
    expect(fatalMessage(outcome)).toContain("is no usable tar archive: it is too short");
    expect(readFileSync(archive, "utf8")).toBe("my thesis");
    expect(readdirSync(join(archive, ".."))).toEqual(["image.tar"]);
    await must(`oci:${layout}:first`, `oci-archive:${archive}:x`);
    expect(await imagesIn(archive)).toEqual([["x", first.top.digest]]);
  });
});

describe("an oci-archive made by another program is read", () => {
  const orders: Readonly<Record<string, readonly string[]>> = {
    "with ./ before its names": ["."],
    "with the index first": ["index.json", "oci-layout", "blobs"],
    "with the index last": ["blobs", "oci-layout", "index.json"],
  };
  for (const [title, names] of Object.entries(orders)) {
    for (const format of ["gnu", "pax", "ustar", "v7"]) {
      for (const compression of format === "gnu" ? ["", "gzip", "zstd", "bzip2", "xz"] : [""]) {
        peerTest(
          `${title}, ${format} ${compression}`,
          ["tar", ...(compression ? [compression] : [])],
          async () => {
            const directory = temporary("made");
            const archive = join(directory, "image.tar");
            const program = compression ? [`--use-compress-program=${compression}`] : [];
            await mustRun(["tar", `--format=${format}`, ...program, "-cf", archive, "-C", layout, ...names]);
            await must("--all", `oci-archive:${archive}:multi`, `oci:${join(directory, "back")}:x`);
            expect(checkLayoutBlobs(join(directory, "back"))).toBeGreaterThan(5);
          },
        );
      }
    }
  }

  peerTest("from a pipe, which leaves no temporary file", ["tar", "mkfifo"], async () => {
    const [scratch, directory] = [temporary("scratch"), temporary("made")];
    await mustRun(["tar", "-cf", join(directory, "image.tar"), "-C", layout, "."]);
    await mustRun(["mkfifo", join(directory, "pipe")]);
    const words = ["--tmpdir", scratch, "inspect", "--raw"];
    const [named, standard] = [`oci-archive:${directory}/pipe:first`, "oci-archive:/dev/stdin:first"];
    for (const script of [
      `cat ${directory}/image.tar > ${directory}/pipe & "$@" ${named}; status=$?; wait $! && exit $status`,
      `cat ${directory}/image.tar | "$@" ${standard}`,
    ]) {
      const outcome = await mustRun(["sh", "-c", script, "sh", ...OURS, ...words]);
      expect(sha256(Buffer.from(outcome))).toBe(first.top.digest);
      expect(readdirSync(scratch)).toEqual([]);
    }
  });

  test("from a pipe only as far as is allowed", async () => {
    const scratch = temporary("scratch");
    const words = ["--insecure-policy", "--tmpdir", scratch, "copy", "--max-layer-size=1M"];
    const script = `head -c 3000000 /dev/zero | "$@" oci-archive:/dev/stdin dir:${scratch}/x`;
    const outcome = await run(["sh", "-c", script, "sh", ...OURS, ...words]);
    expect(fatalMessage(outcome)).toContain("/dev/stdin: it has more than the 1048576 bytes allowed");
    expect(readdirSync(scratch)).toEqual([]);
  });

  peerTest("with a name that GNU tar cuts off behind a slash", ["tar"], async () => {
    const directory = temporary("made");
    mkdirSync(join(directory, "a".repeat(99)));
    writeFileSync(join(directory, "a".repeat(99), "b"), "c".repeat(2000));
    const archive = join(temporary("made"), "image.tar");
    const long = `${"a".repeat(99)}/b`;
    await mustRun(["tar", "--format=gnu", "-cf", archive, "-C", directory, long, "-C", layout, "."]);
    await must(`oci-archive:${archive}:first`, `dir:${join(directory, "back")}`);
  });

  peerTest("with an entry of 9 GiB before the rest", ["tar", "truncate"], async () => {
    const directory = temporary("large");
    const archive = join(directory, "image.tar");
    const size = 9n * 1024n ** 3n;
    const header = tarOf([{ name: "large" }]).subarray(0, 512);
    header.writeBigUInt64BE(size, 128);
    header.writeUInt32BE(0x80000000, 124);
    writeFileSync(archive, withSum(header));
    await mustRun(["truncate", "-s", `${512n + size}`, archive]);
    await mustRun(["sh", "-c", `tar -cf - -C ${layout} . >> ${archive}`]);
    await must(`oci-archive:${archive}:first`, `dir:${join(directory, "back")}`);
    rmSync(archive);
  });

  test("with hard links that give the size of their target, and paths of pax for those of ustar", async () => {
    const [digest = "", content = Buffer.alloc(0)] = [...first.blobs][0] ?? [];
    const index = JSON.stringify({ schemaVersion: 2, manifests: [first.top] });
    const target = `${"t".repeat(120)}`;
    const prefixed = Buffer.from(tarOf([{ name: "short", content }]).subarray(0, -1024));
    prefixed.write("prefix", 345);
    const archive = join(temporary("made"), "image.tar");
    const parts = [
      ...tarParts(["index.json", Buffer.from(index)]),
      ...[...first.blobs]
        .filter(([other]) => other !== digest)
        .flatMap(([other, blob]) => tarParts([nameOf(other), blob])),
      pax("path", target),
      Buffer.concat([withSum(prefixed.subarray(0, 512)), prefixed.subarray(512)]),
      pax("linkpath", target),
      tarOf([{ name: nameOf(digest), type: "1", target: "t".repeat(100), size: content.length }]).subarray(
        0,
        512,
      ),
      ...tarParts(["after", Buffer.from("after")]),
      Buffer.alloc(1024),
    ];
    writeFileSync(archive, Buffer.concat(parts));
    await must(`oci-archive:${archive}`, `dir:${join(temporary("made"), "back")}`);
  });
});

describe("an oci-archive's place", () => {
  const cases: readonly (readonly [name: string, reading: string, writing: string | undefined])[] = [
    [
      "DIRECTORY/none.tar",
      'creating temp directory: archive file not found: "DIRECTORY/none.tar"',
      undefined,
    ],
    [
      "DIRECTORY/no/such/x.tar",
      "lstat DIRECTORY/no: no such file or directory",
      "lstat DIRECTORY/no: no such file or directory",
    ],
    ["DIRECTORY", "read DIRECTORY: is a directory", "open DIRECTORY: is a directory"],
    ["", "read .: is a directory", "open .: is a directory"],
    ["DIRECTORY/file:a~b", "Invalid image a~b", "Invalid image a~b"],
  ];
  for (const [name, reading, writing] of cases) {
    test(`oci-archive:${name}`, async () => {
      const directory = temporary("place");
      const [image, replaced] = [name, reading].map((text) => text.replace("DIRECTORY", directory));
      expect(fatalMessage(await runOurs(["inspect", `oci-archive:${image}`]))).toEndWith(replaced ?? "");
      if (writing === undefined) return;
      const outcome = await copyOurs(`oci:${layout}:first`, `oci-archive:${image}`);
      expect(fatalMessage(outcome)).toEndWith(writing.replace("DIRECTORY", directory));
      expect(readdirSync(directory)).toEqual([]);
    });
  }

  test.skipIf(peerPath("skopeo 1.16") === undefined)(
    "is known to a trust policy as real skopeo has it",
    async () => {
      const directory = temporary("policy");
      const archive = join(directory, "image.tar");
      await must(`oci:${layout}:first`, `oci-archive:${archive}:x`);
      for (const scope of [archive, directory, `${archive}:x`, `${archive}:y`]) {
        const transports = { "oci-archive": { [scope]: [{ type: "insecureAcceptAnything" }] } };
        const policy = join(directory, "policy.json");
        writeFileSync(policy, JSON.stringify({ default: [{ type: "reject" }], transports }));
        const words = ["--policy", policy, "copy", `oci-archive:${archive}:x`];
        const ours = await runOurs([...words, `dir:${temporary("ours")}/x`]);
        const theirs = await run([peerPath("skopeo") ?? "", ...words, `dir:${temporary("theirs")}/x`]);
        expect([scope, ours.exitCode]).toEqual([scope, theirs.exitCode]);
      }
    },
  );
});

function checkLayoutBlobsOf(directory: string): readonly string[] {
  return readdirSync(join(directory, "blobs", "sha256"));
}

function nameOf(digest: string): string {
  return `blobs/${digest.replace(":", "/")}`;
}

/** An entry without the end of an archive behind it. */
function tarParts(...entries: readonly (readonly [name: string, content: Buffer])[]): readonly Buffer[] {
  return entries.map(([name, content]) => tarOf([{ name, content }]).subarray(0, -1024));
}

/** A pax header of one record for the entry behind it. */
function pax(key: string, value: string): Buffer {
  const rest = ` ${key}=${value}\n`;
  const length = rest.length + `${rest.length + 3}`.length;
  return tarOf([{ name: "pax", type: "x", content: `${length}${rest}` }]).subarray(0, -1024);
}

function withSum(header: Buffer): Buffer {
  header.write("        ", 148);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}
