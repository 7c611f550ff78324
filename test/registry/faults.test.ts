import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Fault, type FaultyRegistry, startFaultyRegistry } from "../support/faulty-registry.ts";
import { buildImage, sha256, temporary, treeOf, writeDirectory } from "../support/images.ts";
import { fatalMessage, type Outcome, runOurs } from "../support/run.ts";

const image = buildImage({ seed: "faults", layers: [500_000, 2000] });
const manifest = image.blobs.get(image.top.digest) ?? Buffer.alloc(0);
const layers: readonly { digest: string }[] = JSON.parse(manifest.toString()).layers;
const [firstLayer = { digest: "" }] = layers;
const content = { manifest, mediaType: image.top.mediaType, blobs: image.blobs };
const never: Fault = () => false;

/** Copies the image of a misbehaving registry to a directory. */
async function pull(
  fault: Fault,
  flags: readonly string[] = [],
): Promise<{ outcome: Outcome; directory: string; registry: FaultyRegistry }> {
  await using registry = await startFaultyRegistry(content, fault);
  const directory = join(temporary("pull"), "image");
  const words = ["copy", "--insecure-policy", "--src-tls-verify=false", ...flags];
  const outcome = await runOurs([...words, `docker://${registry.host}/app:1`, `dir:${directory}`]);
  return { outcome, directory, registry };
}

/** Copies the image to a misbehaving registry. */
async function push(fault: Fault): Promise<{ outcome: Outcome; registry: FaultyRegistry }> {
  await using registry = await startFaultyRegistry(
    { ...content, blobs: new Map() },
    (request, response, count) => {
      const isQuestion = request.method === "HEAD";
      if (isQuestion) response.writeHead(404).end();
      return isQuestion || fault(request, response, count);
    },
  );
  const source = writeDirectory(image);
  const words = ["copy", "--insecure-policy", "--dest-tls-verify=false", `dir:${source}`];
  return { outcome: await runOurs([...words, `docker://${registry.host}/app:1`]), registry };
}

const isLayer: (url: string | undefined) => boolean = (url) => url?.endsWith(firstLayer.digest) ?? false;

describe("survives", () => {
  test("a download that breaks off: it goes on by Range", async () => {
    const { outcome, directory, registry } = await pull((request, response, count) => {
      if (!isLayer(request.url) || count > 1) return false;
      const blob = image.blobs.get(firstLayer.digest) ?? Buffer.alloc(0);
      response.writeHead(200, { "Content-Length": blob.length });
      response.write(blob.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 20));
      return true;
    });
    expect(outcome.stderr).not.toContain("level=fatal");
    expect(treeOf(directory)).toEqual(treeOf(writeDirectory(image)));
    expect(registry.requests.filter((line) => isLayer(line))).toHaveLength(2);
  });

  test("a server that ignores ranges", async () => {
    const { outcome, directory } = await pull((request, response, count) => {
      if (!isLayer(request.url)) return false;
      const blob = image.blobs.get(firstLayer.digest) ?? Buffer.alloc(0);
      response.writeHead(200, { "Content-Length": blob.length });
      if (count > 1) response.end(blob);
      else response.write(blob.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 20));
      return true;
    });
    expect(outcome.stderr).not.toContain("level=fatal");
    expect(treeOf(directory)).toEqual(treeOf(writeDirectory(image)));
  });

  for (const [status, headers] of [
    [503, {}],
    [500, {}],
    [429, { "Retry-After": "1" }],
  ] as const) {
    test(`a server that answers ${status} at first`, async () => {
      const { outcome } = await pull((request, response, count) => {
        if (!request.url?.includes("/manifests/") || count > 2) return false;
        response.writeHead(status, headers).end();
        return true;
      });
      expect(outcome.stderr).not.toContain("level=fatal");
    });
  }

  test("an upload that breaks off: the blob is sent again", async () => {
    const { outcome, registry } = await push((request, _response, count) => {
      if (request.method !== "PUT" || request.url?.includes("/manifests/") || count > 1) return false;
      request.socket.destroy();
      return true;
    });
    expect(outcome.stderr).not.toContain("level=fatal");
    for (const { digest } of layers)
      expect(sha256(registry.pushed.get(digest) ?? Buffer.alloc(0))).toBe(digest);
  });

  test("a registry that takes no blob in the closing PUT", async () => {
    const { outcome, registry } = await push((request, response) => {
      const isBlob = request.method === "PUT" && !request.url?.includes("/manifests/");
      if (request.method === "PATCH") {
        request.resume();
        request.on("end", () => response.writeHead(202, { Location: "/v2/app/blobs/uploads/2" }).end());
        return true;
      }
      if (!isBlob || request.headers["content-length"] === "0") return false;
      response.writeHead(405).end();
      return true;
    });
    expect(outcome.stderr).not.toContain("level=fatal");
    expect(registry.requests).toContain("PATCH /v2/app/blobs/uploads/1");
  });
});

