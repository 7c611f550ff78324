import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import {
  buildArtifact,
  buildImage,
  buildMultiArch,
  type TestImage,
  temporary,
  writeLayout,
} from "../support/images.ts";
import { findProgram, peerTest } from "../support/peers.ts";
import { fatalMessage, mustRun, type Outcome, runOurs, startOurs } from "../support/run.ts";
import { startServe } from "../support/serve.ts";
import { startSlowed } from "../support/slowed-registry.ts";
import { startWithoutMounts } from "../support/without-mounts.ts";

/** `sync` between real registries: what it copies, deletes, refuses and asks. */
const hasPeers = findProgram("docker-registry") !== undefined;
if (!hasPeers) console.error("LEFT OUT for want of docker-registry: sync between registries");

let source: DockerRegistry;
let destination: DockerRegistry;
let repositories = 0;

beforeAll(async () => {
  if (!hasPeers) return;
  [source, destination] = await Promise.all([startDockerRegistry(), startDockerRegistry()]);
});

afterAll(async () => {
  await Promise.all([source, destination].map((registry) => registry?.[Symbol.asyncDispose]()));
});

/** A repository of the source with these images, under a name of its own. */
async function repositoryWith(images: Readonly<Record<string, TestImage>>): Promise<string> {
  const name = `r${++repositories}/app`;
  await push(images, `${source.host}/${name}`);
  return name;
}

async function push(images: Readonly<Record<string, TestImage>>, repository: string): Promise<void> {
  const layout = writeLayout(images);
  for (const tag of Object.keys(images)) {
    const words = [
      "copy",
      "--all",
      "--dest-tls-verify=false",
      `oci:${layout}:${tag}`,
      `docker://${repository}:${tag}`,
    ];
    expect(await runOurs(["--insecure-policy", ...words])).toMatchObject({ exitCode: 0 });
  }
}

const INSECURE = ["--src-tls-verify=false", "--dest-tls-verify=false"];

async function sync(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  return await runOurs(["--insecure-policy", "sync", ...INSECURE, ...words], { env });
}

/** From a repository of the source to one of the same name. */
async function syncTo(name: string, flags: readonly string[] = []): Promise<Outcome> {
  const to = `${destination.host}/${name.replace(/\/app$/, "")}`;
  return await sync(["--src", "docker", "--dest", "docker", "--all", ...flags, `${source.host}/${name}`, to]);
}

async function tagsOf(registry: DockerRegistry, name: string): Promise<readonly string[]> {
  const response = await fetch(`${registry.url}/v2/${name}/tags/list`);
  return (((await response.json()) as { tags?: string[] }).tags ?? []).toSorted();
}

function bytesOf(image: TestImage): number {
  return [...image.blobs.values()].reduce((sum, bytes) => sum + bytes.length, 0);
}

describe.skipIf(!hasPeers)("a second run", () => {
  test("asks each side once for each tag, and lists the tags once", async () => {
    const images = Object.fromEntries(["a", "b", "c", "d"].map((seed) => [seed, buildImage({ seed })]));
    const name = await repositoryWith(images);
    expect(await syncTo(name)).toMatchObject({ exitCode: 0 });
    const before = [source.requests().length, destination.requests().length];
    const outcome = await syncTo(name);
    expect(outcome.stderr).toContain("0 added, 0 updated, 4 unchanged");
    const asked = source
      .requests()
      .slice(before[0])
      .filter(({ target }) => target !== "/v2/");
    expect(asked.map(({ method }) => method).sort()).toEqual(["GET", "HEAD", "HEAD", "HEAD", "HEAD"]);
    const told = destination
      .requests()
      .slice(before[1])
      .filter(({ target }) => target !== "/v2/");
    expect(told.map(({ method }) => method)).toEqual(["HEAD", "HEAD", "HEAD", "HEAD"]);
  });

  test("with a state asks only the source, and notices a tag that the destination lost", async () => {
    const name = await repositoryWith({ a: buildImage({ seed: "s1" }), b: buildImage({ seed: "s2" }) });
    const state = join(temporary("state"), "state.json");
    expect(await syncTo(name, ["--state", state])).toMatchObject({ exitCode: 0 });
    const before = destination.requests().length;
    expect((await syncTo(name, ["--state", state])).stderr).toContain("2 unchanged");
    const told = destination
      .requests()
      .slice(before)
      .filter(({ target }) => target !== "/v2/");
    expect(told.map(({ method, target }) => `${method} ${target}`)).toEqual([`GET /v2/${name}/tags/list`]);
    await runOurs(["delete", "--tls-verify=false", `docker://${destination.host}/${name}:a`]);
    expect((await syncTo(name, ["--state", state])).stderr).toContain("1 added, 0 updated, 1 unchanged");
    writeFileSync(state, "{damaged");
    const healed = await syncTo(name, ["--state", state]);
    expect(healed.exitCode).toBe(0);
    expect(healed.stderr).toContain("is made anew");
    expect(JSON.parse(readFileSync(state, "utf8")).version).toBe(1);
  });

  test("copies a tag that has moved, also with a state", async () => {
    const name = await repositoryWith({ a: buildImage({ seed: "old" }) });
    const state = join(temporary("state"), "state.json");
    await syncTo(name, ["--state", state]);
    const moved = buildImage({ seed: "new" });
    await push({ a: moved }, `${source.host}/${name}`);
    expect((await syncTo(name, ["--state", state])).stderr).toContain("0 added, 1 updated");
    const head = await fetch(`${destination.url}/v2/${name}/manifests/a`, {
      headers: { Accept: moved.top.mediaType },
    });
    expect(head.headers.get("docker-content-digest")).toBe(moved.top.digest);
  });
});

