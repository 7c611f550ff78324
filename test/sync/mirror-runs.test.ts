import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import { buildArtifact, buildImage, buildMultiArch, type TestImage, temporary } from "../support/images.ts";
import { findProgram } from "../support/peers.ts";
import { fatalMessage, type Outcome, runOurs, startOurs } from "../support/run.ts";

/** What a mirror file asks for between real registries: planned, applied, repeated and pruned. */
const hasPeers = findProgram("docker-registry") !== undefined;
if (!hasPeers) console.error("LEFT OUT for want of docker-registry: runs of mirror files");

let source: DockerRegistry;
let destination: DockerRegistry;

beforeAll(async () => {
  if (!hasPeers) return;
  [source, destination] = await Promise.all([startDockerRegistry(), startDockerRegistry()]);
});

afterAll(async () => {
  await Promise.all([source, destination].map((registry) => registry?.[Symbol.asyncDispose]()));
});

/** Writes an image, by the distribution protocol itself, under a tag or, without one, its digest. */
async function push(registry: DockerRegistry, name: string, image: TestImage, tag?: string): Promise<void> {
  const put = async (path: string, type: string, body: Buffer): Promise<void> => {
    const response = await fetch(new URL(path, registry.url), {
      method: "PUT",
      headers: { "Content-Type": type },
      body: new Uint8Array(body),
    });
    expect(response.status).toBe(201);
  };
  const manifests = [...image.blobs].flatMap(([digest, bytes]) => {
    const type = bytes[0] === 0x7b ? (JSON.parse(String(bytes)).mediaType as string | undefined) : undefined;
    return type === undefined ? [] : [{ digest, bytes, type }];
  });
  for (const [digest, bytes] of image.blobs) {
    if (manifests.some((manifest) => manifest.digest === digest)) continue;
    const begun = await fetch(`${registry.url}/v2/${name}/blobs/uploads/`, { method: "POST" });
    const place = new URL(begun.headers.get("location") ?? "", registry.url);
    place.searchParams.set("digest", digest);
    await put(place.href, "application/octet-stream", bytes);
  }
  for (const { digest, bytes, type } of manifests) {
    const reference = digest === image.top.digest ? (tag ?? digest) : digest;
    await put(`/v2/${name}/manifests/${reference}`, type, bytes);
  }
}

async function tagsOf(registry: DockerRegistry, name: string): Promise<readonly string[]> {
  const response = await fetch(`${registry.url}/v2/${name}/tags/list`);
  return (((await response.json()) as { tags?: string[] }).tags ?? []).toSorted();
}

/** A mirror file for one repository of the source, with more lines for its entry. */
function mirrorFile(name: string, lines: readonly string[] = []): string {
  const file = join(temporary("mirror"), "mirror.yaml");
  const insecure = [source, destination].map(({ host }) => `  ${host}: { tls-verify: false }`);
  const entry = [`  - from: ${source.host}/${name}`, `    to: ${destination.host}/${name}`];
  const text = ["version: 1", "registries:", ...insecure, "mirrors:", ...entry];
  writeFileSync(file, `${[...text, ...lines.map((line) => `    ${line}`)].join("\n")}\n`);
  return file;
}

async function sync(words: readonly string[]): Promise<Outcome> {
  return await runOurs(["--insecure-policy", "sync", ...words]);
}

async function mirror(file: string, flags: readonly string[] = []): Promise<Outcome> {
  return await sync(["--src", "yaml", ...flags, file]);
}

