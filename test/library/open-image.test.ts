import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { MemoryStore, startRegistry } from "../../src/entries/serve.ts";
import {
  buildImage as buildFromParts,
  collect,
  copy,
  ImageError,
  type ImageFile,
  openImage,
} from "../../src/index.ts";
import { buildMultiArch, type TestImage, temporary, writeLayout } from "../support/images.ts";
import { peerTest } from "../support/peers.ts";
import { mustRun } from "../support/run.ts";

const index: TestImage = buildMultiArch("open");
const layout = writeLayout({ v1: index });
const MEGABYTE = 1_000_000;

/** The same image by every way that there is to it. */
async function everywhere(check: (name: string) => Promise<void>): Promise<void> {
  await using registry = await startRegistry({ store: new MemoryStore() });
  const directory = join(temporary("open"), "image");
  const archive = join(temporary("open"), "image.tar");
  const access = { policy: "accept-anything", destinationAccess: { tlsVerify: false } } as const;
  const names = [`docker://${registry.address}/app:1`, `dir:${directory}`, `oci-archive:${archive}:v1`];
  for (const name of names) await copy(`oci:${layout}:v1`, name, access);
  for (const name of [`oci:${layout}:v1`, ...names]) await check(name);
}

const PLAIN = { access: { tlsVerify: false } };

describe("an open image", () => {
  test("gives its index, each of its images, and their configs", async () => {
    await everywhere(async (name) => {
      await using opened = await openImage(name, PLAIN);
      expect(opened.raw.digest).toBe(index.top.digest as never);
      const instances = await Array.fromAsync(opened.instances());
      const entries = JSON.parse(index.blobs.get(index.top.digest)?.toString() ?? "").manifests;
      expect(instances.map(({ descriptor }) => descriptor?.digest)).toEqual(
        entries.map(({ digest }: { digest: string }) => digest),
      );
      const arm = await opened.instance("linux/arm64");
      expect(await opened.readConfig(arm)).toMatchObject({ os: "linux", architecture: "arm64" });
      expect((await opened.instance(arm.raw.digest)).raw).toEqual(arm.raw);
      expect(opened.instance("plan9/mips")).rejects.toThrow(ImageError);
    });
  });

  test("gives any part of any blob", async () => {
    await everywhere(async (name) => {
      await using opened = await openImage(name, PLAIN);
      const { layers } = await opened.instance("linux/amd64");
      const [layer] = layers;
      if (layer === undefined) throw new Error("no layer");
      const whole = index.blobs.get(layer.digest) ?? Buffer.alloc(0);
      for (const [offset, length] of [
        [0, undefined],
        [0, 10],
        [7, 20],
        [whole.length - 3, undefined],
        [whole.length, 0],
        [0, 0],
      ] as const) {
        await using blob = await opened.openBlob(layer, { offset, length });
        const expected = whole.subarray(offset, length === undefined ? undefined : offset + length);
        expect(Buffer.from(await collect(blob.bytes, MEGABYTE, "part"))).toEqual(Buffer.from(expected));
        expect(blob.size).toBe(expected.length);
      }
      for (const range of [{ offset: -1 }, { length: -1 }, { offset: 0.5 }, { length: Number.NaN }])
        expect(opened.openBlob(layer, range)).rejects.toThrow(RangeError);
      await using beyond = await opened.openBlob(layer, { offset: 5, length: whole.length });
      expect(collect(beyond.bytes, MEGABYTE, "part")).rejects.toThrow(ImageError);
    });
  });

  test("fails at the end of a blob that is not what it should be", async () => {
    const damaged = writeLayout({ v1: index });
    await using opened = await openImage(`oci:${damaged}:v1`);
    const { layers } = await opened.instance("linux/amd64");
    const digest = layers[0]?.digest ?? "";
    const bytes = Buffer.from(index.blobs.get(digest) ?? []);
    bytes[bytes.length - 9] = (bytes[bytes.length - 9] ?? 0) ^ 1;
    writeFileSync(join(damaged, "blobs", digest.replace(":", "/")), bytes);
    await using blob = await opened.openBlob(layers[0] ?? ({} as never));
    expect(collect(blob.bytes, MEGABYTE, "blob")).rejects.toThrow(/Digest did not match/);
  });
});

describe("the files of an image", () => {
  const layers = [
    {
      files: [
        { path: "etc", type: "directory" },
        { path: "etc/passwd", content: "root" },
        { path: "etc/shadow", content: "secret", mode: 0o600 },
        { path: "usr/share/doc/readme", content: "read me" },
        { path: "usr/share/doc/licence", content: "all yours" },
        { path: "data/old", content: "x" },
        { path: "link", type: "symlink", target: "etc/passwd" },
        { path: "was-directory/file", content: "1" },
      ],
    },
    {
      files: [
        { path: "etc/.wh.shadow", content: "" },
        { path: "data/.wh..wh..opq", content: "" },
        { path: "data/new", content: "new" },
        { path: "etc/passwd", content: "root and me", uid: 7, modified: new Date("2024-05-06T07:08:09Z") },
        { path: "was-directory", type: "symlink", target: "data" },
      ],
    },
    {
      files: [
        { path: "usr/share/.wh.doc", content: "" },
        { path: "usr/share/man/page", content: "man" },
      ],
    },
  ] as const;

  async function listed(): Promise<readonly ImageFile[]> {
    const image = await buildFromParts({ platform: "linux/amd64", layers });
    await using opened = await openImage(image);
    return await Array.fromAsync(opened.listFiles(await opened.instance("linux/amd64")));
  }

  test("are those that upper layers have left", async () => {
    const files = await listed();
    expect(files.map(({ path }) => path).toSorted()).toEqual([
      "data/new",
      "etc",
      "etc/passwd",
      "link",
      "usr/share/man/page",
      "was-directory",
    ]);
    expect(files.find(({ path }) => path === "etc/passwd")).toMatchObject({
      type: "file",
      size: 11,
      mode: 0o644,
      uid: 7,
      modified: new Date("2024-05-06T07:08:09Z"),
    });
    expect(files.find(({ path }) => path === "link")).toMatchObject({
      type: "symlink",
      target: "etc/passwd",
    });
  });

  peerTest("are those that umoci unpacks", ["umoci"], async ([umoci = ""]) => {
    const image = await buildFromParts({ platform: "linux/amd64", layers });
    const target = join(temporary("umoci"), "layout");
    await copy(image, `oci:${target}:v1`, { policy: "accept-anything" });
    const bundle = join(temporary("umoci"), "bundle");
    await mustRun([umoci, "unpack", "--rootless", "--image", `${target}:v1`, bundle]);
    const unpacked = await mustRun(["find", join(bundle, "rootfs"), "-not", "-type", "d", "-printf", "%P\n"]);
    const ours = (await listed()).filter(({ type }) => type !== "directory").map(({ path }) => path);
    expect(ours.toSorted()).toEqual(unpacked.trimEnd().split("\n").toSorted());
  });

  test("that are no archive at all are refused", async () => {
    const image = buildFromParts({
      platform: "linux/amd64",
      layers: [
        {
          tar: async function* () {
            yield gzipSync("no tar");
          },
        },
      ],
    });
    await using opened = await openImage(await image);
    const files = opened.listFiles(await opened.instance("linux/amd64"));
    expect(Array.fromAsync(files)).rejects.toThrow(/no usable tar archive/);
  });
});