describe.skipIf(!hasPeers)("each unique blob leaves the source once", () => {
  for (const canMount of [true, false]) {
    test(`to many repositories of a registry that ${canMount ? "mounts" : "does not mount"}`, async () => {
      await using target = await startDockerRegistry();
      await using proxy = canMount ? undefined : await startWithoutMounts(target.host);
      await using origin = await startDockerRegistry();
      const image = buildImage({ seed: "shared", layers: [200_000, 5000, 30] });
      const names = Array.from({ length: 12 }, (_, i) => `team/app${i}`);
      for (const name of names) await push({ v1: image }, `${origin.host}/${name}`);
      const before = origin.requests().length;
      const to = proxy?.host ?? target.host;
      const sources = names.map((name) => `${origin.host}/${name}:v1`);
      const outcome = await sync(["--src", "docker", "--dest", "docker", ...sources, to]);
      expect(outcome).toMatchObject({ exitCode: 0 });
      const reads = origin
        .requests()
        .slice(before)
        .filter(({ method, target: path }) => method === "GET" && path.includes("/blobs/"));
      const digests = reads.map(({ target: path }) => path.split("/").at(-1));
      expect(digests).toHaveLength(4);
      expect(new Set(digests).size).toBe(4);
      for (let i = 0; i < 12; i++) expect(await tagsOf(target, `app${i}`)).toEqual(["v1"]);
      const crane = findProgram("crane");
      if (crane !== undefined)
        await mustRun([crane, "validate", "--remote", `${target.host}/app7:v1`, "--insecure"]);
    });
  }
});

