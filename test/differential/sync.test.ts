import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import { buildImage, buildMultiArch, temporary, treeOf, writeLayout } from "../support/images.ts";
import { findProgram, newestSkopeo } from "../support/peers.ts";
import { fatalMessage, mustRun, type Outcome, runOurs, runReal } from "../support/run.ts";

/** `sync` does what real skopeo's does: the same names, the same digests, the same failures. */
const hasPeers =
  (newestSkopeo?.version.startsWith("1.22.") ?? false) && findProgram("docker-registry") !== undefined;
if (!hasPeers)
  console.error("LEFT OUT for want of skopeo 1.22, docker-registry: sync compared with real skopeo");

let source: DockerRegistry;

beforeAll(async () => {
  if (!hasPeers) return;
  source = await startDockerRegistry();
  const layout = writeLayout({
    one: buildImage({ seed: "one", layers: [2000, 30] }),
    two: buildImage({ seed: "two", layers: [3000] }),
    many: buildMultiArch("sync"),
  });
  for (const [from, to] of [
    ["one", "team/app:1.0"],
    ["two", "team/app:1.1"],
    ["one", "team/app:1.20"],
    ["two", "team/app:2.0.0-rc1"],
    ["one", "team/app:v2.1"],
    ["many", "team/app:multi"],
    ["two", "db:1"],
    ["one", "db:latest"],
  ]) {
    const words = ["copy", "--all", "--dest-tls-verify=false", `oci:${layout}:${from}`];
    await runOurs(["--insecure-policy", ...words, `docker://${source.host}/${to}`]);
  }
});

afterAll(async () => await source?.[Symbol.asyncDispose]());

/** All tags of a registry with their digests, below one path. */
async function contentsOf(host: string): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  const { repositories = [] } = (await (await fetch(`http://${host}/v2/_catalog`)).json()) as {
    repositories?: string[];
  };
  for (const repository of repositories) {
    const { tags } = (await (await fetch(`http://${host}/v2/${repository}/tags/list`)).json()) as {
      tags?: string[];
    };
    for (const tag of tags ?? []) {
      const accept = [
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
      ].join(", ");
      const url = `http://${host}/v2/${repository}/manifests/${tag}`;
      const response = await fetch(url, { method: "HEAD", headers: { Accept: accept } });
      found[`${repository}:${tag}`] = response.headers.get("docker-content-digest") ?? "";
    }
  }
  return found;
}

const INSECURE = ["--src-tls-verify=false", "--dest-tls-verify=false"];
/** Multi-platform images: the host's own is chosen without --all. */
const PLATFORM = ["--override-os", "linux", "--override-arch", "amd64"];

interface Case {
  readonly words: readonly string[];
  /** A file that SYNC stands for. */
  readonly yaml?: string;
}

function fill(word: string, destination: string, file: string): string {
  return word.replaceAll("SRC", source.host).replaceAll("DEST", destination).replaceAll("SYNC", file);
}

function yamlFile(yaml: string | undefined): string {
  const path = join(temporary("sync-yaml"), "sync.yml");
  writeFileSync(path, (yaml ?? "").replaceAll("SRC", source.host));
  return path;
}

