import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type DockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import {
  buildArtifact,
  buildImage,
  buildMultiArch,
  type TestImage,
  writeDirectory,
  writeLayout,
} from "../support/images.ts";
import { findProgram, newestSkopeo } from "../support/peers.ts";
import { fatalMessage, mustRun, run, runOurs } from "../support/run.ts";

/** What `inspect` and `list-tags` print is compared with real skopeo to the byte, on images in a registry and on disk. */
const hasPeers =
  (newestSkopeo?.version.startsWith("1.22.") ?? false) && findProgram("docker-registry") !== undefined;
if (!hasPeers)
  console.error(
    "LEFT OUT for want of skopeo 1.22, docker-registry: output of inspect compared with real skopeo",
  );

const images: Readonly<Record<string, TestImage>> = {
  oci: buildImage({ seed: "oci", labels: { z: "last", a: "<first> & ä" } }),
  docker: buildImage({
    seed: "docker",
    format: "docker",
    config: { docker_version: "20.10.1", author: "me" },
  }),
  bare: buildImage({ seed: "bare", layers: [10], config: { created: undefined, config: {} } }),
  multi: buildMultiArch("multi"),
  "multi-docker": buildMultiArch("multi", "docker"),
  artifact: buildArtifact(buildImage().top, "application/vnd.example.note"),
};
const flagSets: readonly (readonly string[])[] = [
  [],
  ["--no-tags"],
  ["--raw"],
  ["--config"],
  ["--config", "--raw"],
  ["--override-arch=arm64", "--override-os=linux"],
  ["--override-arch=arm", "--override-variant=v7", "--config"],
  ["--override-arch=s390x"],
  ["--format", "{{.Name}} {{.Digest}} {{range .Layers}}{{println .}}{{end}}"],
  ["--format", "{{json .}}"],
  ["--format", "{{.Nope}}"],
  ["--format", "before {{.Os}} {{.Nope}} behind"],
  ["--config", "--format", "{{.Architecture}} {{len .RootFS.DiffIDs}}"],
];

let registry: DockerRegistry;
const places = new Map<string, string>();

beforeAll(async () => {
  if (!hasPeers) return;
  registry = await startDockerRegistry();
  for (const [name, image] of Object.entries(images)) {
    const isDocker = image.top.mediaType.includes("docker");
    const local = isDocker ? `dir:${writeDirectory(image)}` : `oci:${writeLayout({ latest: image })}:latest`;
    places.set(`${name} on disk`, local);
    for (const tag of ["v1", "v2"]) {
      const words = ["--insecure-policy", "copy", "--all", "--dest-tls-verify=false", local];
      await mustRun([newestSkopeo?.path ?? "", ...words, `docker://${registry.host}/${name}:${tag}`]);
    }
    places.set(`${name} in a registry`, `docker://${registry.host}/${name}:v1`);
  }
});

afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
});

describe("inspect prints what real skopeo prints", () => {
  for (const name of Object.keys(images)) {
    for (const place of ["on disk", "in a registry"]) {
      for (const flags of flagSets) {
        test.skipIf(!hasPeers)(`${name} ${place} ${flags.join(" ")}`, async () => {
          const words = ["inspect", "--tls-verify=false", ...flags, places.get(`${name} ${place}`) ?? ""];
          const [theirs, ours] = [await run([newestSkopeo?.path ?? "", ...words]), await runOurs(words)];
          expect({ stdout: ours.stdout, exitCode: ours.exitCode }).toEqual({
            stdout: theirs.stdout,
            exitCode: theirs.exitCode,
          });
          if (theirs.exitCode !== 0) expect(fatalMessage(ours)).toStartWith(fatalMessage(theirs));
        });
      }
    }
  }
});

test.skipIf(!hasPeers)("list-tags prints what real skopeo prints", async () => {
  const words = ["list-tags", "--tls-verify=false", `docker://${registry.host}/oci`];
  const [theirs, ours] = [await run([newestSkopeo?.path ?? "", ...words]), await runOurs(words)];
  expect(ours).toMatchObject({ exitCode: 0, stdout: theirs.stdout });
});