describe.skipIf(!hasPeers)("a plan", () => {
  test("tells what differs, by its exit code too, and is done exactly", async () => {
    const image = buildImage({ seed: "planned", layers: [50_000] });
    const name = await repositoryWith({ a: image, b: buildImage({ seed: "other" }) });
    const file = join(temporary("plan"), "plan.json");
    const planned = await syncTo(name, ["--plan=json", "--plan-out", file]);
    expect(planned.exitCode).toBe(3);
    const plan = JSON.parse(planned.stdout);
    expect(plan.images.map(({ action }: { action: string }) => action)).toEqual(["add", "add"]);
    const imageA = plan.images.find(({ from }: { from: string }) => from.endsWith(":a"));
    expect(imageA.bytes).toBe(bytesOf(image) - (image.blobs.get(image.top.digest)?.length ?? 0));
    expect(await tagsOf(destination, name)).toEqual([]);
    expect(await sync(["--all", "--apply", file])).toMatchObject({ exitCode: 0 });
    expect(await tagsOf(destination, name)).toEqual(["a", "b"]);
    const again = await syncTo(name, ["--plan"]);
    expect(again).toMatchObject({ exitCode: 0 });
    expect(again.stdout).toContain("0 to add, 0 to update, 0 to delete, 2 unchanged");
  });

  test("of some platforms has nothing to do once it is done", async () => {
    const name = await repositoryWith({ a: buildMultiArch("some platforms") });
    const flags = ["--src", "docker", "--dest", "docker", "--multi-arch", "linux/amd64,linux/arm/v7"];
    const words = [...flags, `${source.host}/${name}`, `${destination.host}/${name.replace(/\/app$/, "")}`];
    expect(await sync(["--plan", ...words])).toMatchObject({ exitCode: 3 });
    expect(await sync(words)).toMatchObject({ exitCode: 0 });
    expect(await sync(["--plan", ...words])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining("1 unchanged"),
    });
  });

  test("is refused when a source has moved, and nothing is written", async () => {
    const name = await repositoryWith({ a: buildImage({ seed: "p1" }), b: buildImage({ seed: "p2" }) });
    const file = join(temporary("plan"), "plan.json");
    await syncTo(name, ["--plan", "--plan-out", file]);
    await push({ b: buildImage({ seed: "p3" }) }, `${source.host}/${name}`);
    const outcome = await sync(["--all", "--apply", file]);
    expect(outcome.exitCode).toBe(4);
    expect(fatalMessage(outcome)).toMatch(
      /nothing was changed, because the plan no longer fits: .*app:b was sha256:/,
    );
    expect(await tagsOf(destination, name)).toEqual([]);
  });

  test("that is no plan is refused", async () => {
    const file = join(temporary("plan"), "plan.json");
    writeFileSync(file, '{"version":1}');
    const outcome = await sync(["--apply", file]);
    expect(outcome.exitCode).toBe(1);
    expect(fatalMessage(outcome)).toContain(`${file} is no plan of sync`);
  });
});

describe.skipIf(!hasPeers)("pruning", () => {
  const image = (seed: string): TestImage => buildImage({ seed: `prune-${seed}` });

  test("deletes what the source lacks, and writes what it takes to restore it", async () => {
    const name = await repositoryWith({ a: image("a"), b: image("b"), c: image("c") });
    await syncTo(name);
    const gone = image("gone");
    await push({ old: gone }, `${destination.host}/${name}`);
    expect(await syncTo(name)).toMatchObject({ exitCode: 0 });
    expect(await tagsOf(destination, name)).toEqual(["a", "b", "c", "old"]);
    const list = join(temporary("restore"), "restore.json");
    const outcome = await syncTo(name, ["--prune", "--restore-list", list]);
    expect(outcome.exitCode).toBe(0);
    expect(await tagsOf(destination, name)).toEqual(["a", "b", "c"]);
    const [entry] = JSON.parse(readFileSync(list, "utf8")).deleted;
    expect(entry).toMatchObject({
      name: `docker://${destination.host}/${name}:old`,
      digest: gone.top.digest,
    });
    const manifest = Buffer.from(entry.manifest, "base64");
    const restored = await fetch(`${destination.url}/v2/${name}/manifests/old`, {
      method: "PUT",
      headers: { "Content-Type": entry.mediaType },
      body: new Uint8Array(manifest),
    });
    expect(restored.status).toBe(201);
  });

  test("never deletes a manifest that a kept tag or index needs", async () => {
    const multi = buildMultiArch("pruned");
    const name = await repositoryWith({ multi, a: image("same") });
    await syncTo(name);
    await push({ alias: image("same") }, `${destination.host}/${name}`);
    const children: { manifests: { digest: string }[] } = JSON.parse(
      String(multi.blobs.get(multi.top.digest)),
    );
    const child = children.manifests[0]?.digest ?? "";
    const response = await fetch(`${destination.url}/v2/${name}/manifests/${child}`, {
      headers: { Accept: "application/vnd.oci.image.manifest.v1+json" },
    });
    await fetch(`${destination.url}/v2/${name}/manifests/part`, {
      method: "PUT",
      headers: { "Content-Type": "application/vnd.oci.image.manifest.v1+json" },
      body: await response.arrayBuffer(),
    });
    const outcome = await syncTo(name, ["--prune", "--max-delete", "100%"]);
    expect(outcome.exitCode).toBe(0);
    expect(await tagsOf(destination, name)).toEqual(["a", "alias", "multi", "part"]);
    expect(outcome.stderr).toContain("multi needs it");
    expect(outcome.stderr).toContain("names the same manifest");
  });

  test("stops at its cap before anything is changed", async () => {
    const name = await repositoryWith({ a: image("cap") });
    await push({ x: image("x"), y: image("y"), z: image("z") }, `${destination.host}/${name}`);
    const outcome = await syncTo(name, ["--prune"]);
    expect(outcome.exitCode).toBe(4);
    expect(fatalMessage(outcome)).toContain(`3 of 3 tags of ${destination.host}/${name} would be deleted`);
    expect(await tagsOf(destination, name)).toEqual(["x", "y", "z"]);
    expect((await syncTo(name, ["--prune", "--max-delete", "2"])).exitCode).toBe(4);
    const allowed = await syncTo(name, ["--prune", "--max-delete", "3", "--protect", "x*"]);
    expect(allowed.exitCode).toBe(0);
    expect(await tagsOf(destination, name)).toEqual(["a", "x"]);
  });
});