describe.skipIf(!hasPeers)("pruning keeps", () => {
  test("what a kept tag is about, and what is about something that is about a kept image", async () => {
    const kept = buildImage({ seed: "kept" });
    const old = buildImage({ seed: "old" });
    const sbom = buildArtifact(old.top, "test/sbom");
    const untagged = buildArtifact(kept.top, "test/sbom");
    await push(source, "subjects", kept, "v2");
    for (const [tag, image] of [
      ["v1", old],
      ["sbom-v1", sbom],
      [undefined, untagged],
      ["signature", buildArtifact(untagged.top, "test/signature")],
      ["nobodys", buildImage({ seed: "nobodys" })],
    ] as const)
      await push(destination, "subjects", image, tag);
    const file = mirrorFile("subjects", ["protect: sbom-*"]);
    const outcome = await mirror(file, ["--prune", "--max-delete", "100%"]);
    expect(outcome).toMatchObject({ exitCode: 0 });
    expect(await tagsOf(destination, "subjects")).toEqual(["sbom-v1", "signature", "v1", "v2"]);
    expect(outcome.stderr).toContain("sbom-v1 is about it");
  });

  test("all tags of a repository of which one entry wants nothing deleted", async () => {
    await push(source, "spared", buildImage({ seed: "spared" }), "v1");
    await push(destination, "spared", buildImage({ seed: "extra" }), "extra");
    const file = mirrorFile("spared", ["prune: true"]);
    const other = `{ from: ${source.host}/spared:v1, to: "${destination.host}/spared:v2", prune: false }`;
    const text = readFileSync(file, "utf8");
    writeFileSync(file, `${text}  - ${other}\n`);
    expect(await mirror(file, ["--max-delete", "100%"])).toMatchObject({ exitCode: 0 });
    expect(await tagsOf(destination, "spared")).toEqual(["extra", "v1", "v2"]);
  });

  test("in its plan the parts of an index that is still to come", async () => {
    await push(source, "coming", buildMultiArch("coming"), "v1");
    const part = buildImage({ seed: "coming/amd64", architecture: "amd64" });
    await push(destination, "coming", part, "part");
    const outcome = await mirror(mirrorFile("coming"), ["--prune", "--max-delete", "100%", "--plan"]);
    expect(outcome.exitCode).toBe(3);
    expect(outcome.stdout).toContain("1 to add, 0 to update, 0 to delete");
  });

  test("the images of an index that is mirrored by its digest", async () => {
    const multi = buildMultiArch("by-digest");
    const part = buildImage({ seed: "by-digest/amd64", architecture: "amd64" });
    await push(source, "digests", multi, "v1");
    await push(destination, "digests", part, "part");
    await push(destination, "digests", multi, "alias");
    const file = mirrorFile("digests", [`tags: ["${multi.top.digest}"]`, "prune: true"]);
    expect(await mirror(file, ["--max-delete", "100%"])).toMatchObject({ exitCode: 0 });
    expect(await tagsOf(destination, "digests")).toEqual(["alias", "part"]);
  });
});

describe.skipIf(!hasPeers)("a plan, and a report,", () => {
  test("are carried out alone as the file would be", async () => {
    const multi = buildMultiArch("alone");
    const { top } = buildImage({ seed: "alone/amd64", architecture: "amd64" });
    const signature = `${top.digest.replace(":", "-")}.sig`;
    await push(source, "alone", multi, "v1");
    await push(source, "alone", buildArtifact(top, "test/note"), signature);
    const lines = ["platforms: [linux/amd64, linux/arm64]", "referrers: false", "cosign-tags: true"];
    const directory = temporary("alone");
    const [plan, report] = [join(directory, "plan.json"), join(directory, "report.json")];
    expect((await mirror(mirrorFile("alone", lines), ["--plan-out", plan])).exitCode).toBe(3);
    expect(await sync(["--apply", plan])).toMatchObject({ exitCode: 0 });
    expect(await platformsOf(destination, "alone")).toEqual(["amd64", "arm64"]);
    expect(await tagsOf(destination, "alone")).toEqual([signature, "v1"]);
    const nothing = await mirror(mirrorFile("alone", lines), ["--plan"]);
    expect(nothing.exitCode).toBe(0);
    expect(nothing.stdout).toContain("0 to add, 0 to update, 0 to delete, 1 unchanged");

    await using readOnly = await startDockerRegistry({ isReadOnly: true });
    const failing = mirrorFile("alone", lines);
    const text = readFileSync(failing, "utf8").replaceAll(destination.host, readOnly.host);
    writeFileSync(failing, text);
    expect((await mirror(failing, ["--report", report])).exitCode).toBe(1);
    const elsewhere = readFileSync(report, "utf8").replaceAll(
      `${readOnly.host}/alone`,
      `${destination.host}/again`,
    );
    writeFileSync(report, elsewhere);
    expect(await sync(["--retry-failed", report])).toMatchObject({ exitCode: 0 });
    expect(await platformsOf(destination, "again")).toEqual(["amd64", "arm64"]);
    expect(await tagsOf(destination, "again")).toEqual([signature, "v1"]);
  });

  test("are refused where the file asks for something else by now", async () => {
    await push(source, "renamed", buildImage({ seed: "renamed" }), "v1");
    const plan = join(temporary("renamed"), "plan.json");
    const file = mirrorFile("renamed");
    expect((await mirror(file, ["--plan-out", plan])).exitCode).toBe(3);
    writeFileSync(file, readFileSync(file, "utf8").replace(/(to: .*\/renamed)/, "$1/elsewhere"));
    const outcome = await mirror(file, ["--apply", plan]);
    expect(outcome.exitCode).toBe(4);
    expect(fatalMessage(outcome)).toMatch(
      /the plan no longer fits: .*renamed:v1 is not to go to .*\/renamed:v1/,
    );
    expect(await tagsOf(destination, "renamed")).toEqual([]);
  });
});

