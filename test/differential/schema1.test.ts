import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import { buildImage, temporary, treeOf, writeDirectory, writeLayout } from "../support/images.ts";
import { findProgram, peerPath } from "../support/peers.ts";
import { fatalMessage, mustRun, type Outcome, runOurs, runReal } from "../support/run.ts";

const skopeo = peerPath("skopeo 1.16");
const hasPeers = skopeo !== undefined && findProgram("docker-registry") !== undefined;
if (!hasPeers) console.error("LEFT OUT for want of skopeo 1.16, docker-registry: Docker schema 1");

const TLS = ["--src-tls-verify=false", "--dest-tls-verify=false"];
const history = [
  { created: "2024-05-06T07:08:09Z", created_by: "step <0>", author: "me" },
  { created: "2024-05-06T07:08:10.5Z", created_by: "ENV a=b", empty_layer: true },
  { created: "2024-05-06T07:08:11Z", created_by: "step 1", comment: "a & b" },
  { created: "2024-05-06T07:08:12Z", created_by: 'CMD ["x"]', empty_layer: true },
];
const config = { history, author: "ä <me@example.com>", docker_version: "20.10", "7": 1.5, container: "abc" };
const images = {
  docker: buildImage({ seed: "v2s1", format: "docker", config }),
  oci: buildImage({ seed: "v2s1 oci", config: { history } }),
};

let registry: DockerRegistry;
const sources: Record<string, string> = {};

beforeAll(async () => {
  if (!hasPeers) return;
  registry = await startDockerRegistry({ acceptsSchema1: true });
  sources.docker = `dir:${writeDirectory(images.docker)}`;
  sources.oci = `oci:${writeLayout(images)}:oci`;
  for (const name of ["docker", "oci"]) {
    const directory = join(temporary("v2s1"), "image");
    await must(runReal, ["--format=v2s1", sources[name] ?? "", `dir:${directory}`]);
    sources[`${name} v2s1`] = `dir:${directory}`;
    await must(runReal, ["--format=v2s1", sources[name] ?? "", `docker://${registry.host}/${name}:1`]);
    sources[`${name} in a registry`] = `docker://${registry.host}/${name}:1`;
  }
});

afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
});

type Tool = (words: readonly string[]) => Promise<Outcome>;
const ours: Tool = (words) => runOurs(["--insecure-policy", ...words]);

async function must(tool: Tool, words: readonly string[]): Promise<void> {
  const outcome = await tool(["copy", ...TLS, ...words]);
  if (outcome.exitCode !== 0) throw new Error(`${words.join(" ")}\n${outcome.stderr}`);
}

/** Signatures are made with a new key each time. */
function unsigned(directory: string): unknown {
  const { signatures, ...document } = JSON.parse(readFileSync(join(directory, "manifest.json"), "utf8"));
  expect(signatures).toHaveLength(1);
  return { ...document, order: Object.keys(document) };
}

describe("schema 1 is read as by real skopeo", () => {
  for (const name of ["docker v2s1", "oci v2s1", "docker in a registry"]) {
    for (const words of [
      ["inspect"],
      ["inspect", "--config"],
      ["inspect", "--config", "--raw"],
      ["inspect", "--raw"],
    ]) {
      // A registry signs anew each time that it is asked.
      if (name.endsWith("registry") && words.join() === "inspect,--raw") continue;
      test.skipIf(!hasPeers)(`${words.join(" ")} of ${name}`, async () => {
        const from = sources[name] ?? "";
        const flags = from.startsWith("docker:") ? ["--tls-verify=false"] : [];
        expect(await ours([...words, ...flags, from])).toEqual(await runReal([...words, ...flags, from]));
      });
    }
  }
});

describe("schema 1 becomes what real skopeo makes of it", () => {
  for (const name of ["docker v2s1", "oci v2s1", "docker in a registry"]) {
    const targets = [
      ["dir", "--format=v2s2"],
      ["dir", "--format=oci"],
      ["oci"],
      ["oci-archive"],
      ["docker-archive"],
      ["dir"],
    ] as const;
    for (const [transport, ...flags] of targets) {
      if (name.endsWith("registry") && transport === "dir" && flags.length === 0) continue;
      test.skipIf(!hasPeers)(`${name} to ${transport} ${flags.join(" ")}`, async () => {
        const [theirs, mine] = ["theirs", "ours"].map((label) => join(temporary(label), "image"));
        await must(runReal, [...flags, sources[name] ?? "", `${transport}:${theirs}`]);
        await must(ours, [...flags, sources[name] ?? "", `${transport}:${mine}`]);
        if (transport === "docker-archive") {
          expect(readFileSync(mine ?? "").equals(readFileSync(theirs ?? ""))).toBe(true);
        } else if (transport === "oci-archive") {
          const list = ["tar", "-tf"];
          const names = async (file = ""): Promise<string[]> =>
            (await mustRun([...list, file])).split("\n").toSorted();
          expect(await names(mine)).toEqual(await names(theirs));
        } else expect(treeOf(mine ?? "")).toEqual(treeOf(theirs ?? ""));
      });
    }
  }

  test.skipIf(!hasPeers)("also of a Docker older than 1.8.3, which left members out", async () => {
    const directory = join(temporary("old"), "image");
    mkdirSync(directory, { recursive: true });
    const layer = readFileSync(
      join(sources["docker v2s1"]?.slice(4) ?? "", firstBlob(sources["docker v2s1"] ?? "")),
    );
    const blob = firstBlob(sources["docker v2s1"] ?? "");
    writeFileSync(join(directory, blob), layer);
    const id = "a".repeat(64);
    const v1Compatibility = JSON.stringify({
      id,
      created: "2015-01-02T03:04:05Z",
      docker_version: "1.7.1",
      config: { Hostname: "x", Env: ["A=B"], ExposedPorts: {}, Volumes: { "/v": {} }, Extra: 1 },
      container_config: { Cmd: ["sh", "-c"], Labels: {} },
      architecture: "amd64",
      os: "linux",
      Size: 5,
      unknown: true,
    });
    const manifest = {
      ...{ schemaVersion: 1, name: "a", tag: "b", architecture: "amd64" },
      fsLayers: [{ blobSum: `sha256:${blob}` }],
      history: [{ v1Compatibility }],
    };
    writeFileSync(join(directory, "manifest.json"), JSON.stringify(manifest));
    writeFileSync(join(directory, "version"), "Directory Transport Version: 1.1\n");
    const [theirs, mine] = ["theirs", "ours"].map((label) => join(temporary(label), "image"));
    await must(runReal, ["--format=v2s2", `dir:${directory}`, `dir:${theirs}`]);
    await must(ours, ["--format=v2s2", `dir:${directory}`, `dir:${mine}`]);
    expect(treeOf(mine ?? "")).toEqual(treeOf(theirs ?? ""));
  });
});