describe.skipIf(!hasPeers)("what refers to an image", () => {
  peerTest(
    "goes along to a registry without the referrers API, signatures of signatures too",
    ["docker-registry", "oras"],
    async ([, oras = ""]) => {
      const image = buildImage({ seed: "signed" });
      const name = await repositoryWith({ v1: image });
      const attach = async (subject: string): Promise<string> => {
        const file = join(temporary("sbom"), "sbom.json");
        writeFileSync(file, JSON.stringify({ about: subject }));
        const target = `${source.host}/${name}@${subject}`;
        const words = [
          "attach",
          "--plain-http",
          "--distribution-spec",
          "v1.1-referrers-tag",
          "--artifact-type",
          "test/sbom",
        ];
        const told = await mustRun([
          oras,
          ...words,
          "--disable-path-validation",
          "--format",
          "json",
          target,
          `${file}:application/json`,
        ]);
        return JSON.parse(told).digest;
      };
      const sbom = await attach(image.top.digest);
      const signature = await attach(sbom);
      const report = join(temporary("closure"), "report.json");
      expect(await syncTo(name, ["--with-referrers", "--report", report])).toMatchObject({ exitCode: 0 });
      // The fall-back tags of the referrers are tags of the repository too, in whatever order the registry lists them.
      const { images }: { images: readonly { from: string; attached: unknown }[] } = JSON.parse(
        readFileSync(report, "utf8"),
      );
      expect(images.find(({ from }) => from.endsWith(":v1"))?.attached).toEqual([sbom, signature]);
      const discover = [
        "discover",
        "--plain-http",
        "--distribution-spec",
        "v1.1-referrers-tag",
        "--format",
        "json",
      ];
      const tree = await mustRun([oras, ...discover, `${destination.host}/${name}:v1`]);
      expect(tree).toContain(sbom);
      expect(tree).toContain(signature);
    },
  );

  test("under cosign's tags goes along, and nothing does that was not asked for", async () => {
    const image = buildImage({ seed: "cosigned" });
    const tag = `${image.top.digest.replace(":", "-")}.sig`;
    const name = await repositoryWith({ v1: image, [tag]: buildArtifact(image.top, "test/signature") });
    const one = `${source.host}/${name}:v1`;
    const to = `${destination.host}/${name.replace(/\/app$/, "")}`;
    await sync(["--src", "docker", "--dest", "docker", one, to]);
    expect(await tagsOf(destination, name)).toEqual(["v1"]);
    const outcome = await sync(["--src", "docker", "--dest", "docker", "--with-referrers", one, to]);
    expect(outcome).toMatchObject({ exitCode: 0 });
    expect(await tagsOf(destination, name)).toContain(tag);
  });
});

