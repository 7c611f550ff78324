import { beforeAll, describe, expect } from "bun:test";
import { readFileSync } from "node:fs";
import { type Authority, type Certificate, createAuthority, createSelfSigned } from "./certificates.ts";
import { type DockerRegistryOptions, startDockerRegistry } from "./docker-registry.ts";
import { buildImage, type TestImage } from "./images.ts";
import { findProgram, peerTest } from "./peers.ts";

const NEEDED = ["docker-registry", "openssl"];
const hasPeers = NEEDED.every((name) => findProgram(name) !== undefined);
let authority: Authority;

beforeAll(async () => {
  if (hasPeers) authority = await createAuthority();
});

/** The status of `/v2/`, or the error's code where there is no answer. */
async function ping(options: DockerRegistryOptions, request: BunFetchRequestInit = {}): Promise<unknown> {
  await using registry = await startDockerRegistry(options);
  try {
    return (await fetch(`${registry.url}/v2/`, request)).status;
  } catch (error) {
    return error instanceof Error && "code" in error ? error.code : error;
  }
}

function trusting(client?: Certificate): BunFetchRequestInit {
  const ca = readFileSync(authority.certificate, "utf8");
  if (client === undefined) return { tls: { ca } };
  return {
    tls: { ca, cert: readFileSync(client.certificate, "utf8"), key: readFileSync(client.key, "utf8") },
  };
}

describe("a certificate", () => {
  const cases: readonly (readonly [name: string, make: () => Promise<Certificate>, outcome: unknown])[] = [
    ["of the authority is trusted", () => authority.issue("good"), 200],
    ["that has expired is not", () => authority.issue("expired", { days: -1 }), "CERT_HAS_EXPIRED"],
    [
      "for another host is not",
      () => authority.issue("elsewhere", { names: "DNS:elsewhere.example" }),
      "ERR_TLS_CERT_ALTNAME_INVALID",
    ],
    ["that vouches for itself is not", createSelfSigned, "DEPTH_ZERO_SELF_SIGNED_CERT"],
  ];
  for (const [name, make, outcome] of cases) {
    peerTest(name, NEEDED, async () => {
      expect(await ping({ tls: await make() }, trusting())).toBe(outcome);
    });
  }

  peerTest("is demanded from clients where an authority for them is named", NEEDED, async () => {
    const options = { tls: await authority.issue("server"), clientAuthority: authority.certificate };
    expect(await ping(options, trusting(await authority.issue("client")))).toBe(200);
    expect(await ping(options, trusting())).not.toBe(200);
    expect(await ping(options, trusting(await createSelfSigned()))).not.toBe(200);
  });
});

peerTest("only the named user is let in", NEEDED, async () => {
  const options = { user: { name: "me", password: "pass word" } };
  const authorization = (text: string): BunFetchRequestInit => ({
    headers: { Authorization: `Basic ${btoa(text)}` },
  });
  expect(await ping(options)).toBe(401);
  expect(await ping(options, authorization("me:wrong"))).toBe(401);
  expect(await ping(options, authorization("me:pass word"))).toBe(200);
});

peerTest("read-only and undeletable registries refuse, and each request is on record", NEEDED, async () => {
  await using open = await startDockerRegistry();
  const image = buildImage();
  await push(open.url, "app", image);
  expect(open.requests()[0]).toEqual({
    ...{ method: "POST", target: "/v2/app/blobs/uploads/", status: 202 },
    userAgent: `Bun/${Bun.version}`,
  });
  expect(open.requests().map(({ method }) => method)).toEqual(
    [...image.blobs.keys()].flatMap((digest) => (digest === image.top.digest ? ["PUT"] : ["POST", "PUT"])),
  );

  await using closed = await startDockerRegistry({ isReadOnly: true, allowsDelete: false });
  expect((await fetch(`${closed.url}/v2/app/blobs/uploads/`, { method: "POST" })).status).toBe(405);
  const manifest = `${closed.url}/v2/app/manifests/${image.top.digest}`;
  expect((await fetch(manifest, { method: "DELETE" })).status).toBe(405);
});

peerTest("a pull-through cache answers with what another registry has", NEEDED, async () => {
  await using origin = await startDockerRegistry();
  const image = buildImage();
  await push(origin.url, "app", image);
  await using cache = await startDockerRegistry({ proxyOf: origin.url });
  const response = await fetch(`${cache.url}/v2/app/manifests/latest`, {
    headers: { Accept: image.top.mediaType },
  });
  expect(response.headers.get("docker-content-digest")).toBe(image.top.digest);
});

async function push(url: string, repository: string, { top, blobs }: TestImage): Promise<void> {
  for (const [digest, body] of blobs) {
    if (digest === top.digest) continue;
    const started = await fetch(`${url}/v2/${repository}/blobs/uploads/`, { method: "POST" });
    const location = `${started.headers.get("location")}&digest=${encodeURIComponent(digest)}`;
    expect((await fetch(location, { method: "PUT", body })).status).toBe(201);
  }
  const manifest = await fetch(`${url}/v2/${repository}/manifests/latest`, {
    method: "PUT",
    body: blobs.get(top.digest) ?? "",
    headers: { "Content-Type": top.mediaType },
  });
  expect(manifest.status).toBe(201);
}