async function platformsOf(registry: DockerRegistry, name: string): Promise<readonly string[]> {
  const response = await fetch(`${registry.url}/v2/${name}/manifests/v1`, {
    headers: { Accept: "application/vnd.oci.image.index.v1+json" },
  });
  const index = (await response.json()) as { manifests?: { platform: { architecture: string } }[] };
  return (index.manifests ?? []).map(({ platform }) => platform.architecture);
}

describe.skipIf(!hasPeers)("with a state", () => {
  test("nobody is asked about a tag that never moves, nor about what belongs to it", async () => {
    const image = buildImage({ seed: "immutable" });
    const signature = `${image.top.digest.replace(":", "-")}.sig`;
    await push(source, "immutable", image, "1.0.0");
    await push(source, "immutable", buildArtifact(image.top, "test/note"), signature);
    const file = mirrorFile("immutable", ["tags: [1.0.0]", "immutable: true"]);
    const flags = ["--state", join(temporary("state"), "state.json")];
    expect(await mirror(file, flags)).toMatchObject({ exitCode: 0 });
    expect(await tagsOf(destination, "immutable")).toEqual(["1.0.0", signature]);
    const before = source.requests().length;
    const outcome = await mirror(file, flags);
    expect(outcome.stderr).toContain("1 unchanged; 0 B moved");
    expect(source.requests().slice(before)).toEqual([]);
  });
});

describe.skipIf(!hasPeers)("what cannot be found out", () => {
  test("of a destination is no difference in a plan, but a failure", async () => {
    await push(source, "unknown", buildImage({ seed: "unknown" }), "v1");
    const file = mirrorFile("unknown");
    writeFileSync(file, readFileSync(file, "utf8").replaceAll(destination.host, "127.0.0.1:1"));
    const outcome = await mirror(file, ["--plan=json"]);
    expect(outcome.exitCode).toBe(1);
    expect(JSON.parse(outcome.stdout).images).toMatchObject([{ action: "failed" }]);
    expect(fatalMessage(outcome)).toContain("1 images cannot be compared");
  });

  test("of a source makes no parts, for they would be other parts than those of others", async () => {
    await push(source, "parts", buildImage({ seed: "parts" }), "v1");
    const file = mirrorFile("parts");
    const more = [`  - { from: "127.0.0.1:1/app", to: ${destination.host}/parts-more`, "tags: [v1] }"];
    writeFileSync(file, `${readFileSync(file, "utf8")}${more.join(", ")}\n`);
    const outcome = await mirror(file, ["--shard", "1/1", "--keep-going"]);
    expect(outcome.exitCode).toBe(1);
    expect(fatalMessage(outcome)).toContain("finding the parts of --shard: ");
    expect(await tagsOf(destination, "parts")).toEqual([]);
  });
});

