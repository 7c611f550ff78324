import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { DEFAULT_INFLATION_LIMIT } from "../../src/compression/inflation-limit.ts";
import { collect, type OperationOptions } from "../../src/core/byte-stream.ts";
import { computeDigest, type Digest, parseDigest } from "../../src/core/digest.ts";
import { type DockerName, parseDockerName } from "../../src/core/docker-name.ts";
import { ImageError } from "../../src/core/errors.ts";
import type { ImageDestination, ImageReference, ImageSource } from "../../src/core/image.ts";
import { DOCKER_MANIFEST } from "../../src/core/media-type.ts";
import { createDockerArchiveTransport } from "../../src/transports/docker-archive/transport.ts";
import {
  hexOf,
  newDockerSave,
  oldDockerSave,
  type PlainImage,
  plainImage,
} from "../support/docker-archives.ts";
import { sha256, temporary } from "../support/images.ts";
import { mustRun } from "../support/run.ts";
import { type RawEntry, tarOf } from "../support/tar-files.ts";

const one = plainImage("base", "top of one");
const two = plainImage("base", "top of two");

function referenceTo(text: string, additionalTags: readonly DockerName[] = []): ImageReference {
  const transport = createDockerArchiveTransport({
    temporaryDirectory: temporary("scratch"),
    inflationLimit: DEFAULT_INFLATION_LIMIT,
    additionalTags,
  });
  return transport.parseReference(text);
}

async function openSource(text: string): Promise<ImageSource> {
  const { openSource: open } = referenceTo(text);
  if (open === undefined) throw new Error("no source");
  return await open();
}

async function openDestination(
  text: string,
  tags: readonly string[] = [],
  options?: OperationOptions,
): Promise<ImageDestination> {
  const { openDestination: open } = referenceTo(text, tags.map(parseDockerName));
  if (open === undefined) throw new Error("no destination");
  return await open(options);
}

async function listed(path: string): Promise<readonly string[]> {
  return await Array.fromAsync(referenceTo(path).listImages?.() ?? []);
}

async function* streamOf(bytes: Uint8Array) {
  yield bytes;
}

interface WriteOptions {
  readonly tags?: readonly string[];
  /** Whether the digests of layers are told, and looked up, before they are written. */
  readonly knowsDigests?: boolean;
}

/** Adds an image to an archive. Gives the digests of the layers whose bytes were asked for. */
async function add(
  text: string,
  image: PlainImage,
  { tags = [], knowsDigests = true }: WriteOptions = {},
): Promise<readonly string[]> {
  await using destination = await openDestination(text, tags);
  const asked: string[] = [];
  for (const bytes of image.layers) {
    const digest = computeDigest(bytes);
    const layer = { role: "layer", mediaType: "" } as const;
    if (knowsDigests && (await destination.reuseBlob({ ...layer, digest }))) continue;
    asked.push(digest);
    const stored = await destination.writeBlob(streamOf(bytes), knowsDigests ? { ...layer, digest } : layer);
    expect(stored).toMatchObject({ digest, size: bytes.length });
  }
  await destination.writeBlob(streamOf(image.config), { role: "config", mediaType: "" });
  await destination.writeManifest(manifestOf(image));
  await destination.commit();
  return asked;
}

function manifestOf({ config, layers }: PlainImage) {
  const describe = (bytes: Buffer) => ({ mediaType: "a/b", size: bytes.length, digest: sha256(bytes) });
  const document = {
    schemaVersion: 2,
    mediaType: DOCKER_MANIFEST,
    config: describe(config),
    layers: layers.map(describe),
  };
  const bytes = Buffer.from(JSON.stringify(document));
  return { bytes, digest: computeDigest(bytes), mediaType: DOCKER_MANIFEST };
}

