import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { collect } from "../../src/core/byte-stream.ts";
import type { Digest } from "../../src/core/digest.ts";
import { ImageError } from "../../src/core/errors.ts";
import type { ImageReference } from "../../src/core/image.ts";
import { ImageEnvironment } from "../../src/environment/image-environment.ts";
import { parseManifest } from "../../src/format/manifest.ts";
import { openRandomAccess } from "../../src/runtime/random-access.ts";
import { encodeHeader } from "../../src/tar/header.ts";
import { readTarIndex } from "../../src/tar/index.ts";
import { buildImage } from "../support/images.ts";
import { answersOrRefuses, holds } from "./fuzz.ts";
import { damaged, damagedJson, damagedText, mutated } from "./inputs.ts";
import { tarOf, tarSamples, withChecksums } from "./tars.ts";

const directory = mkdtempSync(join(tmpdir(), "fuzz-archives-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const temporaryDirectory = join(directory, "temporary");
mkdirSync(temporaryDirectory);

const environment = new ImageEnvironment({
  temporaryDirectory,
  inflationLimit: { maxBytes: 16 * 1024 * 1024, maxRatio: 500 },
  environment: { env: {}, home: directory, platform: "linux", uid: 1000 },
});
const image = buildImage({ format: "oci", layers: [100] });
const dockerImage = buildImage({ format: "docker", layers: [100] });
const INDEX = JSON.stringify({
  schemaVersion: 2,
  manifests: [{ ...image.top, annotations: { "org.opencontainers.image.ref.name": "a" } }],
});
const LAYOUT: Readonly<Record<string, string | Uint8Array>> = {
  "oci-layout": '{"imageLayoutVersion":"1.0.0"}',
  ...Object.fromEntries(
    [...image.blobs].map(([digest, bytes]) => [`blobs/${digest.replace(":", "/")}`, bytes]),
  ),
};
const DOCKER_FILES = dockerArchive();
const ITEMS = JSON.stringify([
  { Config: "config.json", RepoTags: ["example.com/a:b", "c:latest"], Layers: ["layer.tar"] },
]);
const TARS = [
  ...tarSamples(),
  tarOf({ ...LAYOUT, "index.json": INDEX }),
  tarOf({ ...DOCKER_FILES, "manifest.json": ITEMS }),
];
const anyTar = fc.oneof(
  mutated(TARS).map(withChecksums),
  damaged(TARS),
  mutated(TARS).map((tar) => gzipSync(tar)),
);

test("every entry of an archive that is read lies within it", async () => {
  const path = join(directory, "index.tar");
  await answersOrRefuses(anyTar, async (bytes) => {
    writeFileSync(path, bytes);
    await using file = await openRandomAccess(path);
    if (file === undefined) throw new Error("no file");
    for (const { contentStart, size } of await readTarIndex(file)) {
      expect(contentStart + size).toBeLessThanOrEqual(bytes.length);
      expect(size).toBeGreaterThanOrEqual(0);
    }
  });
});

test("a header of an archive is read as it was written", async () => {
  const path = join(directory, "header.tar");
  const name = fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 300 })
    .filter((text) => isPlainName(text));
  const entries = fc.record({
    name,
    linkName: name,
    mode: fc.constant(0o644),
    type: fc.constantFrom("file", "symlink", "directory"),
    size: fc.constant(0),
  });
  await holds(
    fc.array(entries, { minLength: 1, maxLength: 4 }),
    async (list) => {
      writeFileSync(path, Buffer.concat([...list.map(encodeHeader), Buffer.alloc(1024)]));
      await using file = await openRandomAccess(path);
      if (file === undefined) throw new Error("no file");
      const read = await readTarIndex(file);
      expect(read.map((entry) => entry.name)).toEqual(list.map((entry) => entry.name));
      expect(read.map((entry) => entry.type)).toEqual(list.map((entry) => entry.type));
    },
    150,
  );
});

for (const transport of ["docker-archive", "oci-archive"]) {
  test(`${transport}: opens any file as an image, or refuses it`, async () => {
    const path = join(directory, `${transport}.tar`);
    await answersOrRefuses(
      anyTar,
      async (bytes) => {
        writeFileSync(path, bytes);
        await readAll(await environment.parseImageName(`${transport}:${path}`));
      },
      { runs: 150 },
    );
    expect(readdirSync(temporaryDirectory)).toEqual([]);
  });
}

test("docker-archive: reads any list of images, or refuses it", async () => {
  const path = join(directory, "items.tar");
  const inputs = fc.tuple(
    damagedJson([ITEMS]),
    damagedJson([String(DOCKER_FILES["config.json"])]),
    fc.boolean(),
  );
  await answersOrRefuses(
    inputs,
    async ([items, config, damagesConfig]) => {
      const files = damagesConfig ? { ...DOCKER_FILES, "config.json": config } : DOCKER_FILES;
      writeFileSync(path, tarOf({ ...files, "manifest.json": items }));
      const reference = await environment.parseImageName(`docker-archive:${path}`);
      for await (const name of reference.listImages?.() ?? []) expect(typeof name).toBe("string");
      await readAll(reference);
    },
    { runs: 200 },
  );
});