describe("gives up with one clear sentence, and leaves nothing behind, on", () => {
  const cases: readonly (readonly [title: string, fault: Fault, message: RegExp])[] = [
    ["a blob with one changed bit", corrupted, /Digest did not match, expected sha256:\w+, got sha256:\w+/],
    ["a blob that is too long", extended, /size of sha256:\w+ did not match|ended after|did not match/],
    ["a blob that is too short", shortened, /did not match, expected \d+ bytes, got \d+/],
    [
      "a missing blob",
      answering(isLayer, 404, '{"errors":[{"code":"BLOB_UNKNOWN"}]}'),
      /blob unknown to registry/,
    ],
    [
      "a manifest that is no JSON",
      answering(isManifest, 200, "not json", "application/vnd.oci.image.manifest.v1+json"),
      /not valid JSON/,
    ],
    [
      "a manifest of another type than it says",
      answering(isManifest, 200, manifest, "application/vnd.docker.distribution.manifest.v2+json"),
      /media type/,
    ],
    [
      "a web page in place of a manifest",
      answering(isManifest, 200, "<html>hello", "text/html"),
      /not valid JSON/,
    ],
    [
      "a web page as an error",
      answering(isManifest, 404, "<html>nothing here", "text/html"),
      /StatusCode: 404, "<html>nothing here/,
    ],
    ["a manifest of 100 MB", endlessManifest, /exceeded maximum allowed size of 4194304 bytes/],
    [
      "deeply nested JSON",
      answering(isManifest, 200, "[".repeat(1_000_000), "application/vnd.oci.image.manifest.v1+json"),
      /nested more than/,
    ],
    ["redirects without end", redirecting, /stopped after 10 redirects/],
    ["a redirect to nowhere", redirectingTo("gopher://x"), /unusable address/],
    [
      "wrong credentials",
      answering(() => true, 401, "", "text/plain", { "WWW-Authenticate": 'Basic realm="x"' }),
      /authentication required/,
    ],
    [
      "a token server that fails",
      answering(() => true, 401, "", "text/plain", { "WWW-Authenticate": 'Bearer service="x"' }),
      /missing realm in bearer auth challenge/,
    ],
    ["a registry that is broken for good", answering(() => true, 500, ""), /500 Internal Server Error/],
  ];
  for (const [title, fault, message] of cases) {
    test(title, async () => {
      const { outcome, directory } = await pull(fault);
      expect(outcome.exitCode).toBe(1);
      expect(fatalMessage(outcome)).toMatch(message);
      expect(outcome.stderr).not.toContain("    at ");
      expect(existsSync(directory)).toBe(false);
    });
  }

  test("a server that falls silent", async () => {
    const started = performance.now();
    const { outcome, directory } = await pull((request) => isLayer(request.url), ["--stall-timeout=500ms"]);
    expect(outcome.exitCode).toBe(1);
    expect(fatalMessage(outcome)).toContain("no data for 0.5 s");
    expect(existsSync(directory)).toBe(false);
    expect(performance.now() - started).toBeLessThan(20_000);
  });

  test("the end of its time", async () => {
    const { outcome, directory } = await pull((request) => isLayer(request.url), ["--command-timeout=500ms"]);
    expect(outcome.exitCode).toBe(1);
    expect(fatalMessage(outcome)).toEndWith("context deadline exceeded");
    expect(existsSync(directory)).toBe(false);
  });
});

test("an image that was there stays as it was when a copy over it fails", async () => {
  const old = writeDirectory(buildImage({ seed: "old" }));
  const before = treeOf(old);
  await using registry = await startFaultyRegistry(content, corrupted);
  const words = ["copy", "--insecure-policy", "--src-tls-verify=false", `docker://${registry.host}/app:1`];
  expect((await runOurs([...words, `dir:${old}`])).exitCode).toBe(1);
  expect(treeOf(old)).toEqual(before);
});