/** Reads an image back and compares every byte of it. */
async function expectImage(text: string, image: PlainImage): Promise<void> {
  await using source = await openSource(text);
  const manifest = JSON.parse(Buffer.from((await source.readManifest()).bytes).toString());
  const layers = image.layers.map((layer) => ({
    mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip",
    size: layer.length,
    digest: sha256(layer),
  }));
  const config = {
    mediaType: "application/vnd.docker.container.image.v1+json",
    size: image.config.length,
    digest: sha256(image.config),
  };
  expect(manifest).toEqual({ schemaVersion: 2, mediaType: DOCKER_MANIFEST, config, layers });
  // All at once, as the copier may do it.
  const blobs = [image.config, ...image.layers];
  const read = await Promise.all(blobs.map(async (blob) => await blobOf(source, computeDigest(blob))));
  for (const [i, blob] of blobs.entries()) expect(read[i]?.equals(blob)).toBe(true);
}

async function blobOf(source: ImageSource, digest: Digest): Promise<Buffer> {
  await using blob = await source.openBlob({ digest });
  return Buffer.from(await collect(blob.bytes, 1e7, "blob"));
}

async function failureOf(work: Promise<unknown>): Promise<ImageError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ImageError) return error;
  throw new Error(`no ImageError but ${error}`);
}

function newPath(): string {
  return join(temporary("archive"), "image.tar");
}

function fileWith(archive: Buffer): string {
  const path = newPath();
  writeFileSync(path, archive);
  return path;
}

async function manifestJson(
  path: string,
): Promise<readonly { Config: string; RepoTags: string[]; Layers: string[] }[]> {
  return JSON.parse(await mustRun(["tar", "-xOf", path, "manifest.json"]));
}

/** The names of all files; each must be there once. */
async function filesIn(path: string): Promise<readonly string[]> {
  const names = (await mustRun(["tar", "-tf", path])).trim().split("\n");
  expect(names.toSorted()).toEqual([...new Set(names)].toSorted());
  return names;
}

function neighbours(path: string): readonly string[] {
  return readdirSync(join(path, ".."));
}

describe("a reference", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  test("has one spelling, a name if one is given, and no place in the trust policy", () => {
    for (const [text, canonical, name] of [
      ["a.tar", "a.tar", undefined],
      ["a.tar:@0", "a.tar:@0", undefined],
      ["a.tar:@+7", "a.tar:@7", undefined],
      ["/a/b.tar:name", "/a/b.tar:docker.io/library/name:latest", "latest"],
      ["a.tar:host:5000/name:tag", "a.tar:host:5000/name:tag", "tag"],
    ] as const) {
      const reference = referenceTo(text);
      expect([reference.text, reference.dockerName?.tag]).toEqual([canonical, name]);
      expect(referenceTo(reference.text).text).toBe(canonical);
      expect(reference.policyScopes).toEqual([]);
      expect(reference.deleteImage).toBeUndefined();
    }
  });

  for (const [text, message] of [
    ["", "docker-archive reference  isn't of the form <path>[:<reference>]"],
    ["a:", "docker-archive parsing reference: invalid reference format"],
    ["a:@x", 'Invalid source index @x: strconv.Atoi: parsing "x": invalid syntax'],
    ["a:@", 'Invalid source index @: strconv.Atoi: parsing "": invalid syntax'],
    ["a:@-1", "Invalid source index @-1: must not be negative"],
    [`a:n@${digest}`, `reference does not include a tag: docker.io/library/n@${digest}`],
    [`a:n:t@${digest}`, `docker-archive doesn't support digest references: docker.io/library/n:t@${digest}`],
  ] as const) {
    test(`"${text}" is refused`, () => {
      expect(() => referenceTo(text)).toThrow(
        expect.objectContaining({ code: "INVALID_REFERENCE", message }),
      );
    });
  }

  test("with an index is no destination", async () => {
    await expect(openDestination("a.tar:@1")).rejects.toThrow(
      "Destination reference must not contain a manifest index @1",
    );
  });
});