test("layouts with any index are read, as a directory and as an archive, or refused", async () => {
  const folder = join(directory, "layout");
  for (const [name, content] of Object.entries(LAYOUT)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  const path = join(directory, "layout.tar");
  const marker = damagedJson([String(LAYOUT["oci-layout"])]);
  await answersOrRefuses(
    fc.tuple(damagedJson([INDEX]), marker),
    async ([index, layout]) => {
      writeFileSync(join(folder, "index.json"), index);
      writeFileSync(path, tarOf({ ...LAYOUT, "oci-layout": layout, "index.json": index }));
      await readAll(await environment.parseImageName(`oci-archive:${path}`)).catch(unlessRefused);
      await readAll(await environment.parseImageName(`oci:${folder}`));
    },
    { runs: 150 },
  );
});

test("dir: reads any manifest, version and signature, or refuses it", async () => {
  const folder = join(directory, "dir");
  mkdirSync(folder);
  for (const [digest, bytes] of image.blobs) writeFileSync(join(folder, digest.slice(7)), bytes);
  const manifest = String(image.blobs.get(image.top.digest));
  await answersOrRefuses(
    fc.tuple(damagedJson([manifest]), damaged(["\0sigstore-json\n{}"])),
    async ([bytes, signature]) => {
      writeFileSync(join(folder, "manifest.json"), bytes);
      writeFileSync(join(folder, "signature-1"), signature);
      await readAll(await environment.parseImageName(`dir:${folder}`));
    },
    { runs: 150 },
  );
});

test("tarball: makes an image of any archive, or refuses it", async () => {
  const path = join(directory, "tarball.tar");
  await answersOrRefuses(
    anyTar,
    async (bytes) => {
      writeFileSync(path, bytes);
      await readAll(await environment.parseImageName(`tarball:${path}`));
    },
    { runs: 100 },
  );
});

test("names of images are read or refused, and are canonical once they are", async () => {
  const corpus = [
    "docker://busybox",
    "docker://quay.io/a/b:c",
    "docker-archive:/a.tar:b:c",
    "docker-archive:a.tar:@1",
    "oci:a:b",
    "oci-archive:a.tar:b",
    "dir:/a",
    "docker-daemon:busybox:latest",
    "tarball:a.tar",
    "containers-storage:a",
    "atomic:a",
  ]; // prettier-ignore
  await answersOrRefuses(damagedText(corpus), async (name) => {
    const { transport, text } = await environment.parseImageName(name);
    expect(transport.parseReference(text).text).toBe(text);
  });
});

/** Reads all of an image that its source gives. */
async function readAll(reference: ImageReference): Promise<void> {
  await using source = await open(reference);
  const raw = await source.readManifest();
  await source.readSignatures();
  const manifest = parseManifest(raw);
  if (manifest.kind === "schema1") return;
  const blobs = manifest.kind === "index" ? manifest.manifests : [manifest.config, ...manifest.layers];
  for (const { digest, urls } of blobs.slice(0, 4)) {
    await using blob = await source.openBlob({
      digest: digest as Digest,
      ...(urls === undefined ? {} : { urls: [] }),
    });
    await collect(blob.bytes, 32 * 1024 * 1024, "blob");
  }
}

async function open(
  reference: ImageReference,
): Promise<NonNullable<Awaited<ReturnType<NonNullable<ImageReference["openSource"]>>>>> {
  if (reference.openSource === undefined) throw new ImageError("UNSUPPORTED_OPERATION", "no source");
  return await reference.openSource();
}

function unlessRefused(error: unknown): void {
  if (!(error instanceof ImageError)) throw error;
}

function isPlainName(text: string): boolean {
  return text.isWellFormed() && !/[\0/\n]|^\.+$/.test(text);
}

function dockerArchive(): Readonly<Record<string, string | Uint8Array>> {
  const manifest: { config: { digest: string } } = JSON.parse(
    String(dockerImage.blobs.get(dockerImage.top.digest)),
  );
  const layer = tarOf({ file: "content" });
  const config = JSON.parse(String(dockerImage.blobs.get(manifest.config.digest)));
  const digest = `sha256:${new Bun.CryptoHasher("sha256").update(layer).digest("hex")}`;
  return {
    "config.json": JSON.stringify({
      ...config,
      rootfs: { type: "layers", diff_ids: [digest] },
      history: [{ created_by: "a" }],
    }),
    "layer.tar": layer,
    repositories: '{"example.com/a":{"b":"c"}}',
  };
}
