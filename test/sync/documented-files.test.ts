import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type DockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import { buildImage, buildMultiArch, temporary, writeLayout } from "../support/images.ts";
import { findProgram } from "../support/peers.ts";
import { runOurs } from "../support/run.ts";

/** The files that docs/mirroring.md shows do what it says, with local registries in place of those it names. */
const hasPeers = findProgram("docker-registry") !== undefined;
if (!hasPeers) console.error("LEFT OUT for want of docker-registry: the files of docs/mirroring.md");

const page = readFileSync(resolve(import.meta.dir, "../../docs/mirroring.md"), "utf8");
const [skopeoFile = "", shortFile = "", mirrorFile = ""] = [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map(
  ([, text = ""]) => text,
);
const INSECURE = ["--src-tls-verify=false", "--dest-tls-verify=false"];
const IMAGES: Readonly<Record<string, readonly string[]>> = {
  "library/nginx": ["latest", "1.19.10", "1.20", "1.27.1", "1.27.1-perl"],
  "library/redis": ["alpine", "6.2", "7"],
  "team/app": ["1", "2"],
  "team/db": ["14", "15", "16"],
  "team/web": ["1.20", "1.21", "1.30"],
  "team/tool": ["3.11", "3.12", "4.0.0"],
};

let source: DockerRegistry;
let destination: DockerRegistry;

beforeAll(async () => {
  if (!hasPeers) return;
  [source, destination] = await Promise.all([startDockerRegistry(), startDockerRegistry()]);
  const layout = writeLayout({ one: buildImage({ seed: "documented" }), many: buildMultiArch("documented") });
  for (const [repository, tags] of Object.entries(IMAGES)) {
    for (const tag of tags) {
      const words = [
        "copy",
        "--all",
        "--dest-tls-verify=false",
        `oci:${layout}:${tag === "1.27.1" ? "many" : "one"}`,
      ];
      await runOurs(["--insecure-policy", ...words, `docker://${source.host}/${repository}:${tag}`]);
    }
  }
});

afterAll(async () => {
  await Promise.all([source, destination].map((registry) => registry?.[Symbol.asyncDispose]()));
});

async function run(text: string, words: readonly string[] = []): Promise<readonly string[]> {
  const file = join(temporary("documented"), "mirror.yaml");
  writeFileSync(file, text);
  const outcome = await runOurs(["--insecure-policy", "sync", ...INSECURE, "--src", "yaml", file, ...words]);
  expect(outcome.stderr).not.toContain("level=error");
  expect(outcome.exitCode).toBe(0);
  const { repositories } = (await (await fetch(`${destination.url}/v2/_catalog`)).json()) as {
    repositories: string[];
  };
  const lists = await Promise.all(
    repositories.map(async (name) => {
      const { tags } = (await (await fetch(`${destination.url}/v2/${name}/tags/list`)).json()) as {
        tags: string[];
      };
      return tags.map((tag) => `${name}:${tag}`);
    }),
  );
  return lists.flat().sort();
}

test.skipIf(!hasPeers)("skopeo's file", async () => {
  const found = await run(skopeoFile.replaceAll("registry.example.org", source.host), [
    ...["--dest", "docker", `${destination.host}/one`],
  ]);
  expect(found).toEqual([
    ...["one/app:1", "one/app:2", "one/db:14", "one/db:15"],
    ...["one/tool:3.12", "one/tool:4.0.0", "one/web:1.20", "one/web:1.21"],
  ]);
});

test.skipIf(!hasPeers)("the short list", async () => {
  const text = shortFile.replace(/^(nginx|redis):/gm, `${source.host}/library/$1:`);
  const found = await run(text, ["--dest", "docker", `${destination.host}/two`]);
  expect(found.filter((name) => name.startsWith("two/"))).toEqual([
    ...["two/nginx:1.20", "two/nginx:latest", "two/redis:6.2", "two/redis:alpine"],
  ]);
});

test.skipIf(!hasPeers)("the mirror file", async () => {
  const text = mirrorFile
    .replaceAll("docker.io", source.host)
    .replaceAll("registry.example.com", destination.host);
  const found = await run(text);
  expect(found.filter((name) => /^(hub|backup)\//.test(name))).toEqual([
    ...["backup/redis:6.2-copy", "backup/redis:alpine-copy"],
    ...["hub/library/nginx:1.20", "hub/library/nginx:1.27.1", "hub/redis:6.2", "hub/redis:alpine"],
  ]);
});