describe("an image that is written", () => {
  test("can be read back, with its names", async () => {
    const path = newPath();
    await add(`${path}:name:1`, one, { tags: ["other:2", "docker.io/library/name:1"] });
    await expectImage(path, one);
    await expectImage(`${path}:other:2`, one);
    expect(await listed(path)).toEqual(["docker.io/library/name:1", "docker.io/library/other:2"]);
    expect(neighbours(path)).toEqual(["image.tar"]);
  });

  test("is the same archive whether digests are known before or not", async () => {
    const [known, unknown] = [newPath(), newPath()];
    await add(`${known}:name:1`, one);
    await add(`${unknown}:name:1`, one, { knowsDigests: false });
    expect(readFileSync(known).equals(readFileSync(unknown))).toBe(true);
  });

  test("has a layer once that comes twice, also when nobody asks whether it is there", async () => {
    const twice: PlainImage = plainImage("same", "same", "other");
    for (const knowsDigests of [true, false]) {
      const path = newPath();
      await add(path, twice, { knowsDigests });
      await filesIn(path);
      await expectImage(path, twice);
    }
    const path = newPath();
    await using destination = await openDestination(path);
    const [layer] = twice.layers;
    if (layer === undefined) throw new Error("no layer");
    const placement = { role: "layer", mediaType: "", digest: computeDigest(layer) } as const;
    for (let i = 0; i < 2; i++) await destination.writeBlob(streamOf(layer), placement);
    await destination.writeBlob(streamOf(twice.config), { role: "config", mediaType: "" });
    await destination.writeManifest(manifestOf({ ...twice, layers: [layer, layer] }));
    await destination.commit();
    await filesIn(path);
  });

  test("goes into an empty file, and through a link to where that leads", async () => {
    const path = fileWith(Buffer.alloc(0));
    const link = newPath();
    symlinkSync(path, link);
    await add(link, one);
    await expectImage(path, one);
    expect(neighbours(link)).toEqual(["image.tar"]);
  });

  test("needs a Docker manifest, its layers and its config, and no signatures", async () => {
    await using destination = await openDestination(newPath());
    const manifest = manifestOf(one);
    await expect(
      destination.writeManifest({ ...manifest, mediaType: "application/vnd.oci.image.manifest.v1+json" }),
    ).rejects.toThrow("Unsupported manifest type, need a Docker schema 2 manifest");
    await expect(destination.writeManifest(manifest)).rejects.toThrow("was not written");
    await expect(destination.commit()).rejects.toThrow("no manifest was written");
    expect(destination.traits).toEqual({
      manifestTypes: [DOCKER_MANIFEST],
      layerCompression: "decompress",
      foreignLayers: "store",
      signatures: { unsupportedBecause: "Storing signatures for docker tar files is not supported" },
      concurrentBlobs: false,
    });
  });

  test("may not have a config beyond 4 MiB", async () => {
    await using destination = await openDestination(newPath());
    const large = streamOf(Buffer.alloc(4 * 1024 ** 2 + 1, " "));
    await expect(destination.writeBlob(large, { role: "config", mediaType: "" })).rejects.toMatchObject({
      code: "SIZE_LIMIT",
    });
  });

  test("names the archive where that cannot be written, not what lies beside it", async () => {
    const missing = join(temporary("none"), "none", "image.tar");
    await expect(openDestination(missing)).rejects.toThrow(
      `opening file "${missing}": open ${missing}: no such file or directory`,
    );
    const directory = temporary("directory");
    await expect(openDestination(directory)).rejects.toThrow(
      `opening file "${directory}": open ${directory}: is a directory`,
    );
  });
});