describe.skipIf(!hasPeers)("a report", () => {
  test("names the repositories that could not be listed, in each of its forms", async () => {
    await push(source, "reported", buildImage({ seed: "reported" }), "v1");
    const file = mirrorFile("reported");
    writeFileSync(
      file,
      `${readFileSync(file, "utf8")}  - { from: ${source.host}/nowhere, to: ${destination.host}/nowhere }\n`,
    );
    const directory = temporary("reports");
    const reports = ["json", "xml", "md"].map((ending) => join(directory, `report.${ending}`));
    const flags = reports.flatMap((report) => ["--report", report]);
    expect((await mirror(file, ["--keep-going", ...flags])).exitCode).toBe(1);
    const [json = "", xml, markdown] = reports.map((report) => readFileSync(report, "utf8"));
    expect(JSON.parse(json)).toMatchObject({
      totals: { added: 1, failed: 0, skipped: 0 },
      problems: [{ from: `${source.host}/nowhere`, place: `${file}:8` }],
    });
    expect(xml).toContain('tests="2" failures="1"');
    expect(markdown).toContain("### skopeo sync: 1 failed");
    expect((await mirror(file, ["--keep-going", "--plan"])).exitCode).toBe(1);
    expect((await mirror(file, ["--keep-going", "--retry-failed", reports[0] ?? ""])).exitCode).toBe(1);
    await push(source, "nowhere", buildImage({ seed: "nowhere" }), "v1");
    expect((await mirror(file, ["--retry-failed", reports[0] ?? ""])).stderr).toContain(
      "1 added, 0 updated, 0 unch",
    );
    const nowhere = await mirror(file, ["--report", join(directory, "missing", "report.json")]);
    expect(fatalMessage(nowhere)).toContain("there is no directory");
  });

  test("of a run that was ended holds what was done until then", async () => {
    await push(source, "ended", buildImage({ seed: "ended" }), "v1");
    using silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
    const file = mirrorFile("ended", ["tags: [v1]"]);
    const second = `{ from: "127.0.0.1:${silent.port}/app", to: ${destination.host}/never, tags: [v1] }`;
    writeFileSync(file, `${readFileSync(file, "utf8")}  - ${second}\n`);
    const report = join(temporary("ended"), "report.json");
    const words = ["--insecure-policy", "sync", "--src", "yaml", "--report", report, file];
    const run = startOurs(words);
    while ((await tagsOf(destination, "ended")).length === 0) await Bun.sleep(20);
    await Bun.sleep(200);
    run.kill("SIGINT");
    expect(await run.exited).not.toBe(0);
    expect(JSON.parse(readFileSync(report, "utf8")).totals).toMatchObject({
      ...{ added: 1, failed: 0, skipped: 1 },
    });
    const retried = readFileSync(report, "utf8").replaceAll(
      `127.0.0.1:${silent.port}/app`,
      `${source.host}/ended`,
    );
    writeFileSync(report, retried);
    const flags = ["--src-tls-verify=false", "--retry-failed", report];
    expect((await sync(flags)).stderr).toContain("1 added, 0 updated, 0 unchanged");
    expect(await tagsOf(destination, "never")).toEqual(["v1"]);
  });
});

/** Lists an artifact under the tag that stands in for the referrers API. Distribution spec 1.1, "Referrers Tag Schema". */
async function refer(name: string, subject: TestImage, artifact: TestImage): Promise<void> {
  await push(source, name, artifact);
  const mediaType = "application/vnd.oci.image.index.v1+json";
  const response = await fetch(`${source.url}/v2/${name}/manifests/${subject.top.digest.replace(":", "-")}`, {
    method: "PUT",
    headers: { "Content-Type": mediaType },
    body: JSON.stringify({ schemaVersion: 2, mediaType, manifests: [artifact.top] }),
  });
  expect(response.status).toBe(201);
}

describe.skipIf(!hasPeers)("what belongs to an image", () => {
  test("is not asked for again and again where no tag can belong to any", async () => {
    for (const tag of ["a", "b", "c"]) await push(source, "unsigned", buildImage({ seed: tag }), tag);
    const file = mirrorFile("unsigned");
    expect(await mirror(file)).toMatchObject({ exitCode: 0 });
    const before = [source, destination].map((registry) => registry.requests().length);
    expect(await mirror(file, ["--images-at-a-time", "1"])).toMatchObject({ exitCode: 0 });
    const [asked = [], told = []] = [source, destination].map((registry, index) =>
      registry
        .requests()
        .slice(before[index])
        .filter(({ target }) => target !== "/v2/")
        .map(({ method }) => method)
        .toSorted(),
    );
    // The list of tags, each tag, and once whether there is a referrers API.
    expect(asked).toEqual(["GET", "GET", "HEAD", "HEAD", "HEAD", "HEAD"]);
    expect(told).toEqual(["GET", "HEAD", "HEAD", "HEAD"]);
  });

  test("is a difference where it is missing, and comes with the plan however long its chain is", async () => {
    const image = buildImage({ seed: "signed later" });
    await push(source, "later", image, "v1");
    const file = mirrorFile("later");
    expect(await mirror(file)).toMatchObject({ exitCode: 0 });
    const chain = [image];
    for (let i = 0; i < 6; i++) chain.push(buildArtifact(chain[i]?.top ?? image.top, `test/level-${i}`));
    for (const [i, artifact] of chain.slice(1).entries()) await refer("later", chain[i] ?? image, artifact);
    const signature = `${image.top.digest.replace(":", "-")}.sig`;
    await push(source, "later", buildArtifact(image.top, "test/cosign"), signature);

    const plan = join(temporary("later"), "plan.json");
    const missing = [...chain.slice(1).map(({ top }) => top.digest), signature];
    expect(await mirror(file, ["--plan", "--plan-out", plan])).toMatchObject({
      exitCode: 3,
      stdout: expect.stringContaining(`lacks ${missing.join(", ")}`),
    });
    expect(await sync(["--apply", plan])).toMatchObject({ exitCode: 0 });
    expect(await mirror(file, ["--plan"])).toMatchObject({ exitCode: 0 });
    const last = await fetch(`${destination.url}/v2/later/manifests/${missing.at(-2)}`, {
      headers: { Accept: "application/vnd.oci.image.manifest.v1+json" },
    });
    expect(last.status).toBe(200);
  });
});