function firstBlob(source: string): string {
  const manifest = JSON.parse(readFileSync(join(source.slice("dir:".length), "manifest.json"), "utf8"));
  return String(manifest.fsLayers.at(-1).blobSum).slice("sha256:".length);
}

describe("images become schema 1 as with real skopeo", () => {
  for (const name of ["docker", "oci", "docker v2s1"]) {
    test.skipIf(!hasPeers)(`${name} in a directory`, async () => {
      const [theirs = "", mine = ""] = ["theirs", "ours"].map((label) => join(temporary(label), "image"));
      await must(runReal, ["--format=v2s1", sources[name] ?? "", `dir:${theirs}`]);
      await must(ours, ["--format=v2s1", sources[name] ?? "", `dir:${mine}`]);
      expect(unsigned(mine)).toEqual(unsigned(theirs));
      const { "manifest.json": _, ...blobs } = treeOf(mine);
      const { "manifest.json": __, ...expected } = treeOf(theirs);
      expect(blobs).toEqual(expected);
      const digest = async (directory: string): Promise<string> =>
        (await runReal(["manifest-digest", join(directory, "manifest.json")])).stdout;
      expect(await digest(mine)).toBe(await digest(theirs));
    });

    test.skipIf(!hasPeers)(
      `${name} in a registry, which checks the signature, and on from there`,
      async () => {
        const [one, two] = [1, 2].map(
          (n) => `docker://${registry.host}/made/${crypto.randomUUID()}/${n}:tag`,
        );
        await must(ours, ["--format=v2s1", sources[name] ?? "", one ?? ""]);
        await must(ours, [one ?? "", two ?? ""]);
        for (const place of [one ?? "", two ?? ""]) {
          const raw = JSON.parse((await runReal(["inspect", "--raw", "--tls-verify=false", place])).stdout);
          expect(`docker://${registry.host}/${raw.name}:${raw.tag}`).toBe(place);
          await must(runReal, [place, `dir:${join(temporary("back"), "image")}`]);
        }
      },
    );
  }
});

describe("broken schema 1 is refused in the same words", () => {
  const id = (letter: string): string => letter.repeat(64);
  const layer = (own: string, parent?: string): string => JSON.stringify({ id: own, parent });
  const blob = `sha256:${id("1")}`;
  const cases: Readonly<Record<string, { blobs: number; history: readonly string[]; more?: object }>> = {
    "no layers": { blobs: 0, history: [] },
    "fewer layers than history": { blobs: 1, history: [layer(id("b"), id("a")), layer(id("a"))] },
    "an ID that is none": { blobs: 1, history: [layer("UPPER")] },
    "a base layer with a parent": { blobs: 1, history: [layer(id("a"), id("b"))] },
    "an ID twice": {
      blobs: 3,
      history: [layer(id("a"), id("b")), layer(id("b"), id("a")), layer(id("a"))],
    },
    "another parent": { blobs: 2, history: [layer(id("b"), id("c")), layer(id("a"))] },
    "two kinds in one": { blobs: 1, history: [layer(id("a"))], more: { layers: [] } },
  };
  for (const [title, { blobs, history: entries, more }] of Object.entries(cases)) {
    test.skipIf(!hasPeers)(title, async () => {
      const directory = temporary("broken");
      const manifest = {
        ...{ schemaVersion: 1, name: "a", tag: "b", architecture: "amd64" },
        fsLayers: Array.from({ length: blobs }, () => ({ blobSum: blob })),
        history: entries.map((v1Compatibility) => ({ v1Compatibility })),
        ...more,
      };
      writeFileSync(join(directory, "manifest.json"), JSON.stringify(manifest));
      const [outcome, theirs] = [
        await ours(["inspect", `dir:${directory}`]),
        await runReal(["inspect", `dir:${directory}`]),
      ];
      expect(fatalMessage(outcome)).toBe(fatalMessage(theirs));
      expect(outcome.exitCode).toBe(theirs.exitCode);
    });
  }

  test.skipIf(!hasPeers)("a repeated layer is one", async () => {
    const directory = temporary("repeated");
    const manifest = {
      ...{ schemaVersion: 1, name: "a", tag: "b", architecture: "amd64" },
      fsLayers: [1, 2, 3].map(() => ({ blobSum: blob })),
      history: [layer(id("b"), id("a")), layer(id("b"), id("a")), layer(id("a"))].map((v1Compatibility) => ({
        v1Compatibility,
      })),
    };
    writeFileSync(join(directory, "manifest.json"), JSON.stringify(manifest));
    expect(await ours(["inspect", `dir:${directory}`])).toEqual(
      await runReal(["inspect", `dir:${directory}`]),
    );
  });
});
