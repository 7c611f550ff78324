import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import {
  type BuiltImage,
  buildImage,
  buildIndex,
  collect,
  contentOfFile,
  copy,
  ImageError,
  inspect,
  type NewImage,
  openImage,
} from "../../src/index.ts";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { temporary, buildImage as testImage, writeLayout } from "../support/images.ts";
import { peerTest } from "../support/peers.ts";
import { mustRun } from "../support/run.ts";

const OPTIONS = { policy: "accept-anything", destinationAccess: { tlsVerify: false } } as const;
const PARTS: NewImage = {
  platform: "linux/amd64",
  layers: [
    {
      createdBy: "a test",
      files: [
        { path: "/app", type: "directory" },
        { path: "/app/hello", content: "#!/bin/sh\necho hello\n", mode: 0o755 },
        { path: "/app/latest", type: "symlink", target: "hello" },
      ],
    },
  ],
  config: {
    entrypoint: ["/app/hello"],
    env: { GREETING: "hello=you" },
    labels: { purpose: "test" },
    exposedPorts: ["80/tcp"],
    user: "1000",
    workingDirectory: "/app",
  },
  annotations: { "org.example.kind": "greeting" },
};

async function layerOf(image: BuiltImage): Promise<Buffer> {
  await using opened = await openImage(image);
  const { layers } = await opened.instance("linux/amd64");
  await using blob = await opened.openBlob(layers.at(-1) ?? ({} as never));
  return Buffer.from(await collect(blob.bytes, 1e6, "layer"));
}