test.skipIf(!hasPeers)("the newest by date are found among artifacts that say nothing of it", async () => {
  const image = (seed: string, created: string): TestImage => buildImage({ seed, config: { created } });
  await push(source, "dated", image("older", "2024-01-01T00:00:00Z"), "older");
  await push(source, "dated", image("newer", "2024-02-01T00:00:00Z"), "newer");
  const config = Buffer.from("no JSON at all");
  const digest = `sha256:${new Bun.CryptoHasher("sha256").update(config).digest("hex")}`;
  const artifact = buildArtifact(image("older", "2024-01-01T00:00:00Z").top, "test/opaque");
  const text = String(artifact.blobs.get(artifact.top.digest));
  const manifest = JSON.parse(text);
  manifest.config = { mediaType: "text/x+json", digest, size: config.length };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const top = {
    ...artifact.top,
    digest: `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`,
  };
  await push(
    source,
    "dated",
    { top, blobs: new Map([...artifact.blobs, [digest, config], [top.digest, bytes]]) },
    "opaque",
  );
  const file = mirrorFile("dated", ["tags: { newest: 1, newest-by: created }", "referrers: false"]);
  expect(await mirror(file)).toMatchObject({ exitCode: 0 });
  expect(await tagsOf(destination, "dated")).toEqual(["newer"]);
});

test.skipIf(!hasPeers)("with --keep-going, the other sources of a command line are copied", async () => {
  await push(source, "several", buildImage({ seed: "several" }), "v1");
  const flags = ["--src-tls-verify=false", "--dest-tls-verify=false", "--src", "docker", "--dest", "docker"];
  const names = ["several", "missing"].map((name) => `${source.host}/${name}`);
  const outcome = await sync([...flags, "--keep-going", ...names, destination.host]);
  expect(outcome.exitCode).toBe(1);
  expect(outcome.stderr).toContain(`repository tags for repo ${source.host}/missing`);
  expect(await tagsOf(destination, "several")).toEqual(["v1"]);
  expect((await sync([...flags, ...names, `${destination.host}/none`])).exitCode).toBe(1);
  expect(await tagsOf(destination, "none/several")).toEqual([]);
});

describe.skipIf(!hasPeers)("refused is", () => {
  test("one name for two selections of platforms", async () => {
    const file = mirrorFile("twice", ["tags: [v1]", "platforms: linux/amd64"]);
    const other = `{ from: ${source.host}/twice, to: ${destination.host}/twice, tags: [v1] }`;
    writeFileSync(file, `${readFileSync(file, "utf8")}  - ${other}\n`);
    const outcome = await mirror(file);
    expect(fatalMessage(outcome)).toContain(`both write docker://${destination.host}/twice:v1`);
  });

  test("a plan that would delete too much, which is not written down either", async () => {
    await push(source, "capped", buildImage({ seed: "capped" }), "v1");
    await push(destination, "capped", buildImage({ seed: "more" }), "more");
    const plan = join(temporary("capped"), "plan.json");
    const outcome = await mirror(mirrorFile("capped"), ["--prune", "--plan-out", plan]);
    expect(outcome.exitCode).toBe(4);
    expect(outcome.stdout).toContain("1 to delete");
    expect(existsSync(plan)).toBe(false);
  });
});