describe.skipIf(!hasPeers)("a run that meets failures", () => {
  test("goes on with --keep-going, reports each, and copies only those the next time", async () => {
    const name = await repositoryWith({ a: buildImage({ seed: "k1" }) });
    const folder = temporary("report");
    const files = ["report.json", "report.xml", "report.md"].map((file) => join(folder, file));
    const to = `${destination.host}/${name.replace(/\/app$/, "")}`;
    const words = [
      "--src",
      "docker",
      "--dest",
      "docker",
      "--keep-going",
      ...files.flatMap((file) => ["--report", file]),
    ];
    const sources = [`${source.host}/${name}:none`, `${source.host}/${name}:a`];
    const outcome = await sync([...words, ...sources, to]);
    expect(outcome.exitCode).toBe(1);
    expect(fatalMessage(outcome)).toBe(
      "Sync failed due to previous reported error(s) for one or more images",
    );
    const [json = "", xml = "", markdown = ""] = files.map((file) => readFileSync(file, "utf8"));
    expect(JSON.parse(json).totals).toMatchObject({ added: 1, failed: 1 });
    expect(xml).toContain('tests="2" failures="1"');
    expect(markdown).toContain("1 failed");
    await push({ none: buildImage({ seed: "late" }) }, `${source.host}/${name}`);
    const retried = await sync(["--retry-failed", files[0] ?? ""]);
    expect(retried.exitCode).toBe(0);
    expect(retried.stderr).toContain("1 added, 0 updated, 0 unchanged");
    expect(await tagsOf(destination, name)).toEqual(["a", "none"]);
  });

  test("refuses two sources for one name, and names that lead in a circle", async () => {
    const one = await repositoryWith({ a: buildImage({ seed: "c1" }) });
    const two = await repositoryWith({ a: buildImage({ seed: "c2" }) });
    const words = ["--src", "docker", "--dest", "docker"];
    const both = await sync([
      ...words,
      `${source.host}/${one}:a`,
      `${source.host}/${two}:a`,
      `${destination.host}/x`,
    ]);
    expect(both.exitCode).toBe(1);
    expect(fatalMessage(both)).toMatch(new RegExp(`${one}:a .* and .*${two}:a .* overlap: both write`));
    const circle = await sync([
      ...words,
      `${source.host}/${one}:a`,
      `${source.host}/${one.replace(/\/app$/, "")}`,
    ]);
    expect(circle.exitCode).toBe(1);
    expect(fatalMessage(circle)).toContain("overlap");
  });
});

describe.skipIf(!hasPeers)("shards", () => {
  test("copy all between them, and each image once", async () => {
    const images = Object.fromEntries(
      Array.from({ length: 9 }, (_, i) => [
        `t${i}`,
        buildImage({ seed: `shard${i}`, layers: [1000 * (i + 1)] }),
      ]),
    );
    const name = await repositoryWith(images);
    const counts: number[] = [];
    for (const index of [0, 1, 2]) {
      const to = `${destination.host}/shards`;
      const words = [
        "--src",
        "docker",
        "--dest",
        "docker",
        "--shard",
        "auto/3",
        `${source.host}/${name}`,
        to,
      ];
      expect(await sync(words, { JOB_COMPLETION_INDEX: `${index}` })).toMatchObject({ exitCode: 0 });
      counts.push((await tagsOf(destination, "shards/app")).length);
    }
    expect(counts[2]).toBe(9);
    expect(Math.min(counts[0] ?? 0, (counts[1] ?? 0) - (counts[0] ?? 0))).toBeGreaterThan(1);
  });

  test("of a plan copy all of it between them", async () => {
    const images = Object.fromEntries(
      Array.from({ length: 5 }, (_, i) => [
        `p${i}`,
        buildImage({ seed: `part${i}`, layers: [900 * (i + 1)] }),
      ]),
    );
    const name = await repositoryWith(images);
    const file = join(temporary("plan"), "plan.json");
    expect((await syncTo(name, ["--plan", "--plan-out", file])).exitCode).toBe(3);
    for (const shard of ["2/2", "1/2"]) {
      expect(await sync(["--all", "--apply", file, "--shard", shard])).toMatchObject({ exitCode: 0 });
    }
    expect(await tagsOf(destination, name)).toEqual(["p0", "p1", "p2", "p3", "p4"]);
  });
});

describe.skipIf(!hasPeers)("a run that was killed in the middle of a large blob", () => {
  test("goes on in a new process where the registry keeps the upload", async () => {
    const size = 96 * 1024 * 1024;
    const image = buildImage({ seed: "killed", layers: [size] });
    const name = await repositoryWith({ v1: image });
    await using target = await startServe();
    await using slow = await startSlowed(source.host, 60 * 1024 * 1024);
    const cache = temporary("cache");
    const words = ["sync", "--insecure-policy", ...INSECURE, "--src", "docker", "--dest", "docker"];
    const env = { XDG_CACHE_HOME: cache };
    const first = startOurs([...words, `${slow.host}/${name}:v1`, target.host], { env });
    await slow.halted;
    await Bun.sleep(300);
    first.kill("SIGKILL");
    await first.exited;
    const before = slow.sent();
    slow.release();
    const outcome = await runOurs([...words, `${slow.host}/${name}:v1`, target.host], { env });
    expect(outcome).toMatchObject({ exitCode: 0 });
    const total = bytesOf(image);
    expect(before).toBeGreaterThan(total * 0.4);
    expect(slow.sent()).toBeLessThan(total * 1.1);
    const back = join(temporary("back"), "image");
    const copy = ["copy", "--src-tls-verify=false", `docker://${target.host}/app:v1`, `dir:${back}`];
    expect(await runOurs(["--insecure-policy", ...copy])).toMatchObject({ exitCode: 0 });
  });
});

