import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type DockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import { startFaultyRegistry } from "../support/faulty-registry.ts";
import { buildArtifact, buildImage, type TestImage, temporary, writeLayout } from "../support/images.ts";
import { startLossy } from "../support/lossy-registry.ts";
import { findProgram } from "../support/peers.ts";
import { fatalMessage, type Outcome, runOurs } from "../support/run.ts";

/** What goes wrong on the way: nothing is lost, and what could not be done is told. */
const hasPeers = findProgram("docker-registry") !== undefined;
if (!hasPeers) console.error("LEFT OUT for want of docker-registry: sync under hardship");

const TAGS = Array.from({ length: 12 }, (_, i) => `v${i}`);
let source: DockerRegistry;

beforeAll(async () => {
  if (!hasPeers) return;
  source = await startDockerRegistry();
  await push(
    Object.fromEntries(TAGS.map((tag) => [tag, buildImage({ seed: tag, layers: [90_000, 500] })])),
    "app",
  );
});

afterAll(async () => await source?.[Symbol.asyncDispose]());

async function push(images: Readonly<Record<string, TestImage>>, repository: string): Promise<void> {
  const layout = writeLayout(images);
  for (const tag of Object.keys(images)) {
    const to = `docker://${source.host}/${repository}:${tag}`;
    const outcome = await runOurs([
      "--insecure-policy",
      "copy",
      "--dest-tls-verify=false",
      `oci:${layout}:${tag}`,
      to,
    ]);
    expect(outcome.exitCode).toBe(0);
  }
}

async function sync(from: string, to: string, flags: readonly string[] = []): Promise<Outcome> {
  const words = [
    "sync",
    "--src-tls-verify=false",
    "--dest-tls-verify=false",
    "--src",
    "docker",
    "--dest",
    "docker",
  ];
  return await runOurs(["--insecure-policy", ...words, ...flags, from, to]);
}

/** Every tag, read back whole through our own verification. */
async function expectWhole(registry: DockerRegistry, name: string): Promise<void> {
  const directory = join(temporary("whole"), "images");
  const words = [
    "sync",
    "--src-tls-verify=false",
    "--src",
    "docker",
    "--dest",
    "dir",
    `${registry.host}/${name}`,
  ];
  const outcome = await runOurs(["--insecure-policy", ...words, directory]);
  expect(outcome.exitCode).toBe(0);
  expect(outcome.stderr).toContain(`Synced ${TAGS.length} images`);
}

describe.skipIf(!hasPeers)("sync", () => {
  for (const seed of [1, 7, 42]) {
    test(`over links that break: seed ${seed}`, async () => {
      await using destination = await startDockerRegistry();
      await using from = await startLossy(source.host, 4, seed);
      await using to = await startLossy(destination.host, 4, seed + 1);
      const outcome = await sync(`${from.host}/app`, to.host, [
        "--retry-times",
        "4",
        "--retry-delay",
        "100ms",
      ]);
      expect(outcome).toMatchObject({ exitCode: 0 });
      expect(from.cuts() + to.cuts()).toBeGreaterThan(0);
      await expectWhole(destination, "app");
    });
  }

  test("to a registry that is down for a while", async () => {
    await using destination = await startDockerRegistry();
    await using to = await startLossy(destination.host, 1e9, 1);
    const down = to.fail(1500);
    const outcome = await sync(`${source.host}/app`, to.host, [
      "--retry-times",
      "5",
      "--retry-delay",
      "600ms",
    ]);
    await down;
    expect(outcome).toMatchObject({ exitCode: 0 });
    await expectWhole(destination, "app");
  });

  test("twice at once into one place", async () => {
    await using destination = await startDockerRegistry();
    const outcomes = await Promise.all([1, 2].map(() => sync(`${source.host}/app`, destination.host)));
    expect(outcomes).toMatchObject([{ exitCode: 0 }, { exitCode: 0 }]);
    await expectWhole(destination, "app");
  });

  test("to a registry that takes nothing: each image is told, and the first ends the run", async () => {
    await using destination = await startDockerRegistry({ isReadOnly: true });
    const first = await sync(`${source.host}/app`, destination.host);
    expect(first.exitCode).toBe(1);
    expect(fatalMessage(first)).toMatch(/Error copying ref "docker:\/\/.*app:v\d+": /);
    const all = await sync(`${source.host}/app`, destination.host, ["--keep-going"]);
    expect(all.exitCode).toBe(1);
    expect(all.stderr.split("\n").filter((line) => line.includes("level=error"))).toHaveLength(TAGS.length);
  });

  test("from a repository that only has what refers to others", async () => {
    const image = buildImage({ seed: "subject" });
    await push({ signature: buildArtifact(image.top, "test/signature") }, "lonely");
    await using destination = await startDockerRegistry();
    expect(await sync(`${source.host}/lonely`, destination.host, ["--all"])).toMatchObject({ exitCode: 0 });
  });

  test("from a repository without tags", async () => {
    const content = { manifest: Buffer.alloc(0), mediaType: "", blobs: new Map() };
    await using empty = await startFaultyRegistry(content, (request, response) => {
      const isList = request.url?.endsWith("/tags/list") ?? false;
      if (isList) response.end('{"name":"app","tags":null}');
      return isList;
    });
    const outcome = await sync(`${empty.host}/app`, "127.0.0.1:1");
    expect(outcome.exitCode).toBe(1);
    expect(fatalMessage(outcome)).toBe(`No images to sync found in "${empty.host}/app"`);
  });

  test("of a tag that vanishes between plan and copy is refused as a whole", async () => {
    await push({ gone: buildImage({ seed: "gone" }), stays: buildImage({ seed: "stays" }) }, "vanishing");
    await using destination = await startDockerRegistry();
    const plan = join(temporary("plan"), "plan.json");
    expect((await sync(`${source.host}/vanishing`, destination.host, ["--plan-out", plan])).exitCode).toBe(3);
    await runOurs(["delete", "--tls-verify=false", `docker://${source.host}/vanishing:gone`]);
    const words = ["sync", "--src-tls-verify=false", "--dest-tls-verify=false", "--apply", plan];
    const outcome = await runOurs(["--insecure-policy", ...words]);
    expect(outcome.exitCode).toBe(4);
    expect(fatalMessage(outcome)).toContain("vanishing:gone");
  });

  test("that meets a registry which throttles asks less, and ends well", async () => {
    const image = buildImage({ seed: "throttled" });
    const manifest = image.blobs.get(image.top.digest) ?? Buffer.alloc(0);
    let running = 0;
    await using throttled = await startFaultyRegistry(
      { manifest, mediaType: image.top.mediaType, blobs: image.blobs },
      async (request, response) => {
        if (request.url?.endsWith("/tags/list")) {
          response.end(JSON.stringify({ tags: Array.from({ length: 24 }, (_, i) => `t${i}`) }));
          return true;
        }
        if (running >= 4) {
          response.writeHead(429, { "Retry-After": "1" }).end();
          return true;
        }
        running++;
        response.on("close", () => running--);
        await Bun.sleep(10);
        return false;
      },
    );
    await using destination = await startDockerRegistry();
    const outcome = await sync(`${throttled.host}/app`, destination.host);
    expect(outcome).toMatchObject({ exitCode: 0 });
    expect(outcome.stderr).toContain("asks to wait 1s");
    expect(outcome.stderr).toContain("24 added");
  });
});
