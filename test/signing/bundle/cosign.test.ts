import { describe, expect } from "bun:test";
import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Descriptor } from "../../../src/core/descriptor.ts";
import { computeDigest } from "../../../src/core/digest.ts";
import { bundleManifest, createBundle } from "../../../src/signing/bundle/create-bundle.ts";
import { readPublicKey } from "../../../src/signing/sigstore/public-key.ts";
import { startDockerRegistry } from "../../support/docker-registry.ts";
import { buildImage, temporary } from "../../support/images.ts";
import { peerTest } from "../../support/peers.ts";
import { mustRun, run } from "../../support/run.ts";
import { refusalOf } from "./bundle-maker.ts";

/** What cosign signs we verify, and it what we sign: with all kinds of keys that it knows. */
const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
const KEYS: Readonly<Record<string, () => { publicKey: KeyObject; privateKey: KeyObject }>> = {
  "P-256": () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  "P-384": () => generateKeyPairSync("ec", { namedCurve: "P-384" }),
  "P-521": () => generateKeyPairSync("ec", { namedCurve: "P-521" }),
  RSA: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  Ed25519: () => generateKeyPairSync("ed25519"),
};
const ENV = { COSIGN_PASSWORD: "password" };
const OFFLINE: readonly string[] = ["--use-signing-config=false", "--tlog-upload=false"];
const INSECURE: readonly string[] = ["--allow-insecure-registry", "--allow-http-registry"];

/** A repository of a registry that speaks HTTP. */
interface Repository {
  readonly url: string;
  readonly name: string;
}

async function putBlob({ url, name }: Repository, bytes: Uint8Array): Promise<void> {
  const started = await fetch(`${url}/v2/${name}/blobs/uploads/`, { method: "POST" });
  const location = new URL(started.headers.get("location") ?? "", url);
  location.searchParams.set("digest", computeDigest(bytes));
  const ended = await fetch(location, { method: "PUT", body: bytes.slice() });
  expect(ended.status).toBe(201);
}

async function putManifest(
  { url, name }: Repository,
  reference: string,
  bytes: Uint8Array,
  type: string,
): Promise<void> {
  const answer = await fetch(`${url}/v2/${name}/manifests/${reference}`, {
    method: "PUT",
    body: bytes.slice(),
    headers: { "Content-Type": type },
  });
  expect(answer.status).toBe(201);
}

async function get({ url, name }: Repository, path: string): Promise<Uint8Array> {
  const headers = { Accept: `${OCI_MANIFEST}, ${OCI_INDEX}` };
  const answer = await fetch(`${url}/v2/${name}/${path}`, { headers });
  expect(answer.status).toBe(200);
  return new Uint8Array(await answer.arrayBuffer());
}

async function getJson<T>(repository: Repository, path: string): Promise<T> {
  return JSON.parse(new TextDecoder().decode(await get(repository, path)));
}

async function putImage(repository: Repository): Promise<{ subject: Descriptor; manifest: Uint8Array }> {
  const { top, blobs } = buildImage({ seed: repository.name });
  for (const [digest, bytes] of blobs) if (digest !== top.digest) await putBlob(repository, bytes);
  const manifest = new Uint8Array(blobs.get(top.digest) ?? []);
  await putManifest(repository, "v1", manifest, top.mediaType);
  const subject = { mediaType: top.mediaType, digest: computeDigest(manifest), size: manifest.length };
  return { subject, manifest };
}

/** The bundle in the only referrer. */
async function readBundle(repository: Repository, subject: Descriptor): Promise<Uint8Array> {
  interface Index {
    readonly manifests: readonly { readonly digest: string }[];
  }
  const tag = subject.digest.replace(":", "-");
  const { manifests } = await getJson<Index>(repository, `manifests/${tag}`);
  expect(manifests).toHaveLength(1);
  const manifest = await getJson<{ layers: readonly { digest: string }[] }>(
    repository,
    `manifests/${manifests[0]?.digest}`,
  );
  return await get(repository, `blobs/${manifest.layers[0]?.digest}`);
}

async function push(repository: Repository, bundle: Uint8Array, subject: Descriptor): Promise<void> {
  const made = bundleManifest({ bundle, subject });
  await putBlob(repository, bundle);
  await putBlob(repository, made.config);
  const digest = computeDigest(made.manifest);
  await putManifest(repository, digest, made.manifest, OCI_MANIFEST);
  const entry = {
    ...{ mediaType: OCI_MANIFEST, digest, size: made.manifest.length },
    ...{ artifactType: made.layer.mediaType, annotations: made.annotations },
  };
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [entry] };
  const bytes = new TextEncoder().encode(JSON.stringify(index));
  await putManifest(repository, subject.digest.replace(":", "-"), bytes, OCI_INDEX);
}

function pem(key: KeyObject): string {
  const type = key.type === "private" ? "pkcs8" : "spki";
  return String(key.export({ format: "pem", type }));
}

