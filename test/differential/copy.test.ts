import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type DockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import {
  buildArtifact,
  buildImage,
  buildIndex,
  buildMultiArch,
  checkLayoutBlobs,
  type TestImage,
  temporary,
  treeOf,
  writeDirectory,
  writeLayout,
} from "../support/images.ts";
import { findProgram, newestSkopeo, peerPath } from "../support/peers.ts";
import { mustRun, type Outcome, run, runOurs } from "../support/run.ts";

/** Every copy is made twice, by real skopeo and by ours, from one source to two destinations that must be equal. */
const hasPeers = newestSkopeo !== undefined && findProgram("docker-registry") !== undefined;
/** Old releases write other index.json files, convert lists otherwise, know no artifacts, and have other exit codes. */
const isCurrent = peerPath("skopeo 1.16") !== undefined;
if (!hasPeers)
  console.error("LEFT OUT for want of skopeo, docker-registry: copies compared with real skopeo");

const subject = buildImage({ seed: "subject" });
const images: Readonly<Record<string, TestImage>> = {
  oci: buildImage({ seed: "oci", layers: [10, 200_000, 3000], labels: { html: "<b>&", a: "ä" } }),
  docker: buildImage({
    seed: "docker",
    format: "docker",
    config: {
      docker_version: "20.10",
      container: "abc",
      config: { Healthcheck: { Test: ["NONE"] }, User: "me" },
    },
  }),
  many: buildImage({ seed: "many", layers: Array.from({ length: 12 }, (_, i) => 100 + i) }),
  repeated: buildImage({ seed: "x", layers: [0, 0] }),
  "multi-oci": buildMultiArch("multi"),
  "multi-docker": buildMultiArch("multi", "docker"),
  artifact: buildArtifact(subject.top, "application/vnd.example.note"),
};

let registry: DockerRegistry;
let mirror: DockerRegistry;
let layout: string;

beforeAll(async () => {
  if (!hasPeers) return;
  [registry, mirror] = await Promise.all([startDockerRegistry(), startDockerRegistry()]);
  layout = writeLayout(images);
  for (const name of Object.keys(images)) {
    const kept = images[name]?.top.mediaType.includes("docker") ? "dir" : "oci";
    const source = kept === "dir" ? `dir:${writeDirectory(imageNamed(name))}` : `oci:${layout}:${name}`;
    await mustReal([
      "copy",
      "--all",
      "--dest-tls-verify=false",
      source,
      `docker://${registry.host}/${name}:1`,
    ]);
  }
});

afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
  await mirror?.[Symbol.asyncDispose]();
});

function imageNamed(name: string): TestImage {
  const image = images[name];
  if (image === undefined) throw new Error(`no image ${name}`);
  return image;
}

async function real(words: readonly string[]): Promise<Outcome> {
  return await run([newestSkopeo?.path ?? "", "--insecure-policy", ...words]);
}

async function mustReal(words: readonly string[]): Promise<string> {
  return await mustRun([newestSkopeo?.path ?? "", "--insecure-policy", ...words]);
}

const TLS = ["--src-tls-verify=false", "--dest-tls-verify=false"];

function sourceOf(name: string, transport: string): string {
  if (transport === "docker") return `docker://${registry.host}/${name}:1`;
  return transport === "oci" ? `oci:${layout}:${name}` : `dir:${writeDirectory(imageNamed(name))}`;
}

interface Copied {
  readonly exitCode: number;
  /** What is at the destination, in comparable form. */
  readonly content: unknown;
}

async function copyBy(
  tool: (words: readonly string[]) => Promise<Outcome>,
  label: string,
  flags: readonly string[],
  source: string,
  transport: string,
): Promise<Copied> {
  if (transport === "docker") {
    const repository = `${mirror.host}/${label}/${crypto.randomUUID()}`;
    const { exitCode } = await tool(["copy", ...TLS, ...flags, source, `docker://${repository}:1`]);
    const raw = await real(["inspect", "--raw", "--tls-verify=false", `docker://${repository}:1`]);
    return { exitCode, content: exitCode === 0 ? raw.stdout : "" };
  }
  const directory = join(temporary(label), "image");
  const destination = transport === "oci" ? `oci:${directory}:name` : `dir:${directory}`;
  const { exitCode } = await tool(["copy", ...TLS, ...flags, source, destination]);
  if (exitCode !== 0) return { exitCode, content: "" };
  if (transport === "oci") checkLayoutBlobs(directory);
  return { exitCode, content: treeOf(directory) };
}

