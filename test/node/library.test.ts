import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  generateKeyFiles,
  openKeyFileSigner,
  readPrivateKeyFile,
  sigstoreImageSigner,
  simpleImageSigner,
} from "../../src/entries/signing.ts";
import {
  type CopyEvent,
  type CopyOptions,
  computeDigest,
  copy,
  ImageEnvironment,
  ImageError,
  ImageNotFoundError,
  loadPolicy,
  openImage,
} from "../../src/index.ts";
import { startForwardProxy } from "../support/forward-proxy.ts";
import { buildImage, checkLayoutBlobs, type TestImage, treeOf, writeLayout } from "../support/images.ts";

/** The library on Node itself: the same sources, with the other HTTP client. The registry is the simplest that works. */
const directory = mkdtempSync(join(tmpdir(), "skopeo-node-"));
const blobs = new Map<string, Buffer>();
const manifests = new Map<string, { type: string; body: Buffer }>();
let server: Server;
let host: string;

before(async () => {
  server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});

after(() => {
  server.close();
  server.closeAllConnections();
  rmSync(directory, { recursive: true, force: true });
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", `http://${host}`);
  const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
  const name = url.pathname.split("/").at(-1) ?? "";
  const isManifest = url.pathname.includes("/manifests/");
  if (request.method === "POST") response.writeHead(202, { Location: "/v2/app/blobs/uploads/1" }).end();
  else if (request.method === "PUT" && isManifest) {
    manifests.set(name, { type: request.headers["content-type"] ?? "", body });
    response.writeHead(201).end();
  } else if (request.method === "PUT") {
    blobs.set(url.searchParams.get("digest") ?? "", body);
    response.writeHead(201).end();
  } else if (url.pathname === "/v2/") response.end("{}");
  else if (isManifest) serve(response, manifests.get(name)?.body, manifests.get(name)?.type);
  else serve(response, blobs.get(name), "application/octet-stream");
}

function serve(response: ServerResponse, body: Buffer | undefined, type: string | undefined): void {
  if (body === undefined)
    response.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}');
  else {
    const digest = computeDigest(body);
    response.writeHead(200, {
      "Content-Type": type ?? "",
      "Content-Length": body.length,
      "Docker-Content-Digest": digest,
    });
    response.end(body);
  }
}

const PLAIN: CopyOptions = {
  policy: "accept-anything",
  sourceAccess: { tlsVerify: false },
  destinationAccess: { tlsVerify: false },
};

async function copyWith(events: CopyEvent[], source: string, destination: string): Promise<boolean> {
  const onEvent = (event: CopyEvent): void => void events.push(event);
  return (await copy(source, destination, { ...PLAIN, onEvent })).isUnchanged;
}

function image(): TestImage {
  return buildImage({ seed: "node", layers: [3_000_000, 10] });
}

test("an image travels from a layout to a registry, back to a layout and to a directory", async () => {
  const layout = writeLayout({ v1: image() });
  const events: CopyEvent[] = [];
  assert.equal(await copyWith(events, `oci:${layout}:v1`, `docker://${host}/app:v1`), false);
  assert.equal(events.filter(({ kind }) => kind === "blob-end").length, 3);
  for (const [digest, bytes] of image().blobs) {
    if (digest !== image().top.digest) assert.deepEqual(blobs.get(digest), bytes);
  }
  await copy(`docker://${host}/app:v1`, `oci:${join(directory, "layout")}:v1`, PLAIN);
  assert.equal(checkLayoutBlobs(join(directory, "layout")), 4);
  await copy(`docker://${host}/app:v1`, `dir:${join(directory, "dir")}`, PLAIN);
  assert.equal(Object.keys(treeOf(join(directory, "dir"))).length, 5);
  const manifest = readFileSync(join(directory, "dir", "manifest.json"));
  assert.equal(computeDigest(manifest), image().top.digest);
});

test("what is there already is not copied again", async () => {
  const layout = writeLayout({ v1: image() });
  await copy(`oci:${layout}:v1`, `docker://${host}/app:v1`, PLAIN);
  const events: CopyEvent[] = [];
  assert.equal(await copyWith(events, `oci:${layout}:v1`, `docker://${host}/app:v1`), true);
  assert.deepEqual(
    events.filter(({ kind }) => kind === "blob-start"),
    [],
  );
});

