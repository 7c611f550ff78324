import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { buildImage, checkLayoutBlobs, temporary, treeOf, writeDirectory } from "../support/images.ts";
import { findProgram } from "../support/peers.ts";
import { runOurs } from "../support/run.ts";
import { digestInRegistry } from "./kills.ts";
import { burden, copyOften, startServing } from "./load.ts";

/** Nothing is lost under load, and nothing is held for ever. More: scripts/endurance.ts. */
const CLIENTS = 200;
const COPIES = 300;
const hasRegistry = findProgram("docker-registry") !== undefined;

describe("serve under load", () => {
  for (const kind of ["memory", "oci"] as const) {
    test(`keeps every byte of ${CLIENTS} clients at once: ${kind}`, async () => {
      const directory = join(temporary("load"), "layout");
      await using served = await startServing(kind === "memory" ? ["--memory"] : [`oci:${directory}`]);
      expect(await burden(served.host, CLIENTS, 100_000)).toEqual([]);
      expect(served.peakMemory()).toBeLessThan(400);
      if (kind === "oci") expect(checkLayoutBlobs(directory)).toBeGreaterThan(CLIENTS * 3);
    });
  }
});

test.skipIf(!hasRegistry)("sync of 64 images at a time loses none", async () => {
  await using registry = await startDockerRegistry();
  const directory = temporary("many");
  const images = Array.from({ length: 64 }, (_, i) =>
    buildImage({ seed: `many-${i}`, layers: [50_000, 100] }),
  );
  for (const [i, image] of images.entries()) writeDirectory(image, join(directory, `many:v${i}`));
  const words = [
    "sync",
    "--dest-tls-verify=false",
    "--images-at-a-time",
    "64",
    "--src",
    "dir",
    "--dest",
    "docker",
  ];
  expect(await runOurs(["--insecure-policy", ...words, directory, registry.host])).toMatchObject({
    exitCode: 0,
  });
  const digests = await Promise.all(images.map((_, i) => digestInRegistry(registry.host, "many", `v${i}`)));
  expect(digests).toEqual(images.map(({ top }) => top.digest));
});

test.skipIf(!hasRegistry)("copy of 200 layers, 64 at a time, loses none", async () => {
  await using registry = await startDockerRegistry();
  const image = buildImage({ seed: "wide", layers: Array.from({ length: 200 }, (_, i) => 1000 + i) });
  const words = ["--insecure-policy", "copy", "--image-parallel-copies=64"];
  const there = `docker://${registry.host}/wide:1`;
  const directory = join(temporary("wide"), "back");
  const push = [...words, "--dest-tls-verify=false", `dir:${writeDirectory(image)}`, there];
  expect(await runOurs(push)).toMatchObject({ exitCode: 0 });
  expect(await runOurs([...words, "--src-tls-verify=false", there, `dir:${directory}`])).toMatchObject({
    exitCode: 0,
  });
  expect(treeOf(directory)).toEqual(treeOf(writeDirectory(image)));
});

test("many copies in one process leave nothing open", async () => {
  await using served = await startServing(["--memory"]);
  const { before, after } = await copyOften(served.host, COPIES);
  expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + 3);
  expect(after.sockets).toBeLessThanOrEqual(before.sockets + 3);
  expect(after.heap).toBeLessThan(before.heap + 30);
});
