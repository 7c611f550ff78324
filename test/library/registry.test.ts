import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { rawManifest } from "../../src/entries/formats.ts";
import { MemoryStore, startRegistry } from "../../src/entries/serve.ts";
import {
  collect,
  computeDigest,
  type Digest,
  ImageEnvironment,
  ImageError,
  parseDigest,
  Registry,
  RegistryError,
} from "../../src/index.ts";
import { createAuthority } from "../support/certificates.ts";
import { type DockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import { buildArtifact, buildImage, type TestImage } from "../support/images.ts";
import { findProgram, peerTest } from "../support/peers.ts";
import { mustRun } from "../support/run.ts";

const PLAIN = { access: { tlsVerify: false } };

async function* streamOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function push(
  registry: Registry,
  repository: string,
  { top, blobs }: TestImage,
  tag: string,
): Promise<void> {
  for (const [digest, bytes] of blobs) {
    if (digest === top.digest) continue;
    await registry.writeBlob(repository, streamOf(bytes), {
      digest: parseDigest(digest),
      size: bytes.length,
    });
  }
  const manifest = rawManifest(blobs.get(top.digest) ?? Buffer.alloc(0), top.mediaType);
  await registry.writeManifest(repository, tag, manifest);
}

async function registries(check: (registry: Registry, host: string) => Promise<void>): Promise<void> {
  await using served = await startRegistry({ store: new MemoryStore() });
  await check(new Registry(served.address, PLAIN), served.address);
  if (findProgram("docker-registry") === undefined) return;
  await using real: DockerRegistry = await startDockerRegistry({ allowsDelete: true });
  await check(new Registry(real.host, PLAIN), real.host);
}

describe("a registry, request by request", () => {
  const image = buildImage({ seed: "requests", layers: [5000, 10] });
  const digests = [...image.blobs.keys()].filter((digest) => digest !== image.top.digest).map(parseDigest);

  test("takes and gives blobs, parts of them, and manifests", async () => {
    await registries(async (registry) => {
      await registry.ping();
      await push(registry, "app", image, "1");
      expect(await Array.fromAsync(registry.listRepositories())).toEqual(["app"]);
      expect(await Array.fromAsync(registry.listTags("app"))).toEqual(["1"]);
      expect(await registry.findManifest("app", "1")).toBe(parseDigest(image.top.digest));
      expect(await registry.findManifest("app", "2")).toBeUndefined();
      expect((await registry.readManifest("app", "1")).digest).toBe(parseDigest(image.top.digest));
      for (const digest of digests) {
        const bytes = image.blobs.get(digest) ?? Buffer.alloc(0);
        expect(await registry.findBlob("app", digest)).toBe(bytes.length);
        await using whole = await registry.openBlob("app", { digest });
        expect(await collect(whole.bytes, 1e6, "blob")).toEqual(new Uint8Array(bytes));
        await using part = await registry.openBlob("app", { digest }, { offset: 3, length: 4 });
        expect(await collect(part.bytes, 1e6, "blob")).toEqual(new Uint8Array(bytes.subarray(3, 7)));
      }
      await registry.deleteManifest("app", parseDigest(image.top.digest));
      expect(await registry.findManifest("app", "1")).toBeUndefined();
    });
  });

  test("computes the digest of a blob that comes without one, and mounts it elsewhere", async () => {
    await registries(async (registry) => {
      const bytes = new TextEncoder().encode("of unknown length");
      const stored = await registry.writeBlob("one", streamOf(bytes));
      expect(stored).toEqual({ digest: computeDigest(bytes), size: bytes.length });
      expect(await registry.mountBlob("two", stored.digest, "one")).toBe(true);
      expect(await registry.findBlob("two", stored.digest)).toBe(bytes.length);
      expect(await registry.mountBlob("two", computeDigest(new Uint8Array(3)), "one")).toBe(false);
    });
  });

  test("stores nothing that has not the digest it should have", async () => {
    await registries(async (registry) => {
      const digest = computeDigest(new TextEncoder().encode("expected"));
      const writing = registry.writeBlob("app", streamOf(new TextEncoder().encode("surprise")), {
        digest,
        size: 8,
      });
      expect(await writing.catch((error) => (error instanceof ImageError ? error.code : error))).toBe(
        "DIGEST_MISMATCH",
      );
      expect(await registry.findBlob("app", digest)).toBeUndefined();
    });
  });

  test("lists what refers to an image, with the referrers API and without", async () => {
    await registries(async (registry) => {
      await push(registry, "app", image, "1");
      const note = buildArtifact(image.top, "text/x-note");
      const subject: Digest = parseDigest(image.top.digest);
      for (const [digest, bytes] of note.blobs)
        if (digest !== note.top.digest) await registry.writeBlob("app", streamOf(bytes));
      const manifest = rawManifest(note.blobs.get(note.top.digest) ?? Buffer.alloc(0), note.top.mediaType);
      await registry.writeReferrer("app", subject, manifest, { artifactType: "text/x-note" });
      expect(await registry.listReferrers("app", subject)).toMatchObject([
        { digest: parseDigest(note.top.digest), artifactType: "text/x-note" },
      ]);
    });
  });

  test("tells what the registry has answered", async () => {
    await registries(async (registry) => {
      const failure = await registry.readManifest("none", "1").catch((error: unknown) => error);
      if (!(failure instanceof ImageError)) throw failure;
      expect(failure.code).toBe("NOT_FOUND");
      let cause: unknown = failure;
      while (cause instanceof Error && !(cause instanceof RegistryError)) cause = cause.cause;
      expect(cause).toMatchObject({ status: 404 });
    });
  });
});

peerTest("what a program gives is used: credentials and certificates", ["docker-registry"], async () => {
  const authority = await createAuthority();
  await using registry = await startDockerRegistry({
    tls: await authority.issue("server"),
    user: { name: "me", password: "injected-9f3" },
  });
  const asked: unknown[] = [];
  const environment = new ImageEnvironment({
    certificates: () => ({ authorities: [readFileSync(authority.certificate, "utf8")] }),
    credentials: (target) => {
      asked.push(target);
      return { username: "me", password: "injected-9f3" };
    },
  });
  await new Registry(registry.host, { environment }).ping();
  expect(asked).toEqual([{ registry: registry.host, repository: undefined }]);
  const code = (options: object): Promise<string> =>
    new Registry(registry.host, options).ping().then(
      () => "let in",
      (error) => error.code,
    );
  expect(await code({ environment: new ImageEnvironment({ certificates: () => undefined }) })).toBe(
    "NETWORK_FAILURE",
  );
  const stranger = new ImageEnvironment({
    certificates: () => ({ authorities: [readFileSync(authority.certificate, "utf8")] }),
    credentials: () => undefined,
  });
  expect(await code({ environment: stranger })).toBe("UNAUTHORIZED");
});

test("all requests go through the fetch that a program gives", async () => {
  await using served = await startRegistry({ store: new MemoryStore() });
  const seen: string[] = [];
  const environment = new ImageEnvironment({
    fetch: async (url, init) => {
      seen.push(`${init.method} ${new URL(url).host}`);
      return await fetch(url.replace("registry.test", served.address), init as RequestInit);
    },
  });
  const registry = new Registry("registry.test", { environment, access: { tlsVerify: false } });
  const image = buildImage({ seed: "fetched", layers: [3_000_000] });
  await push(registry, "app", image, "1");
  expect((await registry.readManifest("app", "1")).digest).toBe(parseDigest(image.top.digest));
  expect(seen.length).toBeGreaterThan(5);
  expect(seen.every((line) => line.endsWith("registry.test"))).toBe(true);
});

peerTest("tokens expire by the clock that a program gives", ["docker-registry"], async () => {
  const { startTokenServer } = await import("../support/token-server.ts");
  const authority = await createAuthority();
  const user = { name: "me", password: "clock-7a" };
  await using tokens = await startTokenServer(authority, user);
  await using registry = await startDockerRegistry({ token: tokens.configuration });
  let now = Date.now();
  const environment = new ImageEnvironment({
    clock: () => now,
    credentials: () => ({ username: user.name, password: user.password }),
  });
  const client = new Registry(registry.host, { environment, access: { tlsVerify: false } });
  await push(client, "app", buildImage({ seed: "clock" }), "1");
  const before = tokens.asked.length;
  await client.findManifest("app", "1");
  const between = tokens.asked.length;
  await client.findManifest("app", "1");
  expect(tokens.asked.length).toBe(between);
  now += 10 * 60_000;
  await client.findManifest("app", "1");
  expect(tokens.asked.length).toBe(between + 1);
  expect(between).toBeGreaterThanOrEqual(before);
});

peerTest("what is written is what crane reads", ["docker-registry", "crane"], async ([, crane = ""]) => {
  await using registry = await startDockerRegistry();
  const image = buildImage({ seed: "crane" });
  await push(new Registry(registry.host, PLAIN), "app", image, "1");
  await mustRun([crane, "validate", "--insecure", "--remote", `${registry.host}/app:1`]);
  expect((await mustRun([crane, "digest", "--insecure", `${registry.host}/app:1`])).trim()).toBe(
    image.top.digest,
  );
});
