import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { streamOf } from "../../src/core/byte-stream.ts";
import { computeDigest, type Digest, parseDigest } from "../../src/core/digest.ts";
import { findCause } from "../../src/core/errors.ts";
import { ImageNotFoundError } from "../../src/core/not-found.ts";
import { rawManifest } from "../../src/format/manifest.ts";
import { BlobUploader } from "../../src/registry/blob-upload.ts";
import { RegistryConnection } from "../../src/registry/connection.ts";
import { RegistryClient } from "../../src/registry/registry-client.ts";
import { createHttpClient, type HttpClient } from "../../src/runtime/http.ts";
import { MemoryStore } from "../../src/serve/memory-store.ts";
import { type RegistryServer, startRegistry } from "../../src/serve/registry-server.ts";
import { startFaultyRegistry } from "../support/faulty-registry.ts";
import { buildArtifact, buildImage, type TestImage } from "../support/images.ts";

let server: RegistryServer;
let client: RegistryClient;
let uploader: BlobUploader;

async function connect(host: string, client?: HttpClient): Promise<RegistryConnection> {
  const http = client ?? (await createHttpClient());
  return new RegistryConnection({
    registry: host,
    client: http,
    probeClient: http,
    userAgent: "test",
    allowHttp: true,
    credentials: async () => undefined,
  });
}

beforeAll(async () => {
  server = await startRegistry({ store: new MemoryStore() });
  const connection = await connect(server.address);
  client = new RegistryClient(connection);
  uploader = new BlobUploader(connection, "app");
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

/** Pushes an image by the client's own methods. */
async function push(image: TestImage, tag: string): Promise<Digest> {
  for (const [digest, bytes] of image.blobs) {
    if (digest === image.top.digest) continue;
    await uploader.upload(streamOf(bytes), { digest: parseDigest(digest), size: bytes.length });
  }
  const manifest = rawManifest(image.blobs.get(image.top.digest) ?? Buffer.alloc(0), image.top.mediaType);
  await client.writeManifest("app", tag, manifest);
  return manifest.digest;
}

test("a manifest is found, read by tag and by digest, and gone when it is deleted", async () => {
  const digest = await push(buildImage({ seed: "life" }), "life");
  expect(await client.findManifest("app", "life")).toBe(digest);
  expect((await client.readManifest("app", digest)).digest).toBe(digest);
  await client.deleteManifest("app", digest);
  expect(await client.findManifest("app", "life")).toBeUndefined();
  const failure = await client.readManifest("app", "life").catch((error: unknown) => error);
  expect(findCause(failure, ImageNotFoundError)).toBeDefined();
});

test("a blob whose digest is not known before goes up in chunks and gets its name", async () => {
  const bytes = Buffer.from("found out on the way");
  const stored = await uploader.upload(streamOf(bytes), {});
  expect(stored).toEqual({ digest: computeDigest(bytes), size: bytes.length });
  expect(await client.findBlob("app", stored.digest)).toBe(bytes.length);
});

test("a blob is mounted from another repository, and one that is nowhere is not", async () => {
  const bytes = Buffer.from("next door");
  const { digest } = await uploader.upload(streamOf(bytes), {
    digest: computeDigest(bytes),
    size: bytes.length,
  });
  const other = new BlobUploader(client.connection, "other");
  expect(await other.mount(digest, "app")).toBe(true);
  expect(await client.findBlob("other", digest)).toBe(bytes.length);
  expect(await other.mount(computeDigest(Buffer.from("nowhere")), "app")).toBe(false);
});

test("all pages of tags and repositories are read", async () => {
  const image = buildImage({ seed: "pages" });
  for (let i = 0; i < 5; i++) await push(image, `page-${i}`);
  const tags = await Array.fromAsync(client.listTags("app"));
  expect(tags.filter((tag) => tag.startsWith("page-"))).toEqual([
    "page-0",
    "page-1",
    "page-2",
    "page-3",
    "page-4",
  ]);
  expect(await Array.fromAsync(client.listRepositories())).toContain("app");
});

describe("referrers", () => {
  test("are listed by the registry's own API", async () => {
    const subject = buildImage({ seed: "subject" });
    const digest = await push(subject, "subject");
    const note = buildArtifact(subject.top, "application/vnd.example.note");
    await push(note, "note");
    const referrers = await client.listReferrers("app", digest);
    expect(referrers.map((entry) => [entry.digest, entry.artifactType])).toEqual([
      [note.top.digest as Digest, "application/vnd.example.note"],
    ]);
  });

  test("are found under the fall-back tag where there is no such API", async () => {
    const subject = buildImage({ seed: "subject" });
    const note = buildArtifact(subject.top, "application/vnd.example.note");
    const mediaType = "application/vnd.oci.image.index.v1+json";
    const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests: [note.top] }));
    await using registry = await startFaultyRegistry(
      { manifest: index, mediaType, blobs: new Map() },
      (request, response) => {
        const isUnknown = request.url?.includes("/referrers/") ?? false;
        if (isUnknown) response.writeHead(404).end("404 page not found");
        return isUnknown;
      },
    );
    const old = new RegistryClient(await connect(registry.host));
    const referrers = await old.listReferrers("app", parseDigest(subject.top.digest));
    expect(referrers.map(({ digest }) => String(digest))).toEqual([note.top.digest]);
    expect(registry.requests.at(-1)).toBe(`GET /v2/app/manifests/${subject.top.digest.replace(":", "-")}`);
  });
});