describe("what is not committed leaves no trace", () => {
  for (const [title, before] of [
    ["where there was nothing", undefined],
    ["where there was an archive", oldDockerSave(two, ["two:1"])],
  ] as const) {
    for (const [how, spoil] of [
      ["abandoned", async () => {}],
      [
        "broken off by its source",
        async (destination: ImageDestination) => {
          async function* failing() {
            yield Buffer.alloc(100_000);
            throw new Error("the network is gone");
          }
          await destination.writeBlob(failing(), { role: "layer", mediaType: "" });
        },
      ],
      [
        "aborted",
        async (destination: ImageDestination) => {
          const signal = AbortSignal.abort(new DOMException("enough", "AbortError"));
          await destination.writeBlob(
            streamOf(Buffer.alloc(1000)),
            { role: "layer", mediaType: "" },
            { signal },
          );
        },
      ],
    ] as const) {
      test(`${how}, ${title}`, async () => {
        const path = before === undefined ? newPath() : fileWith(before);
        {
          await using destination = await openDestination(`${path}:name:1`);
          await destination.writeBlob(streamOf(Buffer.from("layer")), { role: "layer", mediaType: "" });
          await spoil(destination).catch(() => undefined);
          expect(neighbours(path).length).toBeGreaterThan(1);
        }
        expect(neighbours(path)).toEqual(before === undefined ? [] : ["image.tar"]);
        if (before !== undefined) expect(readFileSync(path).equals(before)).toBe(true);
      });
    }
  }
});

describe("an image that is added to an archive", () => {
  const layouts = {
    "of our own": async (path: string) => void (await add(`${path}:old:1`, one)),
    "of docker save, as it was": async (path: string) => writeFileSync(path, oldDockerSave(one, ["old:1"])),
    "of docker save, as it is": async (path: string) => writeFileSync(path, newDockerSave(one, ["old:1"])),
  };
  for (const [title, make] of Object.entries(layouts)) {
    test(`${title} joins those that are there, and shares their layers`, async () => {
      const path = newPath();
      await make(path);
      expect(await add(`${path}:new:1`, two)).toEqual([sha256(two.layers[1] ?? Buffer.alloc(0))]);
      await filesIn(path);
      await expectImage(`${path}:old:1`, one);
      await expectImage(`${path}:new:1`, two);
      await expectImage(`${path}:@1`, two);
      expect((await filesIn(path)).slice(-2)).toEqual(["manifest.json", "repositories"]);
      expect(await filesIn(path)).not.toContain("index.json");
    });

    test(`${title} only gets names if it is there`, async () => {
      const path = newPath();
      await make(path);
      const before = await filesIn(path);
      expect(await add(`${path}:new:1`, one)).toEqual([]);
      expect((await manifestJson(path)).map(({ RepoTags }) => RepoTags.length)).toEqual([2]);
      expect(
        (await filesIn(path)).filter(
          (name) =>
            /[0-9a-f]{64}(\.tar|\.json|\/layer\.tar)?$/.test(name) &&
            !before.includes(name) &&
            !name.endsWith("/layer.tar"),
        ),
      ).toEqual([]);
      await expectImage(`${path}:new:1`, one);
    });
  }

  test("has layers of its own where those that are there are compressed", async () => {
    const path = fileWith(newDockerSave(one, ["old:1"], (layer) => gzipSync(layer)));
    expect(await add(`${path}:new:1`, one)).toHaveLength(2);
    await expectImage(`${path}:old:1`, one);
    await expectImage(`${path}:new:1`, one);
  });

  test("takes its name from the one that had it, however that was spelled", async () => {
    const path = fileWith(oldDockerSave(one, ["name:1", "kept:1"]));
    await add(`${path}:docker.io/library/name:1`, two);
    expect(await listed(path)).toEqual(["kept:1", "docker.io/library/name:1"]);
    const repositories = JSON.parse(await mustRun(["tar", "-xOf", path, "repositories"]));
    expect(Object.keys(repositories)).toEqual(["docker.io/library/name", "kept"]);
  });

  test("leaves what others wrote into manifest.json, and images that cannot be read", async () => {
    const items = [{ Config: "missing.json", RepoTags: ["broken:1"], Layers: ["missing.tar"], Parent: "x" }];
    const path = fileWith(tarOf([{ name: "manifest.json", content: JSON.stringify(items) }]));
    await add(`${path}:name:1`, one);
    expect(await manifestJson(path)).toMatchObject([
      items[0] ?? {},
      { RepoTags: ["docker.io/library/name:1"] },
    ]);
    await expectImage(`${path}:name:1`, one);
  });

  test("keeps the permissions of the file", async () => {
    const path = newPath();
    await add(path, one);
    await mustRun(["chmod", "640", path]);
    await add(path, two);
    expect((await mustRun(["stat", "-c", "%a", path])).trim()).toBe("640");
  });

  test("waits for others that are adding one", async () => {
    const path = newPath();
    const images = ["a", "b", "c", "d"].map((text) => plainImage("base", text));
    await Promise.all(images.map((image, i) => add(`${path}:name:${i}`, image)));
    expect(await listed(path)).toHaveLength(4);
    for (const [i, image] of images.entries()) await expectImage(`${path}:name:${i}`, image);
    expect(neighbours(path)).toEqual(["image.tar"]);
  });

  test("may be the one that is read from the same archive", async () => {
    const path = newPath();
    await add(`${path}:old:1`, one);
    await using source = await openSource(path);
    await add(`${path}:new:1`, two);
    for (const layer of one.layers)
      expect((await blobOf(source, computeDigest(layer))).equals(layer)).toBe(true);
  });
});