test("credentials do not follow a redirect to another server", async () => {
  const seen: (string | undefined)[] = [];
  await using elsewhere = await startFaultyRegistry(content, (request) => {
    seen.push(request.headers.authorization);
    return false;
  });
  const { outcome } = await pull(
    (request, response) => {
      if (request.headers.authorization === undefined) {
        response.writeHead(401, { "WWW-Authenticate": 'Basic realm="x"' }).end();
        return true;
      }
      if (!request.url?.includes("/blobs/")) return false;
      response.writeHead(307, { Location: `http://${elsewhere.host}${request.url}` }).end();
      return true;
    },
    ["--src-creds=user:secret"],
  );
  expect(outcome.stderr).not.toContain("level=fatal");
  expect(seen).toEqual([undefined, undefined, undefined]);
});

test("--debug shows each request and no secret", async () => {
  const { outcome } = await pull(
    (request, response) => {
      if (request.headers.authorization !== undefined) return false;
      response.writeHead(401, { "WWW-Authenticate": 'Basic realm="x"' }).end();
      return true;
    },
    ["--src-creds=user:hunter2", "--debug"],
  );
  expect(outcome.exitCode).toBe(0);
  expect(outcome.stderr).toMatch(/GET http:\/\/127.0.0.1:\d+\/v2\/app\/manifests\/1 200 \d+ms \d+ bytes/);
  expect(outcome.stderr).not.toContain("hunter2");
  expect(outcome.stderr).not.toContain(Buffer.from("user:hunter2").toString("base64"));
});

test("an honest registry needs one request for each thing", async () => {
  const { registry } = await pull(never);
  const counts = registry.requests
    .map((line) => line.split(" ")[1]?.split("/")[3])
    .filter((kind) => kind !== undefined);
  expect(counts.toSorted()).toEqual(["blobs", "blobs", "blobs", "manifests"]);
});

function isManifest(url: string | undefined): boolean {
  return url?.includes("/manifests/") ?? false;
}

function answering(
  when: (url: string | undefined) => boolean,
  status: number,
  body: string | Buffer,
  type: string = "application/json",
  headers: Readonly<Record<string, string>> = {},
): Fault {
  return (request, response) => {
    if (!when(request.url) || (request.url === "/v2/" && status !== 401)) return false;
    response.writeHead(status, { "Content-Type": type, ...headers }).end(body);
    return true;
  };
}

function changedBlob(change: (blob: Buffer) => Buffer): Fault {
  return (request, response) => {
    if (!isLayer(request.url)) return false;
    const blob = change(Buffer.from(image.blobs.get(firstLayer.digest) ?? Buffer.alloc(0)));
    response.writeHead(200, { "Content-Length": blob.length }).end(blob);
    return true;
  };
}

function corrupted(...parameters: Parameters<Fault>): boolean | Promise<boolean> {
  return changedBlob((blob) => {
    blob[1000] = (blob[1000] ?? 0) ^ 1;
    return blob;
  })(...parameters);
}

function extended(...parameters: Parameters<Fault>): boolean | Promise<boolean> {
  return changedBlob((blob) => Buffer.concat([blob, Buffer.from("x")]))(...parameters);
}

function shortened(...parameters: Parameters<Fault>): boolean | Promise<boolean> {
  return changedBlob((blob) => blob.subarray(0, 1000))(...parameters);
}

function endlessManifest(...[request, response]: Parameters<Fault>): boolean {
  if (!isManifest(request.url)) return false;
  response.writeHead(200, { "Content-Type": "application/vnd.oci.image.manifest.v1+json" });
  const chunk = Buffer.alloc(1_000_000, "{");
  let left = 100;
  const next = (): void => {
    if (left-- === 0) response.end();
    else response.write(chunk, (error) => error ?? next());
  };
  next();
  return true;
}

function redirecting(...[request, response]: Parameters<Fault>): boolean {
  if (!isManifest(request.url)) return false;
  response.writeHead(302, { Location: request.url }).end();
  return true;
}

function redirectingTo(target: string): Fault {
  return (request, response) => {
    if (!isManifest(request.url)) return false;
    response.writeHead(307, { Location: target }).end();
    return true;
  };
}