describe("a list of tags", () => {
  const cases: readonly (readonly [title: string, link: (url: string) => string, message: string])[] = [
    ["that leads in a circle ends in an error", (url) => `<${url}>; rel="next"`, "lead in a circle"],
    [
      "that leads elsewhere stays with its registry",
      () => '<http://elsewhere.invalid/v2/app/tags/list?last=z>; rel="next"',
      "",
    ],
  ];
  for (const [title, link, message] of cases) {
    test(title, async () => {
      const content = { manifest: Buffer.alloc(0), mediaType: "", blobs: new Map<string, Buffer>() };
      await using registry = await startFaultyRegistry(content, (request, response) => {
        if (!request.url?.includes("/tags/list") || (message === "" && request.url.includes("last=")))
          return false;
        response.writeHead(200, { Link: link(request.url) }).end('{"tags":["a"]}');
        return true;
      });
      const reading = Array.fromAsync(new RegistryClient(await connect(registry.host)).listTags("app"));
      if (message === "") expect(await reading).toEqual(["a", "1"]);
      else await expect(reading).rejects.toThrow(message);
    });
  }
});

test("a list of ever new pages ends", async () => {
  const page = Buffer.alloc(30 * 1024 * 1024, " ").fill('{"tags":["1"]}', 0, 14);
  let pages = 0;
  // No server: it would only copy the spaces about.
  const http: HttpClient = {
    send: async ({ url }) => ({
      url,
      status: 200,
      headers: new Headers({ Link: `</v2/app/tags/list?last=${pages++}>; rel="next"` }),
      body: streamOf(url.endsWith("/v2/") ? page.subarray(0, 14) : page),
      discard: async () => undefined,
    }),
  };
  const endless = new RegistryClient(await connect("registry.example.com", http));
  await expect(Array.fromAsync(endless.listTags("app"))).rejects.toThrow("does not come to an end");
  expect(pages).toBeLessThan(20);
});

test("credentials that one of two has stopped looking for are found by the other", async () => {
  const asked: (AbortSignal | undefined)[] = [];
  const connection = new RegistryConnection({
    registry: "registry.example.com",
    client: {
      send: async ({ url, headers }) => ({
        url,
        status: headers.Authorization === undefined ? 401 : 200,
        headers: new Headers({ "WWW-Authenticate": 'Basic realm="r"' }),
        body: streamOf(Buffer.from("{}")),
        discard: async () => undefined,
      }),
    },
    probeClient: await createHttpClient(),
    userAgent: "test",
    allowHttp: false,
    credentials: async (_, { signal } = {}) => {
      asked.push(signal);
      if (asked.length > 1) return { username: "me", password: "secret" };
      return await new Promise((_resolve, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason));
      });
    },
  });
  const impatient = new AbortController();
  const first = connection.send(REQUEST, { signal: impatient.signal });
  const second = connection.send(REQUEST);
  await Bun.sleep(10);
  impatient.abort();
  await expect(first).rejects.toThrow(/abort/i);
  expect((await second).status).toBe(200);
  expect(asked).toEqual([impatient.signal, undefined]);
});

const REQUEST = { method: "GET", target: "/v2/app/tags/list", repository: "app" } as const;
