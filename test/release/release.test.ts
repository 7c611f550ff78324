import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { VERSION } from "../../src/version.ts";
import { type DockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import { sha256, temporary } from "../support/images.ts";
import { type NpmRegistry, runNpm, startNpmRegistry } from "../support/npm-registry.ts";
import { findProgram } from "../support/peers.ts";
import { mustRun, type Outcome, run, runOurs } from "../support/run.ts";
import { testDebian } from "./debian.ts";
import { testInstallScript } from "./install-script.ts";
import { serveRelease } from "./served-release.ts";

const REPOSITORY = join(import.meta.dir, "..", "..");
const NODE = join(REPOSITORY, "node_modules", ".bin", "node");
const Provenance = v.object({
  subject: v.array(v.object({ name: v.string(), digest: v.object({ sha256: v.string() }) })),
  predicate: v.object({
    buildDefinition: v.object({
      resolvedDependencies: v.array(v.looseObject({ digest: v.record(v.string(), v.string()) })),
    }),
  }),
});

const release = join(temporary("release"), "out");
const served = serveRelease(release, VERSION);
const hasRegistry = findProgram("docker-registry") !== undefined;
if (!hasRegistry) console.error("LEFT OUT for want of docker-registry: a release pushes its image");
let images: DockerRegistry | undefined;
let told: string;
beforeAll(async () => {
  images = hasRegistry ? await startDockerRegistry() : undefined;
  const home = temporary("home");
  mkdirSync(join(home, ".config", "containers"), { recursive: true });
  const plain = join(home, ".config", "containers", "registries.conf");
  writeFileSync(plain, `[[registry]]\nlocation = "${images?.host ?? "localhost"}"\ninsecure = true\n`);
  const push = images === undefined ? [] : ["--push", `docker://${images.host}/skopeo:latest`];
  const words = ["--out", release, "--targets", "linux-x64", "--url", served.url, ...push];
  told = await mustRun([process.execPath, "scripts/release.ts", ...words], {
    cwd: REPOSITORY,
    timeout: 170_000,
    env: { HOME: home },
  });
}, 180_000);
afterAll(async () => {
  served[Symbol.dispose]();
  await images?.[Symbol.asyncDispose]();
  rmSync(release, { recursive: true, force: true });
});

describe("a release", () => {
  test("has checksums that sha256sum confirms, for all files", async () => {
    await mustRun(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], { cwd: release });
    const listed = readFileSync(join(release, "SHA256SUMS"), "utf8").trimEnd().split("\n");
    const files = readdirSync(release, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    // Two files cannot hold their own checksums: SHA256SUMS and the provenance, which holds those of all others.
    expect(listed.length).toBe(files.length - 2);
  });

  test("says what its files were made from", async () => {
    const { subject, predicate } = v.parse(
      Provenance,
      JSON.parse(readFileSync(join(release, "provenance.json"), "utf8")),
    );
    for (const { name, digest } of subject)
      expect(`sha256:${digest.sha256}`).toBe(sha256(readFileSync(join(release, name))));
    const revision = (await mustRun(["git", "rev-parse", "HEAD"], { cwd: REPOSITORY })).trim();
    expect(predicate.buildDefinition.resolvedDependencies[0]?.digest).toEqual({ gitCommit: revision });
    expect(predicate.buildDefinition.resolvedDependencies.length).toBeGreaterThan(100);
  });

  test("tells how to publish it, and does not", () => {
    expect(told).toContain("npm publish --access public");
  });

  test("lists sizes, and what it left out", () => {
    expect(told).toMatch(/ MB {2}archives\/skopeo-.*-linux-x64\.tar\.gz/);
    expect(told).toMatch(/ MB {2}debian\/skopeo-ts_.*_amd64\.deb/);
    expect(told).toContain("left out, for want of some binaries: homebrew/skopeo.rb");
  });

  test.skipIf(!hasRegistry)("has pushed its image where it was told to", async () => {
    const digest = /pushed docker:\/\/\S+, (sha256:\w+)/.exec(told)?.[1];
    const words = ["inspect", "--no-tags", "--tls-verify=false", "--format", "{{.Digest}}"];
    const { stdout } = await runOurs([...words, `docker://${images?.host}/skopeo:latest`]);
    expect(stdout.trim()).toBe(digest ?? "");
  });

  test("is refused for a system that nobody knows", async () => {
    const outcome = await run([process.execPath, "scripts/release.ts", "--targets", "plan9"], {
      cwd: REPOSITORY,
    });
    expect(outcome).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("unknown targets: plan9; known are linux-x64"),
    });
  });
});

testDebian(release);
testInstallScript(release, () => served);

describe("an installed package", () => {
  let registry: NpmRegistry;
  beforeAll(async () => {
    registry = startNpmRegistry();
    const published = [...told.matchAll(/npm publish --access public (\S+)/g)].map((match) => match[1] ?? "");
    expect(published).toHaveLength(2);
    for (const tarball of published)
      await runNpm(["publish", "--access", "public", ...registry.flags, tarball], {
        timeout: 60_000,
      });
  }, 120_000);
  afterAll(() => registry[Symbol.dispose]());

  async function install(...flags: readonly string[]): Promise<string> {
    const folder = temporary("installed");
    writeFileSync(join(folder, "package.json"), '{"private":true,"type":"module"}');
    await runNpm(["install", ...registry.flags, ...flags, "skopeo-ts"], {
      cwd: folder,
      timeout: 60_000,
    });
    return folder;
  }

  test("starts the binary itself, and through npx", async () => {
    const folder = await install();
    const command = join(folder, "node_modules", ".bin", "skopeo");
    expect(lstatSync(join(folder, "node_modules", "skopeo-ts", "bin", "skopeo")).size).toBeGreaterThan(
      50_000_000,
    );
    expect(await mustRun([command, "--version"])).toStartWith("skopeo version ");
    expect(await mustRun(["npx", "skopeo", "--version"], { cwd: folder })).toStartWith("skopeo version ");
  }, 120_000);

  test("starts the binary by its launcher, where install scripts may not run, and Node where there is no binary", async () => {
    const folder = await install("--ignore-scripts");
    const launcher = join(folder, "node_modules", "skopeo-ts", "bin", "skopeo");
    expect(lstatSync(launcher).size).toBeLessThan(10_000);
    const missing = [NODE, launcher, "inspect", "oci:/nonexistent:x"];
    const byBinary = withoutTime(await run(missing));
    expect(byBinary.exitCode).toBe(1);
    expect(byBinary.stderr).toContain("level=fatal");
    rmSync(join(folder, "node_modules", "@skopeo-ts"), { recursive: true });
    expect(withoutTime(await run(missing))).toEqual(byBinary);
  }, 120_000);
});

function withoutTime(outcome: Outcome): Outcome {
  return { ...outcome, stderr: outcome.stderr.replace(/time="[^"]*"/, "") };
}