describe("cosign", () => {
  for (const [kind, makePair] of Object.entries(KEYS)) {
    peerTest(
      `accepts our bundle by a key of kind ${kind}, and refuses it by another key and after a change`,
      ["cosign", "docker-registry"],
      async ([cosign = ""]) => {
        await using registry = await startDockerRegistry();
        const repository = { url: registry.url, name: "bundled/ours" };
        const { subject, manifest } = await putImage(repository);
        const { publicKey, privateKey } = makePair();
        const annotations = { env: "<test> & more" };
        const { bundle } = await createBundle({ manifestDigest: subject.digest, privateKey, annotations });
        const trust = { kind: "keys", publicKeys: [publicKey], rekorKeys: undefined } as const;
        expect(await refusalOf(bundle, trust, { manifest, manifestDigest: subject.digest })).toBe("");
        await push(repository, bundle, subject);
        const folder = temporary("keys");
        const [own, other] = [join(folder, "own.pub"), join(folder, "other.pub")];
        writeFileSync(own, pem(publicKey));
        writeFileSync(other, pem(makePair().publicKey));
        const verify = (key: string, ...more: readonly string[]): readonly string[] => [
          ...[cosign, "verify", "--key", key, "--insecure-ignore-tlog", ...INSECURE, ...more],
          `${registry.host}/${repository.name}@${subject.digest}`,
        ];
        const accepted = await run(verify(own));
        expect(accepted).toMatchObject({ exitCode: 0 });
        expect(await run(verify(own, "-a", "env=<test> & more"))).toMatchObject({ exitCode: 0 });
        expect((await run(verify(own, "-a", "env=other"))).exitCode).not.toBe(0);
        expect((await run(verify(other))).exitCode).not.toBe(0);
      },
    );
  }

  for (const kind of ["its own", "P-256", "P-384", "P-521", "RSA"]) {
    peerTest(
      `makes bundles that we accept, with a key of kind ${kind}`,
      ["cosign", "docker-registry"],
      async ([cosign = ""]) => {
        await using registry = await startDockerRegistry();
        const repository = { url: registry.url, name: "bundled/theirs" };
        const { subject, manifest } = await putImage(repository);
        const prefix = join(temporary("keys"), "key");
        const make = KEYS[kind];
        if (make === undefined) {
          await mustRun([cosign, "generate-key-pair", "--output-key-prefix", prefix], { env: ENV });
        } else {
          writeFileSync(`${prefix}.pem`, pem(make().privateKey));
          const words = ["import-key-pair", "--key", `${prefix}.pem`, "--output-key-prefix", prefix];
          await mustRun([cosign, ...words], { env: ENV });
        }
        const image = `${registry.host}/${repository.name}@${subject.digest}`;
        await mustRun(
          [
            cosign,
            "sign",
            "--yes",
            "--key",
            `${prefix}.key`,
            ...OFFLINE,
            ...INSECURE,
            "-a",
            "env=test",
            image,
          ],
          { env: ENV },
        );
        const bundle = await readBundle(repository, subject);
        const key = readPublicKey(readFileSync(`${prefix}.pub`));
        const trust = { kind: "keys", publicKeys: [key], rekorKeys: undefined } as const;
        const about = { manifest, manifestDigest: subject.digest };
        expect(await refusalOf(bundle, trust, about)).toBe("");
        const other = createPublicKey(pem(generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey));
        expect(await refusalOf(bundle, { ...trust, publicKeys: [other] }, about)).toContain("is none of");
        expect(await refusalOf(bundle, trust)).toContain("and not for");
      },
    );
  }

  for (const kind of ["P-256", "P-384"]) {
    peerTest(
      `makes bundles of the bytes of a manifest that we accept, with a key of kind ${kind}`,
      ["cosign"],
      async ([cosign = ""]) => {
        const folder = temporary("blob");
        const key = KEYS[kind]?.();
        if (key === undefined) throw new Error("no key");
        const [blob, bundle, prefix] = [
          join(folder, "manifest"),
          join(folder, "bundle"),
          join(folder, "key"),
        ];
        writeFileSync(`${prefix}.pem`, pem(key.privateKey));
        const words = ["import-key-pair", "--key", `${prefix}.pem`, "--output-key-prefix", prefix];
        await mustRun([cosign, ...words], { env: ENV });
        const manifest = new TextEncoder().encode(`{"schemaVersion":2}`);
        writeFileSync(blob, manifest);
        const signing = [
          "sign-blob",
          "--yes",
          "--key",
          `${prefix}.key`,
          ...OFFLINE,
          "--bundle",
          bundle,
          blob,
        ];
        await mustRun([cosign, ...signing], { env: ENV });
        const trust = { kind: "keys", publicKeys: [key.publicKey], rekorKeys: undefined } as const;
        const about = { manifest, manifestDigest: computeDigest(manifest) };
        expect(await refusalOf(readFileSync(bundle), trust, about)).toBe("");
        expect(await refusalOf(readFileSync(bundle), trust)).toContain("by none of the trusted keys");
      },
    );
  }
});