test("a missing image is told apart from other failures", async () => {
  await assert.rejects(
    copy(`docker://${host}/app:none`, `dir:${join(directory, "none")}`, PLAIN),
    (error: unknown) => {
      assert.ok(error instanceof ImageError);
      assert.equal(error.code, "NOT_FOUND");
      assert.ok(error.cause instanceof ImageError || error instanceof ImageNotFoundError);
      return true;
    },
  );
});

test("an aborted copy rejects with the reason, and leaves nothing", async () => {
  const layout = writeLayout({ v1: image() });
  const reason = new Error("changed my mind");
  const options = { ...PLAIN, signal: AbortSignal.abort(reason) };
  await assert.rejects(copy(`oci:${layout}:v1`, `dir:${join(directory, "aborted")}`, options), reason);
  assert.throws(() => readFileSync(join(directory, "aborted", "manifest.json")));
});

test("a registry is reached through a proxy with a password, and a wrong password is told", async () => {
  const login = { user: "me", password: "p@ss" };
  const proxy = await startForwardProxy(login);
  try {
    const layout = writeLayout({ v1: image() });
    await copy(`oci:${layout}:v1`, `docker://${host}/proxied:v1`, PLAIN);
    const list = async (password: string): Promise<string[]> => {
      const env = { HTTP_PROXY: `http://me:${encodeURIComponent(password)}@${proxy.host}` };
      const proxied = new ImageEnvironment({
        environment: { env, home: directory, platform: process.platform, uid: 0 },
      });
      const name = `docker://registry.test:${host.split(":")[1]}/proxied:v1`;
      await using opened = await openImage(name, { environment: proxied, access: { tlsVerify: false } });
      return [opened.raw.mediaType];
    };
    assert.deepEqual(await list(login.password), ["application/vnd.oci.image.manifest.v1+json"]);
    await assert.rejects(list("wrong"), /proxy .* 407/);
  } finally {
    await proxy[Symbol.asyncDispose]();
  }
});

test("an image is signed with both kinds of key, and a policy asks for both", async () => {
  const fixtures = join(import.meta.dirname, "..", "signing", "fixtures", "gpg");
  const layout = writeLayout({ v1: buildImage({ seed: "signed-on-node" }) });
  const { privateKey, publicKey } = await generateKeyFiles("a passphrase");
  await assert.rejects(readPrivateKeyFile(privateKey, "another"), /decryption failed/);
  const key = { privateKey: await readPrivateKeyFile(privateKey, "a passphrase") };
  const gnupg = await openKeyFileSigner({ keyFile: readFileSync(join(fixtures, "plain.sec.gpg")) });
  const signed = join(directory, "signed");
  const name = "registry.example.com/app:1";
  const signers = [simpleImageSigner(gnupg), sigstoreImageSigner({ key })];
  await copy(`oci:${layout}:v1`, `dir:${signed}`, { ...PLAIN, signers, signIdentity: name });
  const signedIdentity = { type: "exactReference", dockerReference: name };
  const both = [
    { type: "signedBy", keyType: "GPGKeys", keyPath: join(fixtures, "plain.pub.gpg"), signedIdentity },
    { type: "sigstoreSigned", keyData: Buffer.from(publicKey).toString("base64"), signedIdentity },
  ];
  const stranger = { ...both[0], keyPath: join(fixtures, "protected.pub.gpg") };
  for (const [requirements, outcome] of [
    [both, "accepted"],
    [[...both, stranger], "Source image rejected: Invalid GPG signature"],
  ] as const) {
    const file = join(directory, "policy.json");
    writeFileSync(file, JSON.stringify({ default: requirements }));
    const policy = await loadPolicy({ file });
    const told = await copy(`dir:${signed}`, `dir:${join(directory, "verified")}`, { policy }).then(
      () => "accepted",
      (error) => String(error.message),
    );
    assert.ok(told.startsWith(outcome), told);
  }
});
