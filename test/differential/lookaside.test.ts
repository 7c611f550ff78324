import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import { buildImage, temporary, treeOf, writeLayout } from "../support/images.ts";
import { peerPath } from "../support/peers.ts";
import { fatalMessage, mustRun, type Outcome, runOurs, runReal } from "../support/run.ts";

/** Signatures that real skopeo made are found, kept and removed where real skopeo has them: in lookasides of registries.d. */
const hasPeers = ["skopeo 1.16", "docker-registry", "gpg"].map(peerPath).every((path) => path !== undefined);
if (!hasPeers) console.error("LEFT OUT for want of skopeo, docker-registry, gpg: signatures in lookasides");

let registry: DockerRegistry;
let signed: string;
let gnupg: string;

beforeAll(async () => {
  if (!hasPeers) return;
  registry = await startDockerRegistry();
  // Paths of the agent's sockets must be short.
  gnupg = mkdtempSync("/tmp/g");
  const env = { GNUPGHOME: gnupg };
  const quickly = [
    "--batch",
    "--passphrase",
    "",
    "--quick-gen-key",
    "tests@example.com",
    "ed25519",
    "sign",
    "never",
  ];
  await mustRun(["gpg", ...quickly], { env });
  signed = join(temporary("signed"), "image");
  const layout = writeLayout({ v1: buildImage({ seed: "signed" }) });
  const first = `docker://${registry.host}/first:1`;
  const lookaside = registriesD(temporary("first-lookaside"));
  const sign = [
    "--registries.d",
    lookaside,
    "copy",
    "--dest-tls-verify=false",
    "--sign-by",
    "tests@example.com",
  ];
  expect(await runReal([...sign, `oci:${layout}:v1`, first], { env })).toMatchObject({ exitCode: 0 });
  const fetch = ["--registries.d", lookaside, "copy", "--src-tls-verify=false", first, `dir:${signed}`];
  expect(await runReal(fetch)).toMatchObject({ exitCode: 0 });
});

afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
  if (gnupg === undefined) return;
  await runQuietly(["gpgconf", "--homedir", gnupg, "--kill", "gpg-agent"]);
  rmSync(gnupg, { recursive: true, force: true });
});

async function runQuietly(command: readonly string[]): Promise<void> {
  await mustRun(command).catch(() => undefined);
}

/** A registries.d directory that keeps all signatures in `place`, a directory or URL. */
function registriesD(place: string, writing?: string): string {
  const directory = temporary("registries-d");
  const url = place.startsWith("/") ? `file://${place}` : place;
  const staging = writing === undefined ? "" : `  lookaside-staging: ${writing}\n`;
  writeFileSync(join(directory, "all.yaml"), `default-docker:\n  lookaside: ${url}\n${staging}`);
  return directory;
}

async function ours(configuration: string, words: readonly string[]): Promise<Outcome> {
  return await runOurs(["--insecure-policy", "--registries.d", configuration, ...words]);
}

describe.skipIf(!hasPeers)("signatures in a lookaside", () => {
  test("go with an image to a registry and back, byte for byte as with real skopeo", async () => {
    const stores: unknown[] = [];
    for (const tool of [
      ours,
      (configuration: string, words: readonly string[]) =>
        runReal(["--registries.d", configuration, ...words]),
    ]) {
      const place = temporary("lookaside");
      const configuration = registriesD(place);
      const image = `docker://${registry.host}/same:1`;
      const up = await tool(configuration, ["copy", "--dest-tls-verify=false", `dir:${signed}`, image]);
      expect(up).toMatchObject({ exitCode: 0 });
      const back = join(temporary("back"), "image");
      const down = await tool(configuration, ["copy", "--src-tls-verify=false", image, `dir:${back}`]);
      expect(down).toMatchObject({ exitCode: 0 });
      expect(treeOf(back)).toEqual(treeOf(signed));
      stores.push(treeOf(place));
    }
    expect(stores[0]).toEqual(stores[1]);
    expect(Object.keys(stores[0] as object).join()).toMatch(/same@sha256=[0-9a-f]{64}\/signature-1/);
  });

  test("are left out with --remove-signatures, and refused where they cannot be kept", async () => {
    const configuration = registriesD(temporary("lookaside"));
    const image = `docker://${registry.host}/kept:1`;
    await ours(configuration, ["copy", "--dest-tls-verify=false", `dir:${signed}`, image]);
    const back = join(temporary("back"), "image");
    const without = ["copy", "--remove-signatures", "--src-tls-verify=false", image, `dir:${back}`];
    expect(await ours(configuration, without)).toMatchObject({ exitCode: 0 });
    expect(Object.keys(treeOf(back)).some((name) => name.startsWith("signature"))).toBe(false);
    const refused = await ours(configuration, [
      "copy",
      "--src-tls-verify=false",
      image,
      `oci:${join(temporary("oci"), "layout")}:1`,
    ]);
    expect(refused.exitCode).toBe(1);
    expect(fatalMessage(refused)).toContain("Pushing signatures for OCI images is not supported");
  });

  test("are read over HTTP, and never written there", async () => {
    const place = temporary("lookaside");
    const image = `docker://${registry.host}/web:1`;
    await ours(registriesD(place), ["copy", "--dest-tls-verify=false", `dir:${signed}`, image]);
    using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: async (request) => {
        const file = Bun.file(join(place, decodeURIComponent(new URL(request.url).pathname)));
        return (await file.exists()) ? new Response(file) : new Response("", { status: 404 });
      },
    });
    const web = registriesD(`http://127.0.0.1:${server.port}`);
    const back = join(temporary("back"), "image");
    expect(await ours(web, ["copy", "--src-tls-verify=false", image, `dir:${back}`])).toMatchObject({
      exitCode: 0,
    });
    expect(readFileSync(join(back, "signature-1"))).toEqual(readFileSync(join(signed, "signature-1")));
    const words = ["copy", "--dest-tls-verify=false", `dir:${signed}`, image];
    const mine = await ours(web, words);
    const theirs = await runReal(["--registries.d", web, ...words]);
    expect([mine.exitCode, theirs.exitCode]).toEqual([1, 1]);
    expect(fatalMessage(mine)).toContain("Configure a lookaside-staging: location");
    expect(fatalMessage(theirs)).toContain("Configure a lookaside-staging: location");
  });

  test("are deleted with their image", async () => {
    const place = temporary("lookaside");
    const configuration = registriesD(place);
    const image = `docker://${registry.host}/gone:1`;
    await ours(configuration, ["copy", "--dest-tls-verify=false", `dir:${signed}`, image]);
    expect(Object.keys(treeOf(place)).join()).toContain("signature-1");
    expect(await ours(configuration, ["delete", "--tls-verify=false", image])).toMatchObject({ exitCode: 0 });
    expect(Object.keys(treeOf(place)).join()).not.toContain("signature-1");
  });
});