describe("nothing is added to", () => {
  const usual = [
    { name: "old.json", content: two.config },
    { name: "manifest.json", content: JSON.stringify([{ Config: "old.json", RepoTags: [], Layers: [] }]) },
  ];
  const lying = (name: string): Buffer => tarOf([...usual, { name, content: "something else" }]);
  const cases: Readonly<Record<string, readonly [content: Buffer, reason: string]>> = {
    "a file of another kind": [Buffer.from("my thesis".repeat(100)), "it begins with no tar header"],
    "a tar without manifest.json": [tarOf([{ name: "a" }]), 'loading tar component "manifest.json"'],
    "an archive that is cut off": [oldDockerSave(one, []).subarray(0, 3000), "is truncated"],
    "one that is compressed with gzip": [
      gzipSync(oldDockerSave(one, [])),
      "this archive is compressed with gzip",
    ],
    "one that is compressed with zstd": [
      zstdCompressSync(oldDockerSave(one, [])),
      "this archive is compressed with zstd",
    ],
    "one with a layer that is not what its name says": [
      lying(`${hexOf(one.layers[0] ?? Buffer.alloc(0))}.tar`),
      "has not the content that its name says",
    ],
    "one with a config that is not what its name says": [
      lying(`${hexOf(one.config)}.json`),
      "has not the content that its name says",
    ],
  };
  for (const [title, [content, reason]] of Object.entries(cases)) {
    for (const knowsDigests of [true, false]) {
      test(`${title}${knowsDigests ? "" : ", when digests are unknown"}`, async () => {
        const path = fileWith(content);
        const failure = await failureOf(add(`${path}:name:1`, one, { knowsDigests }));
        expect(failure.code).toBe("UNSUPPORTED_OPERATION");
        expect(failure.message).toStartWith("docker-archive doesn't support modifying existing images (");
        expect(failure.message).toContain(reason);
        expect(readFileSync(path).equals(content)).toBe(true);
        expect(neighbours(path)).toEqual(["image.tar"]);
      });
    }
  }
});

