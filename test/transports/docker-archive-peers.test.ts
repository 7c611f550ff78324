import { beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { hexOf, newDockerSave, oldDockerSave, plainImage } from "../support/docker-archives.ts";
import { buildImage, sha256, type TestImage, temporary, treeOf, writeLayout } from "../support/images.ts";
import { peerTest } from "../support/peers.ts";
import { podmanWithOwnStorage } from "../support/podman.ts";
import { mustRun, type Outcome, runOurs, runReal } from "../support/run.ts";
import { tarOf } from "../support/tar-files.ts";

type Tool = (words: readonly string[]) => Promise<Outcome>;
const ours: Tool = (words) => runOurs(["--insecure-policy", ...words]);
const TOOLS = { ours, "real skopeo": runReal } as const;
const SKOPEO = "skopeo 1.16";

async function must(tool: Tool, ...words: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await tool(words);
  if (exitCode !== 0) throw new Error(`${words.join(" ")}\n${stderr}`);
  return stdout;
}

const image = plainImage("base", "top");
let layout = "";

beforeAll(() => {
  layout = writeLayout({
    usual: buildImage({ seed: "usual" }),
    empty: buildImage({ seed: "empty", layers: [] }),
    thrice: sameLayerThrice(),
  });
});

function archivePath(): string {
  return join(temporary("archive"), "image.tar");
}

/** One layer in three forms: two that are compressed differently, and one that is not compressed. */
function sameLayerThrice(): TestImage {
  const layer = tarOf([{ name: "file", content: "content ".repeat(1000) }]);
  const blobs = new Map<string, Buffer>();
  const put = (mediaType: string, bytes: Buffer) => {
    blobs.set(sha256(bytes), bytes);
    return { mediaType, digest: sha256(bytes), size: bytes.length };
  };
  const type = "application/vnd.oci.image.layer.v1.tar";
  const layers = [
    put(`${type}+gzip`, gzipSync(layer, { level: 1 })),
    put(`${type}+gzip`, gzipSync(layer)),
    put(type, layer),
  ];
  const diffIds = layers.map(() => sha256(layer));
  const document = {
    architecture: "amd64",
    os: "linux",
    config: {},
    rootfs: { type: "layers", diff_ids: diffIds },
  };
  const config = put("application/vnd.oci.image.config.v1+json", Buffer.from(JSON.stringify(document)));
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType, config, layers });
  return { top: put(mediaType, Buffer.from(manifest)), blobs };
}

describe("an archive is byte for byte that of real skopeo", () => {
  for (const [title, name, words] of [
    ["for layers that are the same once they are decompressed", "thrice", []],
    ["for an image without layers", "empty", ["--additional-tag", "other:1"]],
    ["for names that are given twice", "usual", ["--additional-tag", "name:tag,other:1,other:1"]],
  ] as const) {
    peerTest(title, [SKOPEO], async () => {
      const [theirs, mine] = [archivePath(), archivePath()];
      for (const [tool, path] of [
        [runReal, theirs],
        [ours, mine],
      ] as const) {
        await must(tool, "copy", ...words, `oci:${layout}:${name}`, `docker-archive:${path}:name:tag`);
      }
      expect(readFileSync(mine).equals(readFileSync(theirs))).toBe(true);
    });
  }

  peerTest("for a layer of 8 GiB, as far as its headers go", [SKOPEO, "head"], async ([skopeo = ""]) => {
    const directory = temporary("huge");
    const size = 8 * 1024 ** 3;
    const digest = sha256(Buffer.from("not the digest, which nobody gets to check"));
    writeFileSync(join(directory, digest.slice(7)), "");
    truncateSync(join(directory, digest.slice(7)), size);
    const config = Buffer.from(
      JSON.stringify({
        architecture: "amd64",
        os: "linux",
        config: {},
        rootfs: { type: "layers", diff_ids: [digest] },
      }),
    );
    writeFileSync(join(directory, hexOf(config)), config);
    writeFileSync(join(directory, "version"), "Directory Transport Version: 1.1\n");
    const docker = "application/vnd.docker";
    const manifest = {
      schemaVersion: 2,
      mediaType: `${docker}.distribution.manifest.v2+json`,
      config: { mediaType: `${docker}.container.image.v1+json`, size: config.length, digest: sha256(config) },
      layers: [{ mediaType: `${docker}.image.rootfs.diff.tar`, size, digest }],
    };
    writeFileSync(join(directory, "manifest.json"), JSON.stringify(manifest));
    const program = process.env.SKOPEO_BINARY
      ? [process.env.SKOPEO_BINARY]
      : [process.execPath, join(import.meta.dir, "../../src/cli/bin.ts")];
    const heads: string[] = [];
    for (const command of [[skopeo], program]) {
      const words = [
        "--insecure-policy",
        "copy",
        "--quiet",
        `dir:${directory}`,
        "docker-archive:/dev/stdout:name:tag",
      ];
      heads.push(await mustRun(["sh", "-c", '"$@" 2>/dev/null | head -c 2048', "sh", ...command, ...words]));
    }
    expect(heads[0]).toContain("size=8589934592");
    expect(heads[1]).toBe(heads[0] ?? "");
  });
});