describe("an image of parts", () => {
  test("is the same each time", async () => {
    expect((await buildImage(PARTS)).raw).toEqual((await buildImage(PARTS)).raw);
    expect(await inspect(await buildImage(PARTS), { platform: "linux/amd64" })).toMatchObject({
      Os: "linux",
      Labels: { purpose: "test" },
      Env: ["GREETING=hello=you"],
      Created: "1970-01-01T00:00:00Z",
    });
  });

  peerTest(
    "is pushed, and is what real skopeo and umoci find",
    ["docker-registry", "skopeo 1.16", "umoci"],
    async ([, skopeo = "", umoci = ""]) => {
      await using registry = await startDockerRegistry();
      const there = `docker://${registry.host}/built:1`;
      await copy(await buildImage(PARTS), there, OPTIONS);
      const config = JSON.parse(await mustRun([skopeo, "inspect", "--tls-verify=false", "--config", there]));
      expect(config).toMatchObject({
        architecture: "amd64",
        os: "linux",
        config: {
          User: "1000",
          ExposedPorts: { "80/tcp": {} },
          Env: ["GREETING=hello=you"],
          Entrypoint: ["/app/hello"],
          WorkingDir: "/app",
          Labels: { purpose: "test" },
        },
        history: [{ created: "1970-01-01T00:00:00Z", created_by: "a test" }],
      });
      const layout = join(temporary("built"), "layout");
      await mustRun([
        skopeo,
        "--insecure-policy",
        "copy",
        "--src-tls-verify=false",
        there,
        `oci:${layout}:v1`,
      ]);
      const bundle = join(temporary("built"), "bundle");
      await mustRun([umoci, "unpack", "--rootless", "--image", `${layout}:v1`, bundle]);
      expect(await mustRun([join(bundle, "rootfs/app/latest")])).toBe("hello\n");
    },
  );

  peerTest("has layers that GNU tar reads", ["tar"], async ([tar = ""]) => {
    const file = join(temporary("tar"), "layer.tar");
    const long = "deep/".repeat(40);
    const files = [
      ...(PARTS.layers[0] !== undefined && "files" in PARTS.layers[0] ? PARTS.layers[0].files : []),
      { path: `${long}file`, content: "far away" },
      { path: "ünïcode", content: "ü" },
    ];
    writeFileSync(file, await layerOf(await buildImage({ ...PARTS, layers: [{ files }] })));
    const names = (await mustRun([tar, "--quoting-style=literal", "-tf", file])).trimEnd().split("\n");
    expect(names).toEqual(["app/", "app/hello", "app/latest", `${long}file`, "ünïcode"]);
    expect(await mustRun([tar, "-xOf", file, `${long}file`])).toBe("far away");
  });

  test("takes files from disk, and notices when they change", async () => {
    const path = join(temporary("content"), "file");
    writeFileSync(path, "first");
    const content = await contentOfFile(path);
    const image = await buildImage({ ...PARTS, layers: [{ files: [{ path: "file", content }] }] });
    expect((await layerOf(image)).includes("first")).toBe(true);
    writeFileSync(path, "other");
    const target = join(temporary("content"), "image");
    expect(copy(image, `dir:${target}`, OPTIONS)).rejects.toThrow(/Digest did not match/);
    writeFileSync(path, "longer");
    expect(copy(image, `dir:${target}`, OPTIONS)).rejects.toThrow(/should have 5 bytes and has more/);
  });

  test("takes layers as archives, plain or compressed", async () => {
    const tar = await layerOf(await buildImage(PARTS));
    const gzip = gzipSync(tar);
    const of = (bytes: Uint8Array): Promise<BuiltImage> =>
      buildImage({
        ...PARTS,
        layers: [
          {
            async *tar() {
              yield bytes;
            },
          },
        ],
      });
    const [plain, packed] = [await inspect(await of(tar)), await inspect(await of(gzip))];
    expect(plain.LayersData[0]?.MIMEType).toBe("application/vnd.oci.image.layer.v1.tar");
    expect(packed.LayersData[0]).toMatchObject({
      MIMEType: "application/vnd.oci.image.layer.v1.tar+gzip",
      Size: gzip.length,
    });
    await using opened = await openImage(await of(gzip));
    const instance = await opened.instance("linux/amd64");
    const files = await Array.fromAsync(opened.listFiles(instance));
    expect(files.map(({ path }) => path)).toEqual(["app", "app/hello", "app/latest"]);
  });

  test("stands on another one", async () => {
    const base = testImage({ seed: "base", format: "docker", labels: { from: "base" } });
    const name = `oci:${writeLayout({ v1: base })}:v1`;
    const image = await buildImage({ ...PARTS, base: name });
    const config = await inspect(image, { platform: "linux/amd64" });
    expect(config).toMatchObject({
      Labels: { from: "base", purpose: "test" },
      Env: ["PATH=/bin", "GREETING=hello=you"],
    });
    expect(config.Layers).toHaveLength(3);
    const target = join(temporary("based"), "layout");
    const { digest } = await copy(image, `oci:${target}:v1`, OPTIONS);
    const stored = JSON.parse(readFileSync(join(target, "blobs", digest.replace(":", "/")), "utf8"));
    expect(stored.layers.map(({ mediaType }: { mediaType: string }) => mediaType)).toEqual([
      "application/vnd.oci.image.layer.v1.tar+gzip",
      "application/vnd.oci.image.layer.v1.tar+gzip",
      "application/vnd.oci.image.layer.v1.tar+gzip",
    ]);
  });

  test("has no paths that lead out of it", async () => {
    for (const path of ["../etc/passwd", "/", "..", "a/../../b", "x\0y"]) {
      const building = buildImage({ ...PARTS, layers: [{ files: [{ path, content: "" }] }] });
      expect(building).rejects.toThrow(ImageError);
    }
  });
});

peerTest(
  "an index of images is what crane takes for one",
  ["docker-registry", "crane"],
  async ([, crane = ""]) => {
    await using registry = await startDockerRegistry();
    const stored = `oci:${writeLayout({ v1: testImage({ seed: "stored", architecture: "s390x" }) })}:v1`;
    const images = await Promise.all(
      ["linux/amd64", "linux/arm/v7"].map(async (platform) => ({
        image: await buildImage({ ...PARTS, platform }),
      })),
    );
    const index = await buildIndex({ images: [...images, { image: stored }], annotations: { a: "b" } });
    const there = `${registry.host}/index:1`;
    await copy(index, `docker://${there}`, OPTIONS);
    await mustRun([crane, "validate", "--insecure", "--remote", there]);
    const listed = JSON.parse(await mustRun([crane, "manifest", "--insecure", there]));
    expect(listed.manifests.map(({ platform }: { platform: object }) => platform)).toEqual([
      { architecture: "amd64", os: "linux" },
      { architecture: "arm", os: "linux", variant: "v7" },
      { architecture: "s390x", os: "linux" },
    ]);
    expect(listed.annotations).toEqual({ a: "b" });
  },
);