function compare(title: string, flags: readonly string[], name: string, from: string, to: string): void {
  const differedBefore = to === "oci" || (flags.includes("oci") && name === "multi-docker");
  test.skipIf(!hasPeers || (differedBefore && !isCurrent))(title, async () => {
    const source = sourceOf(name, from);
    const theirs = await copyBy(real, "theirs", flags, source, to);
    const ours = await copyBy((words) => runOurs(["--insecure-policy", ...words]), "ours", flags, source, to);
    expect(ours).toEqual(theirs);
    expect(theirs.exitCode).toBe(0);
  });
}

describe("copies as real skopeo does", () => {
  for (const name of Object.keys(images)) {
    const isDocker = imageNamed(name).top.mediaType.includes("docker");
    for (const from of isDocker ? ["docker", "dir"] : ["docker", "oci", "dir"]) {
      for (const to of ["docker", "oci", "dir"]) {
        if (name === "artifact" && !isCurrent) continue;
        compare(`${name}, ${from} to ${to}, all instances`, ["--all"], name, from, to);
      }
    }
  }
  for (const to of ["docker", "oci", "dir"]) {
    compare(
      `one platform of an index to ${to}`,
      ["--override-arch=arm64", "--override-os=linux"],
      "multi-oci",
      "docker",
      to,
    );
    compare(
      `the variant of a platform to ${to}`,
      ["--override-arch=arm", "--override-variant=v7"],
      "multi-docker",
      "docker",
      to,
    );
    compare(`--preserve-digests to ${to}`, ["--preserve-digests", "--all"], "multi-oci", "docker", to);
  }
  for (const [format, name] of [
    ["oci", "docker"],
    ["oci", "multi-docker"],
    ["v2s2", "oci"],
    ["v2s2", "multi-oci"],
  ] as const) {
    compare(
      `--format ${format} of ${name} to docker`,
      ["--all", "--format", format],
      name,
      "docker",
      "docker",
    );
    compare(`--format ${format} of ${name} to dir`, ["--all", "--format", format], name, "docker", "dir");
  }
});

describe("refuses as real skopeo does", () => {
  const cases: readonly (readonly [title: string, words: () => readonly string[]])[] = [
    ["an unknown tag", () => [`docker://${registry.host}/oci:none`, `dir:${join(temporary("x"), "y")}`]],
    ["an unknown repository", () => [`docker://${registry.host}/none:1`, `dir:${join(temporary("x"), "y")}`]],
    ["an unknown name in a layout", () => [`oci:${layout}:none`, `dir:${join(temporary("x"), "y")}`]],
    ["a layout that is not there", () => ["oci:/nonexistent:none", `dir:${join(temporary("x"), "y")}`]],
    ["an image without a transport", () => ["busybox", `dir:${join(temporary("x"), "y")}`]],
    ["an unknown transport", () => [`nope:x`, `dir:${join(temporary("x"), "y")}`]],
    ["a docker name without slashes", () => ["docker:busybox", `dir:${join(temporary("x"), "y")}`]],
    [
      "a tag with a digest",
      () => [`docker://a/b:1@sha256:${"a".repeat(64)}`, `dir:${join(temporary("x"), "y")}`],
    ],
    ["a directory with other data", () => [`oci:${layout}:oci`, `dir:${layout}`]],
    ["a destination with an index", () => [`oci:${layout}:oci`, `oci:${temporary("x")}:@0`]],
    [
      "another digest than the destination's",
      () => [`oci:${layout}:oci`, `docker://${mirror.host}/d@sha256:${"a".repeat(64)}`],
    ],
    ["three arguments", () => ["a", "b", "c"]],
    [
      "a platform that the index lacks",
      () => ["--override-arch=s390x", `oci:${layout}:multi-oci`, `dir:${join(temporary("x"), "y")}`],
    ],
    [
      "a list that may not be converted",
      () => [
        "--all",
        "--preserve-digests",
        `docker://${registry.host}/multi-docker:1`,
        `oci:${temporary("x")}:y`,
      ],
    ],
  ];
  for (const [title, words] of cases) {
    test.skipIf(!hasPeers || !isCurrent)(title, async () => {
      const [theirs, ours] = [
        await real(["copy", ...TLS, ...words()]),
        await runOurs(["--insecure-policy", "copy", ...TLS, ...words()]),
      ];
      expect(theirs.exitCode).not.toBe(0);
      expect(ours.exitCode).toBe(theirs.exitCode);
      expect(ours.stdout).toBe("");
    });
  }
});