describe("archives of docker save are read as by real skopeo", () => {
  for (const [title, archive] of [
    ["up to release 24", oldDockerSave(plainImage("same", "other", "same"), ["a:1"])],
    ["since release 25", newDockerSave(image, ["a:1"])],
    ["with compressed layers", newDockerSave(image, ["a:1"], (layer) => gzipSync(layer))],
  ] as const) {
    peerTest(title, [SKOPEO], async () => {
      const path = archivePath();
      writeFileSync(path, archive);
      const trees = [];
      for (const tool of Object.values(TOOLS)) {
        const copy = join(temporary("copy"), "dir");
        await must(tool, "copy", `docker-archive:${path}:a:1`, `dir:${copy}`);
        const raw = await must(tool, "inspect", "--raw", `docker-archive:${path}`);
        const tags = await must(tool, "list-tags", `docker-archive:${path}`);
        trees.push({ files: treeOf(copy), raw, tags });
      }
      const [mine, theirs] = trees;
      if (mine === undefined || theirs === undefined) throw new Error("nothing to compare");
      expect(mine).toEqual(theirs);
      expect(JSON.parse(mine.tags)).toEqual({ Tags: ["a:1"] });
    });
  }
});

describe("an archive that an image was added to", () => {
  for (const [title, archive] of [
    ["made by docker save up to release 24", oldDockerSave(image, ["old:1"])],
    ["made by docker save since release 25", newDockerSave(image, ["old:1"])],
  ] as const) {
    peerTest(`${title} is read by real skopeo`, [SKOPEO], async () => {
      const path = archivePath();
      writeFileSync(path, archive);
      await must(ours, "copy", `oci:${layout}:usual`, `docker-archive:${path}:new:1`);
      for (const name of ["old:1", "new:1"]) {
        const [mine, theirs] = [join(temporary("mine"), "dir"), join(temporary("theirs"), "dir")];
        await must(ours, "copy", `docker-archive:${path}:${name}`, `dir:${mine}`);
        await must(runReal, "copy", `docker-archive:${path}:${name}`, `dir:${theirs}`);
        expect(treeOf(mine)).toEqual(treeOf(theirs));
      }
    });

    peerTest(`${title} is loaded by podman`, ["podman"], async () => {
      const path = archivePath();
      writeFileSync(path, archive);
      await must(ours, "copy", `oci:${layout}:usual`, `docker-archive:${path}:new:1`);
      const podman = podmanWithOwnStorage();
      const loaded = await mustRun([...podman, "load", "-i", path]);
      for (const name of ["old:1", "new:1"]) expect(loaded).toContain(`/${name}\n`);
    });
  }

  peerTest("made by podman shares its layers", ["podman"], async () => {
    const [loaded, saved] = [archivePath(), archivePath()];
    await must(ours, "copy", `oci:${layout}:usual`, `docker-archive:${loaded}:old:1`);
    const podman = podmanWithOwnStorage();
    await mustRun([...podman, "load", "-i", loaded]);
    await mustRun([...podman, "save", "--format=docker-archive", "-o", saved, "old:1"]);
    const before = (await mustRun(["tar", "-tf", saved])).split("\n");
    await must(ours, "copy", `oci:${layout}:usual`, `docker-archive:${saved}:new:1`);
    const after = (await mustRun(["tar", "-tf", saved])).split("\n");
    const layers = (names: readonly string[]): readonly string[] =>
      names.filter((name) => /^[0-9a-f]{64}\.tar$/.test(name));
    expect(layers(after)).toEqual(layers(before));
    const tags = JSON.parse(await must(ours, "list-tags", `docker-archive:${saved}`)).Tags;
    expect(tags).toEqual(["docker.io/library/old:1", "docker.io/library/new:1"]);
  });
});

test("standard output that the shell appends to a file keeps what the file has", async () => {
  const directory = temporary("append");
  const [plain, appended] = [join(directory, "plain.tar"), join(directory, "appended.tar")];
  await must(ours, "copy", `oci:${layout}:usual`, `docker-archive:${plain}:a:1`);
  writeFileSync(appended, "before");
  const program = process.env.SKOPEO_BINARY
    ? [process.env.SKOPEO_BINARY]
    : [process.execPath, join(import.meta.dir, "../../src/cli/bin.ts")];
  const words = ["--insecure-policy", "copy", `oci:${layout}:usual`, "docker-archive:/dev/stdout:a:1"];
  await mustRun(["sh", "-c", `"$@" >> ${appended}`, "sh", ...program, ...words]);
  expect(readFileSync(appended).equals(Buffer.concat([Buffer.from("before"), readFileSync(plain)]))).toBe(
    true,
  );
});

test("a path outside of an archive writes nothing outside", async () => {
  const directory = temporary("outside");
  mkdirSync(join(directory, "inside"));
  const [layer = Buffer.alloc(0)] = image.layers;
  const archive = tarOf([
    { name: "../escaped.tar", content: layer },
    { name: "/absolute.tar", content: layer },
    ...[image.config].map((content) => ({ name: "../../c.json", content })),
    {
      name: "manifest.json",
      content: JSON.stringify([
        { Config: "../../c.json", RepoTags: ["a:1"], Layers: ["../escaped.tar", "/absolute.tar"] },
      ]),
    },
  ]);
  const path = join(directory, "inside", "image.tar");
  writeFileSync(path, archive);
  await ours(["copy", `docker-archive:${path}`, `dir:${join(directory, "inside", "copy")}`]);
  expect(readdirSync(directory)).toEqual(["inside"]);
  expect(["/absolute.tar", "/c.json"].filter(existsSync)).toEqual([]);
});