test.skipIf(!hasPeers)("one source goes to many registries, and each blob leaves it once", async () => {
  await using other = await startDockerRegistry();
  const name = await repositoryWith({ v1: buildImage({ seed: "two ways", layers: [70_000, 900] }) });
  const file = join(temporary("two"), "mirror.yaml");
  const to = [`${destination.host}/two-ways`, `${other.host}/two-ways`];
  writeFileSync(
    file,
    `version: 1\nmirrors:\n  - from: "${source.host}/${name}"\n    to: ${JSON.stringify(to)}\n    tags: [v1]\n`,
  );
  const before = source.requests().length;
  expect(await sync(["--src", "yaml", file])).toMatchObject({ exitCode: 0 });
  const reads = source
    .requests()
    .slice(before)
    .filter(({ method, target }) => method === "GET" && target.includes("/blobs/"));
  expect(reads).toHaveLength(3);
  expect([await tagsOf(destination, "two-ways"), await tagsOf(other, "two-ways")]).toEqual([["v1"], ["v1"]]);
});

describe.skipIf(!hasPeers)("pruning holds back", () => {
  const image = (seed: string): TestImage => buildImage({ seed: `careful-${seed}` });

  test("where a part of a file could not be understood or listed", async () => {
    const name = await repositoryWith({ a: image("a"), b: image("b") });
    const to = `${destination.host}/${name.replace(/\/app$/, "")}`;
    await syncTo(name);
    const file = join(temporary("careful"), "sync.yml");
    const texts = [
      `${source.host}:\n  images:\n    ${name}: [a]\n  images-by-tag-regex:\n    ${name}: "("\n`,
      `${source.host}:\n  images:\n    ${name}: [a]\n    nowhere: []\n`,
    ];
    for (const text of texts) {
      writeFileSync(file, text);
      const words = ["--src", "yaml", "--dest", "docker", "--prune", "--max-delete", "100%", file, to];
      const outcome = await sync(words);
      expect(outcome.stderr).toContain("Nothing is deleted, because not all of the sources are known");
      expect(await tagsOf(destination, name)).toEqual(["a", "b"]);
    }
  });

  test("where only what failed is copied again, or one image was named", async () => {
    const name = await repositoryWith({ a: image("c"), b: image("d") });
    const to = `${destination.host}/${name.replace(/\/app$/, "")}`;
    await syncTo(name);
    const report = join(temporary("careful"), "report.json");
    const failed = {
      from: `docker://${source.host}/${name}:a`,
      to: `docker://${to}/app:a`,
      outcome: "failed",
    };
    writeFileSync(report, JSON.stringify({ version: 1, images: [failed] }));
    const flags = ["--prune", "--max-delete", "100%"];
    expect(await sync(["--all", "--retry-failed", report, ...flags])).toMatchObject({ exitCode: 0 });
    const one = ["--src", "docker", "--dest", "docker", ...flags, `${source.host}/${name}:a`, to];
    expect(await sync(one)).toMatchObject({ exitCode: 0 });
    expect(await tagsOf(destination, name)).toEqual(["a", "b"]);
  });
});

test.skipIf(!hasPeers)("what a killed run has left of an image in a directory is written anew", async () => {
  const name = await repositoryWith({ v1: buildImage({ seed: "left behind" }) });
  const directory = temporary("left");
  const image = join(directory, "app:v1");
  mkdirSync(join(image, ".dir-put-image0123456789ab"), { recursive: true });
  const words = ["--src", "docker", "--dest", "dir", `${source.host}/${name}:v1`, directory];
  expect(await sync(words)).toMatchObject({ exitCode: 0 });
  expect(readdirSync(image).some((file) => file.startsWith(".dir-put-image"))).toBe(false);
  const again = await sync(words);
  expect(again.exitCode).toBe(1);
  expect(fatalMessage(again)).toBe(`Refusing to overwrite destination directory "${image}"`);
});