async function intoRegistry(
  tool: typeof runOurs,
  { words, yaml }: Case,
): Promise<{ outcome: Outcome; contents: object; digests: string }> {
  await using destination = await startDockerRegistry();
  const digestFile = join(temporary("sync-digests"), "digests");
  const file = yamlFile(yaml);
  const policy = tool === runOurs ? ["--insecure-policy"] : [];
  const flags = [...PLATFORM, ...INSECURE, "--dest", "docker", "--digestfile", digestFile];
  const outcome = await tool([
    ...policy,
    "sync",
    ...flags,
    ...words.map((word) => fill(word, destination.host, file)),
  ]);
  const contents = await contentsOf(destination.host);
  const digests = readIfThere(digestFile).replaceAll(destination.host, "DEST").split("\n").sort().join("\n");
  return { outcome, contents, digests };
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

const YAML = `SRC:
  tls-verify: false
  images:
    team/app:
      - 1.0
      - 1.20
    db: []
  images-by-tag-regex:
    team/app: ^1\\.[01]$
  images-by-semver:
    team/app: ">= 1.1"
`;

const REGISTRY_CASES: Readonly<Record<string, Case>> = {
  "a repository": { words: ["--src", "docker", "SRC/team/app", "DEST"] },
  "a repository with whole indexes": { words: ["--src", "docker", "--all", "SRC/team/app", "DEST/copies"] },
  "one tag": { words: ["--src", "docker", "SRC/team/app:1.0", "DEST/"] },
  "a suffix": { words: ["--src", "docker", "--append-suffix=-mine", "SRC/team/app:1.0", "DEST/x"] },
  "another format": { words: ["--src", "docker", "--format", "v2s2", "SRC/team/app:1.0", "DEST/x"] },
  "a file of skopeo's": { words: ["--src", "yaml", "SYNC", "DEST/y"], yaml: YAML },
  "a file with whole indexes": { words: ["--src", "yaml", "--all", "SYNC", "DEST/y"], yaml: YAML },
  "a file with an unknown repository": {
    words: ["--src", "yaml", "SYNC", "DEST"],
    yaml: "SRC:\n  tls-verify: false\n  images:\n    none: []\n    db: [latest]\n",
  },
  "a file with a broken expression": {
    words: ["--src", "yaml", "SYNC", "DEST"],
    yaml: 'SRC:\n  tls-verify: false\n  images:\n    db: [latest]\n  images-by-tag-regex:\n    team/app: "("\n',
  },
  "an empty file": { words: ["--src", "yaml", "SYNC", "DEST"], yaml: "" },
  "a tag that is not there": { words: ["--src", "docker", "SRC/team/app:none", "DEST"] },
  "a repository that is not there": { words: ["--src", "docker", "SRC/none", "DEST"] },
  "a name with a transport": { words: ["--src", "docker", "docker://SRC/team/app", "DEST"] },
  "a scoped name with a port": { words: ["--src", "docker", "--scoped", "SRC/team/app:1.0", "DEST"] },
  "no source transport": { words: ["SRC/team/app", "DEST"] },
  "an unknown source transport": { words: ["--src", "oci", "SRC/team/app", "DEST"] },
  "one argument": { words: ["--src", "docker", "SRC/team/app"] },
};

describe("into a registry", () => {
  for (const [title, request] of Object.entries(REGISTRY_CASES)) {
    test.skipIf(!hasPeers)(title, async () => {
      const ours = await intoRegistry(runOurs, request);
      const theirs = await intoRegistry(runReal, request);
      expect(ours.contents).toEqual(theirs.contents);
      expect(ours.outcome.exitCode).toBe(theirs.outcome.exitCode);
      if (theirs.outcome.exitCode === 0) expect(ours.digests).toBe(theirs.digests);
      else expect(fatalMessage(ours.outcome)).toStartWith(fatalMessage(theirs.outcome).slice(0, 40));
    });
  }
});

const DIRECTORY_CASES: Readonly<Record<string, Case>> = {
  "a repository": { words: ["--src", "docker", "SRC/team/app", "DEST/new/place"] },
  "a scoped repository": { words: ["--src", "docker", "--scoped", "--all", "SRC/team/app", "DEST"] },
  "a file": {
    words: ["--src", "yaml", "--scoped", "SYNC", "DEST"],
    yaml: "SRC:\n  tls-verify: false\n  images:\n    db: []\n",
  },
};

describe("into directories", () => {
  for (const [title, { words, yaml }] of Object.entries(DIRECTORY_CASES)) {
    test.skipIf(!hasPeers)(title, async () => {
      const trees: unknown[] = [];
      const again: string[] = [];
      for (const tool of [runOurs, runReal]) {
        const directory = temporary("sync-dir");
        const file = yamlFile(yaml);
        const policy = tool === runOurs ? ["--insecure-policy"] : [];
        const flags = [...PLATFORM, "--src-tls-verify=false", "--dest", "dir"];
        const line = [...policy, "sync", ...flags, ...words.map((word) => fill(word, directory, file))];
        expect(await tool(line)).toMatchObject({ exitCode: 0 });
        trees.push(treeOf(directory));
        const second = await tool(line);
        expect(second.exitCode).toBe(1);
        again.push(
          fatalMessage(second)
            .replaceAll(directory, "DEST")
            .replace(/[^/]*"$/, ""),
        );
      }
      expect(trees[0]).toEqual(trees[1]);
      expect(again[0]).toStartWith("Refusing to overwrite destination directory");
    });
  }
});

describe("from directories", () => {
  for (const flags of [[], ["--scoped"], ["--append-suffix=-z"]]) {
    test.skipIf(!hasPeers)(`into a registry ${flags.join(" ")}`, async () => {
      const directory = temporary("sync-from");
      for (const [name, tag] of [
        ["foo:1", "team/app:1.0"],
        ["sub/ns/bar:2", "team/app:1.1"],
        ["notag", "db:1"],
      ]) {
        mkdirSync(join(directory, `${name}`, ".."), { recursive: true });
        const words = ["copy", "--src-tls-verify=false", `docker://${source.host}/${tag}`];
        await mustRun([newestSkopeo?.path ?? "", "--insecure-policy", ...words, `dir:${directory}/${name}`]);
      }
      const request = { words: ["--src", "dir", ...flags, directory, "DEST/x"] };
      const ours = await intoRegistry(runOurs, request);
      const theirs = await intoRegistry(runReal, request);
      expect(ours.outcome.exitCode).toBe(0);
      expect(ours.contents).toEqual(theirs.contents);
      expect(ours.digests).toBe(theirs.digests);
    });
  }
});