describe("an archive is read", () => {
  const repeated = plainImage("same", "other", "same");
  test("as docker save writes it, and wrote it", async () => {
    await expectImage(fileWith(oldDockerSave(repeated, ["a:1"])), repeated);
    await expectImage(fileWith(newDockerSave(repeated, ["a:1"])), repeated);
    await expectImage(
      fileWith(newDockerSave(repeated, ["a:1"], (layer) => zstdCompressSync(layer))),
      repeated,
    );
    await expectImage(fileWith(newDockerSave(repeated, ["a:1"], (layer) => gzipSync(layer))), repeated);
  });

  test("when it is compressed as a whole, its layers once more", async () => {
    const archive = newDockerSave(one, ["a:1"], (layer) => gzipSync(layer));
    await expectImage(`${fileWith(zstdCompressSync(archive))}:a:1`, one);
  });

  test("whatever letter case its members are written in", async () => {
    const config = Buffer.from(
      one.config.toString().replace("rootfs", "RootFS").replace("diff_ids", "Diff_IDs"),
    );
    const entries: RawEntry[] = one.layers.map((content, i) => ({ name: `${i}.tar`, content }));
    const item = { config: "c.json", REPOTAGS: ["a:1"], layers: ["0.tar", "1.tar"] };
    entries.push(
      { name: "c.json", content: config },
      { name: "manifest.json", content: JSON.stringify([item]) },
    );
    await expectImage(`${fileWith(tarOf(entries))}:a:1`, { ...one, config });
  });

  test("by the name, place or loneliness of an image", async () => {
    const path = newPath();
    await add(`${path}:one:1`, one);
    await add(path, two);
    await expectImage(`${path}:one:1`, one);
    await expectImage(`${path}:@0`, one);
    await expectImage(`${path}:@1`, two);
    for (const [suffix, code, message] of [
      ["", "INVALID_REFERENCE", "Unexpected tar manifest.json: expected 1 item, got 2"],
      [":@2", "INVALID_REFERENCE", "Invalid source index @2, only 2 manifest items available"],
      [":nope", "NOT_FOUND", 'Tag "docker.io/library/nope:latest" not found'],
    ] as const) {
      const failure = await failureOf(openSource(path + suffix));
      expect(failure.code).toBe(code);
      expect(failure.message).toStartWith(message);
    }
    expect(await listed(path)).toEqual(["docker.io/library/one:1", "@1"]);
  });

  test("and what it has not is not found", async () => {
    const path = fileWith(oldDockerSave(one, ["a:1"]));
    await using source = await openSource(path);
    const other = parseDigest(`sha256:${"0".repeat(64)}`);
    await expect(source.openBlob({ digest: other })).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(source.readManifest(other)).rejects.toThrow(
      'Manifest lists are not supported by "docker-archive:"',
    );
    expect(await source.readSignatures()).toEqual([]);
    const missing = newPath();
    await expect(openSource(missing)).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: `opening file "${missing}": open ${missing}: no such file or directory`,
    });
  });

  test("names that are none are refused when they are listed", async () => {
    const path = fileWith(oldDockerSave(one, ["UPPER:1"]));
    await expect(listed(path)).rejects.toThrow(
      'Invalid tag "UPPER:1" in manifest item @0: invalid reference format',
    );
    await expect(openSource(`${path}:a:1`)).rejects.toThrow('Invalid tag "UPPER:1" in manifest.json item @0');
    await expectImage(path, one);
  });
});

test("temporary files go with the source, whether it could be opened or not", async () => {
  const scratch = temporary("scratch");
  mkdirSync(join(scratch, "tmp"));
  const transport = createDockerArchiveTransport({
    temporaryDirectory: join(scratch, "tmp"),
    inflationLimit: DEFAULT_INFLATION_LIMIT,
    additionalTags: [],
  });
  const path = fileWith(gzipSync(oldDockerSave(one, ["a:1"])));
  await (await transport.parseReference(path).openSource?.())?.[Symbol.asyncDispose]();
  await expect(transport.parseReference(`${path}:b:1`).openSource?.() ?? Promise.resolve()).rejects.toThrow(
    "not found",
  );
  expect(readdirSync(join(scratch, "tmp"))).toEqual([]);
});