test.skipIf(!hasPeers)("--digestfile holds the digest of what was written, without a newline", async () => {
  for (const flags of [["--all"], ["--override-arch=arm64"]]) {
    const files = ["theirs", "ours"].map((name) => join(temporary("digest"), name));
    const words = (file: string): string[] => [
      ...["copy", ...TLS, ...flags, "--digestfile", file],
      ...[`docker://${registry.host}/multi-oci:1`, `dir:${join(temporary("x"), "y")}`],
    ];
    await mustReal(words(files[0] ?? ""));
    expect((await runOurs(["--insecure-policy", ...words(files[1] ?? "")])).exitCode).toBe(0);
    const [theirs, ours] = files.map((file) => readFileSync(file, "utf8"));
    expect(ours).toBe(theirs ?? "");
  }
});

test.skipIf(!hasPeers)("a nested index is copied whole", async () => {
  const inner = buildMultiArch("inner");
  const outer = buildIndex({ "linux/amd64": buildImage({ seed: "plain" }), "linux/riscv64": inner });
  const source = writeLayout({ nested: outer });
  const target = `${mirror.host}/nested`;
  const there = await runOurs([
    "copy",
    "--insecure-policy",
    ...TLS,
    "--all",
    `oci:${source}:nested`,
    `docker://${target}:1`,
  ]);
  expect(there.stderr).not.toContain("level=fatal");
  const back = join(temporary("nested"), "layout");
  const again = await runOurs([
    "copy",
    "--insecure-policy",
    ...TLS,
    "--all",
    `docker://${target}:1`,
    `oci:${back}:nested`,
  ]);
  expect(again.exitCode).toBe(0);
  expect(checkLayoutBlobs(back)).toBe(outer.blobs.size);
  expect(readFileSync(join(back, "index.json"), "utf8")).toContain(outer.top.digest);
});

/** Indexes in so many levels, of which each has all of the level below: the ways to the image below grow with each. */
function buildMaze(levels: number): TestImage {
  let level: readonly TestImage[] = [buildImage({ seed: "maze" })];
  for (let i = 0; i < levels; i++) {
    const entries = [...level.entries()];
    level = Array.from({ length: 6 }, (_, j) =>
      buildIndex(Object.fromEntries(entries.map(([k, image]) => [`linux/${i}-${j}-${k}`, image]))),
    );
  }
  return buildIndex(Object.fromEntries(level.map((image, i) => [`linux/top-${i}`, image])));
}

test("an image in a maze of indexes is copied once, and not looked for in the depths", async () => {
  const maze = buildMaze(7);
  const source = writeLayout({ maze, abyss: buildMaze(8) });
  const back = join(temporary("maze"), "layout");
  const copy = ["copy", "--insecure-policy", "--all"];
  expect(await runOurs([...copy, `oci:${source}:maze`, `oci:${back}:maze`])).toMatchObject({ exitCode: 0 });
  expect(readdirSync(join(back, "blobs", "sha256"))).toHaveLength(maze.blobs.size);
  const refused = await runOurs([...copy, `oci:${source}:abyss`, `dir:${join(temporary("abyss"), "x")}`]);
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toContain("indexes are nested too deeply");
});

test.skipIf(!hasPeers)("chosen platforms make an index that real skopeo and crane take", async () => {
  const target = `${mirror.host}/trimmed/${crypto.randomUUID()}`;
  const words = ["copy", "--insecure-policy", ...TLS, "--multi-arch", "linux/amd64,linux/arm/v7"];
  const copied = await runOurs([...words, `docker://${registry.host}/multi-oci:1`, `docker://${target}:1`]);
  expect(copied.stderr).not.toContain("level=fatal");
  const index = JSON.parse(
    await mustReal(["inspect", "--raw", "--tls-verify=false", `docker://${target}:1`]),
  );
  expect(
    index.manifests.map((entry: { platform: { architecture: string } }) => entry.platform.architecture),
  ).toEqual(["amd64", "arm"]);
  await mustReal(["copy", "--all", ...TLS, `docker://${target}:1`, `dir:${join(temporary("x"), "y")}`]);
  const missing = await runOurs([
    ...words.slice(0, -1),
    "linux/s390x",
    `docker://${registry.host}/multi-oci:1`,
    `docker://${target}:2`,
  ]);
  expect(missing.exitCode).toBe(1);
  expect(missing.stderr).toContain("linux/amd64, linux/arm64/v8, linux/arm/v7");
});