test.skipIf(!hasPeers)("a directory of a mirror file is kept as it is, and follows the source", async () => {
  await push(source, "carried", buildImage({ seed: "carried" }), "v1");
  const file = mirrorFile("carried");
  const directory = temporary("carried");
  const to = `dir:${directory}/{{name}}:{{tag}}`;
  writeFileSync(file, readFileSync(file, "utf8").replace(/to: .*/, `to: "${to}"`));
  expect((await mirror(file)).stderr).toContain("1 added, 0 updated, 0 unchanged");
  expect((await mirror(file)).stderr).toContain("0 added, 0 updated, 1 unchanged; 0 B moved");
  expect(await mirror(file, ["--plan"])).toMatchObject({ exitCode: 0 });
  const moved = buildImage({ seed: "moved", layers: [300] });
  await push(source, "carried", moved, "v1");
  expect((await mirror(file)).stderr).toContain("0 added, 1 updated, 0 unchanged");
  const digests = [...moved.blobs.keys()].filter((digest) => digest !== moved.top.digest);
  const files = [...digests.map((digest) => digest.replace("sha256:", "")), "manifest.json", "version"];
  expect(readdirSync(join(directory, "carried:v1")).toSorted()).toEqual(files.toSorted());
});

test.skipIf(!hasPeers)(
  "what one destination does not give back is read from the source for the next",
  async () => {
    await push(source, "given", buildImage({ seed: "given" }), "v1");
    using writeOnly = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      async fetch(request) {
        const { pathname, search } = new URL(request.url);
        if (request.method === "GET" && pathname.includes("/blobs/"))
          return new Response("", { status: 403 });
        const { method, headers } = request;
        const body = ["PUT", "POST", "PATCH"].includes(method) ? await request.arrayBuffer() : null;
        return await fetch(`${destination.url}${pathname}${search}`, {
          method,
          headers,
          body,
          redirect: "manual",
        });
      },
    });
    const file = mirrorFile("given");
    const first = `127.0.0.1:${writeOnly.port}`;
    const text = readFileSync(file, "utf8")
      .replace("mirrors:", `  ${first}: { tls-verify: false }\nmirrors:`)
      .replace(/to: (.*)/, `to: ["${first}/given-first", "$1"]`);
    writeFileSync(file, text);
    const outcome = await mirror(file, ["--images-at-a-time", "1"]);
    expect(outcome).toMatchObject({ exitCode: 0 });
    expect(await tagsOf(destination, "given")).toEqual(["v1"]);
  },
);

test("flags that contradict each other, and a part that is not told, are refused", async () => {
  const refused = async (
    words: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<string> => {
    const outcome = await runOurs(["sync", ...words], { env });
    expect(outcome.exitCode).toBe(1);
    return fatalMessage(outcome);
  };
  const messages = await Promise.all([
    refused(["--apply", "plan.json", "--dry-run"]),
    refused(["--apply", "plan.json", "--retry-failed", "report.json"]),
    refused(["--src", "yaml", "--dry-run", "--plan", "mirror.yaml"]),
    refused(["--src", "yaml", "--shard", "auto/2", "mirror.yaml"], { JOB_COMPLETION_INDEX: "" }),
    refused(["--src", "yaml", "--shard", "auto/2", "mirror.yaml"], { JOB_COMPLETION_INDEX: "2" }),
  ]);
  expect(messages).toEqual([
    "--apply and --dry-run cannot be used together",
    "--apply and --retry-failed cannot be used together",
    "--dry-run and --plan cannot be used together",
    "--shard=auto/N takes its part, a number from 0, from $JOB_COMPLETION_INDEX, which is not set",
    "there is no part 3 of 2: $JOB_COMPLETION_INDEX counts from 0",
  ]);
});

test.skipIf(!hasPeers)("a plan that deletes is refused when a tag has moved that it deletes", async () => {
  const tags = ["v1", "v2", "v3"];
  for (const tag of tags) await push(source, "moving", buildImage({ seed: tag }), tag);
  const file = mirrorFile("moving");
  expect(await mirror(file)).toMatchObject({ exitCode: 0 });
  await push(destination, "moving", buildImage({ seed: "going" }), "going");
  const plan = join(temporary("moving"), "plan.json");
  expect((await mirror(file, ["--prune", "--plan-out", plan])).exitCode).toBe(3);
  await push(destination, "moving", buildImage({ seed: "moved" }), "going");
  const refused = await sync(["--apply", plan]);
  expect(refused.exitCode).toBe(4);
  expect(fatalMessage(refused)).toMatch(/the plan no longer fits: .*moving:going was sha256:/);
  await push(destination, "moving", buildImage({ seed: "going" }), "going");
  expect(await sync(["--apply", plan])).toMatchObject({ exitCode: 0 });
  expect(await tagsOf(destination, "moving")).toEqual(tags);
});
