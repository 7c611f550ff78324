import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DIGEST, FIXTURES } from "../signing/fixtures.ts";
import { type MockSigstore, startMockSigstore } from "../signing/keyless/mock-sigstore.ts";
import { type DockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import { buildImage, buildMultiArch, sha256, temporary, treeOf, writeLayout } from "../support/images.ts";
import { findProgram, peerPath } from "../support/peers.ts";
import { fatalMessage, mustRun, type Outcome, run, runOurs } from "../support/run.ts";
import { startServe } from "../support/serve.ts";

/** Bundles that refer to an image, as cosign 3 makes them: copied, verified, written and deleted, with cosign as the judge. */
const missing = ["docker-registry", "cosign"].filter((program) => peerPath(program) === undefined);
if (missing.length > 0) console.error(`LEFT OUT for want of ${missing.join(", ")}: bundles, with cosign`);

const COSIGN = findProgram("cosign") ?? "";
const OFFLINE = ["--yes", "--allow-insecure-registry", "--use-signing-config=false", "--tlog-upload=false"];
const INSECURE = ["--src-tls-verify=false", "--dest-tls-verify=false"];
const env = { COSIGN_PASSWORD: "a secret", HOME: temporary("cosign-home") };

let registries: readonly AsyncDisposable[];
/** Without the referrers API, and with it. */
let plain: DockerRegistry;
let modern: string;
let key: string;
let configuration: string;
let repositories = 0;

beforeAll(async () => {
  if (missing.length > 0) return;
  plain = await startDockerRegistry();
  const serve = await startServe();
  modern = serve.host;
  registries = [plain, serve];
  key = join(temporary("cosign"), "key");
  await mustRun([COSIGN, "generate-key-pair", "--output-key-prefix", key], { env });
  configuration = temporary("registries-d");
  writeFileSync(
    join(configuration, "all.yaml"),
    `default-docker:\n  lookaside: file://${temporary("lookaside")}\n  use-sigstore-attachments: true\n`,
  );
});

afterAll(async () => {
  await Promise.all((registries ?? []).map((registry) => registry[Symbol.asyncDispose]()));
});

const ours = (words: readonly string[]): Promise<Outcome> =>
  runOurs(["--registries.d", configuration, ...words]);

async function copy(source: string, destination: string, flags: readonly string[] = []): Promise<void> {
  const words = ["--insecure-policy", "copy", ...INSECURE, ...flags, source, destination];
  expect(await ours(words)).toMatchObject({ exitCode: 0 });
}

function newName(host: string): string {
  return `${host}/bundles/app${++repositories}`;
}

async function signedWithCosign(host: string, seed = "bundle"): Promise<string> {
  const name = newName(host);
  await copy(`oci:${writeLayout({ v1: buildImage({ seed }) })}:v1`, `docker://${name}:1`);
  await mustRun([COSIGN, "sign", "--key", `${key}.key`, ...OFFLINE, `${name}:1`], { env });
  return name;
}

async function verifies(name: string): Promise<Outcome> {
  const words = ["verify", "--key", `${key}.pub`, "--insecure-ignore-tlog", "--allow-insecure-registry"];
  return await run([COSIGN, ...words, `${name}:1`], { env });
}

function policy(requirement: object): string {
  const file = join(temporary("policy"), "policy.json");
  writeFileSync(file, JSON.stringify({ default: [{ type: "sigstoreSigned", ...requirement }] }));
  return file;
}

/** The manifests that are listed as being about what the name has, by the registry or under the fall-back tag. */
async function referrersOf(name: string): Promise<readonly string[]> {
  const [host = "", ...path] = name.split("/");
  const base = `http://${host}/v2/${path.join("/")}`;
  const headers = {
    Accept: "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json",
  };
  const digest = (await fetch(`${base}/manifests/1`, { headers })).headers.get("docker-content-digest") ?? "";
  const listed = await fetch(`${base}/referrers/${digest}`);
  const answer = listed.ok
    ? listed
    : await fetch(`${base}/manifests/${digest.replace(":", "-")}`, { headers });
  if (!answer.ok) return [];
  const { manifests } = (await answer.json()) as { manifests: { digest: string }[] };
  return manifests.map((entry) => entry.digest).toSorted();
}

describe.skipIf(missing.length > 0)("a bundle that cosign has attached", () => {
  test("goes along between registries with and without a list of referrers, and by a directory", async () => {
    for (const from of [plain.host, modern]) {
      const name = await signedWithCosign(from);
      const original = await referrersOf(name);
      expect(original.length).toBe(1);
      for (const to of [plain.host, modern]) {
        const directory = join(temporary("bundle"), "image");
        const [direct, around] = [newName(to), newName(to)];
        await copy(`docker://${name}:1`, `docker://${direct}:1`);
        await copy(`docker://${name}:1`, `dir:${directory}`);
        await copy(`dir:${directory}`, `docker://${around}:1`);
        for (const copied of [direct, around]) {
          expect(await referrersOf(copied)).toEqual(original);
          expect(await verifies(copied)).toMatchObject({ exitCode: 0 });
        }
        // Once more changes nothing.
        await copy(`docker://${name}:1`, `docker://${direct}:1`);
        expect(await referrersOf(direct)).toEqual(original);
      }
    }
  });

  test("stays behind with --remove-signatures, and goes with delete --signature", async () => {
    for (const host of [plain.host, modern]) {
      const name = await signedWithCosign(host, "removed");
      const other = newName(host);
      await copy(`docker://${name}:1`, `docker://${other}:1`, ["--remove-signatures"]);
      expect(await referrersOf(other)).toEqual([]);
      expect(await ours(["delete", "--signature", "--tls-verify=false", `docker://${name}:1`])).toMatchObject(
        { exitCode: 0 },
      );
      expect(await referrersOf(name)).toEqual([]);
      expect((await verifies(name)).exitCode).not.toBe(0);
      await copy(`docker://${name}:1`, `dir:${join(temporary("left"), "image")}`);
    }
  });

  test("is not mistaken for what else refers to an image", async () => {
    const name = await signedWithCosign(plain.host, "others");
    const sbom = join(temporary("sbom"), "sbom.json");
    writeFileSync(sbom, "{}");
    const attest = [
      "attest",
      "--key",
      `${key}.key`,
      ...OFFLINE,
      "--predicate",
      sbom,
      "--type",
      "https://example.com/sbom",
    ];
    await mustRun([COSIGN, ...attest, `${name}:1`], { env });
    expect((await referrersOf(name)).length).toBe(2);
    const file = policy({ keyPath: `${key}.pub`, signedIdentity: { type: "matchDigestOnly" } });
    const words = ["--policy", file, "policy", "check", "--tls-verify=false"];
    expect(await ours([...words, `docker://${name}:1`])).toMatchObject({ exitCode: 0 });
    const other = newName(plain.host);
    await copy(`oci:${writeLayout({ v1: buildImage({ seed: "attested" }) })}:v1`, `docker://${other}:1`);
    await mustRun([COSIGN, ...attest, `${other}:1`], { env });
    const refused = await ours([...words, `docker://${other}:1`]);
    expect(refused.exitCode).toBe(1);
    expect(refused.stdout).toContain("sigstore bundle: its statement is ");
  });
});

/** What cosign is to trust, in its own form. */
function trustedRoot({ chainPem, rekorPublicKeyPem, rekorUrl }: MockSigstore): object {
  const der = (pem: string): string => pem.replaceAll(/-----[^-]+-----|\s/g, "");
  const validFor = { start: "2020-01-01T00:00:00Z" };
  const key = der(rekorPublicKeyPem);
  return {
    mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    tlogs: [
      {
        baseUrl: rekorUrl,
        hashAlgorithm: "SHA2_256",
        publicKey: { rawBytes: key, keyDetails: "PKIX_ECDSA_P256_SHA_256", validFor },
        logId: {
          keyId: Buffer.from(sha256(Buffer.from(key, "base64")).slice("sha256:".length), "hex").toString(
            "base64",
          ),
        },
      },
    ],
    certificateAuthorities: [
      {
        subject: { organization: "mock", commonName: "mock" },
        uri: "https://mock.example.com",
        certChain: {
          certificates: chainPem.split(/(?=-----BEGIN)/).map((pem) => ({ rawBytes: der(pem) })),
        },
        validFor,
      },
    ],
  };
}

describe.skipIf(missing.length > 0)("a policy", () => {
  test("accepts cosign's bundles where it asks for no name, and says how where it does", async () => {
    const name = await signedWithCosign(modern, "policy");
    const decide = async (requirement: object): Promise<string> => {
      const target = `dir:${join(temporary("decided"), "image")}`;
      const words = [
        "--policy",
        policy(requirement),
        "copy",
        "--src-tls-verify=false",
        `docker://${name}:1`,
        target,
      ];
      const outcome = await ours(words);
      return outcome.exitCode === 0 ? "" : fatalMessage(outcome);
    };
    const keyPath = `${key}.pub`;
    expect(await decide({ keyPath, signedIdentity: { type: "matchDigestOnly" } })).toBe("");
    for (const type of ["matchRepoDigestOrExact", "matchRepository", "matchExact"]) {
      expect(await decide({ keyPath, signedIdentity: { type } })).toContain('"matchDigestOnly"');
    }
    const named = newName(modern);
    await copy(`oci:${writeLayout({ v1: buildImage({ seed: "named" }) })}:v1`, `docker://${named}:1`);
    const naming = ["-a", `docker-reference=${named}:1`, `${named}:1`];
    await mustRun([COSIGN, "sign", "--key", `${key}.key`, ...OFFLINE, ...naming], { env });
    const words = [
      "--policy",
      policy({ keyPath }),
      "policy",
      "check",
      "--tls-verify=false",
      `docker://${named}:1`,
    ];
    expect(await ours(words)).toMatchObject({ exitCode: 0 });
    const stranger = join(import.meta.dir, "../signing/fixtures/sigstore/other.pub");
    expect(await decide({ keyPath: stranger, signedIdentity: { type: "matchDigestOnly" } })).toContain(
      "Source image rejected: ",
    );
  });

  test("accepts our bundles with a certificate and a log's proof, and so does cosign", async () => {
    await using sigstore = await startMockSigstore();
    const parameters = join(temporary("parameters"), "parameters.yaml");
    const fulcio = {
      fulcioURL: sigstore.fulcioUrl,
      oidcMode: "staticToken",
      oidcIDToken: sigstore.idToken(),
    };
    writeFileSync(parameters, JSON.stringify({ fulcio, rekorURL: sigstore.rekorUrl }));
    const name = newName(plain.host);
    const source = `oci:${writeLayout({ v1: buildImage({ seed: "keyless" }) })}:v1`;
    await copy(source, `docker://${name}:1`, ["--sigstore-bundle", "--sign-by-sigstore", parameters]);
    const encoded = (text: string): string => Buffer.from(text).toString("base64");
    const trust = (email: string, log: string): object => ({
      // A bundle has the leaf only, so that the policy must have all above it.
      fulcio: { caData: encoded(sigstore.chainPem), oidcIssuer: sigstore.issuerUrl, subjectEmail: email },
      rekorPublicKeyData: encoded(log),
    });
    const check = async (requirement: object): Promise<string> => {
      const words = [
        "--policy",
        policy(requirement),
        "policy",
        "check",
        "--tls-verify=false",
        `docker://${name}:1`,
      ];
      return (await ours(words)).stdout;
    };
    const log = sigstore.rekorPublicKeyPem;
    expect(await check(trust("signer@example.com", log))).toContain("\nAccepted ");
    expect(await check(trust("other@example.com", log))).toContain("Required email");
    const otherLog = readFileSync(join(FIXTURES, "sigstore", "rekor.pub"), "utf8");
    expect(await check(trust("signer@example.com", otherLog))).toContain(
      "signed by none of the trusted keys",
    );
    const root = join(temporary("root"), "root.json");
    writeFileSync(root, JSON.stringify(trustedRoot(sigstore)));
    const identity = [
      "--certificate-identity",
      "signer@example.com",
      "--certificate-oidc-issuer",
      sigstore.issuerUrl,
    ];
    const words = [
      "verify",
      "--trusted-root",
      root,
      ...identity,
      "--insecure-ignore-sct",
      "--allow-insecure-registry",
    ];
    expect(await run([COSIGN, ...words, `${name}:1`], { env })).toMatchObject({ exitCode: 0 });
  });

  test("asks for a name in bundles of ours, which have one", async () => {
    const name = newName(plain.host);
    const passphrase = join(temporary("passphrase"), "file");
    writeFileSync(passphrase, env.COSIGN_PASSWORD);
    const source = `oci:${writeLayout({ v1: buildMultiArch("own-bundle") })}:v1`;
    const flags = [
      "--all",
      "--sigstore-bundle",
      "--sign-by-sigstore-private-key",
      `${key}.key`,
      "--sign-passphrase-file",
      passphrase,
    ];
    await copy(source, `docker://${name}:1`, flags);
    expect((await referrersOf(name)).length).toBe(1);
    expect(await verifies(name)).toMatchObject({ exitCode: 0 });
    const tags = await ours(["list-tags", "--tls-verify=false", `docker://${name}`]);
    expect(tags.stdout).not.toContain(".sig");
    for (const [type, outcome] of [
      ["matchExact", 0],
      ["matchRepository", 0],
      ["matchDigestOnly", 0],
    ] as const) {
      const file = policy({ keyPath: `${key}.pub`, signedIdentity: { type } });
      const words = [
        "--policy",
        file,
        "policy",
        "check",
        "--all",
        "--tls-verify=false",
        `docker://${name}:1`,
      ];
      expect((await ours(words)).exitCode).toBe(outcome);
    }
    const directory = join(temporary("elsewhere"), "image");
    await copy(`docker://${name}:1`, `dir:${directory}`, ["--all"]);
    expect(
      Object.keys(treeOf(directory)).filter((file) => file.includes("signature")).length,
    ).toBeGreaterThan(2);
    const elsewhere = newName(plain.host);
    await copy(`dir:${directory}`, `docker://${elsewhere}:1`, ["--all"]);
    const file = policy({ keyPath: `${key}.pub`, signedIdentity: { type: "matchRepository" } });
    const refused = await ours([
      "--policy",
      file,
      "policy",
      "check",
      "--all",
      "--tls-verify=false",
      `docker://${elsewhere}:1`,
    ]);
    expect(refused.stdout).toContain(`Signature for identity "${name}:1" is not accepted`);
  });
});

describe.skipIf(missing.length > 0)("what the tools have left in registries", () => {
  const forms: Readonly<Record<string, object>> = {
    "skopeo-tag": { keyPath: join(FIXTURES, "sigstore", "pass.pub"), ...exactly("exactReference", ":v1") },
    "cosign-tag": { keyPath: join(FIXTURES, "sigstore", "cosign.pub"), ...exactly("exactRepository", "") },
    "cosign-bundle": {
      keyPath: join(FIXTURES, "sigstore", "cosign.pub"),
      signedIdentity: { type: "matchDigestOnly" },
    },
    "cosign-oci11-legacy": {
      keyPath: join(FIXTURES, "sigstore", "cosign.pub"),
      ...exactly("exactRepository", ""),
    },
  };
  for (const [form, requirement] of Object.entries(forms)) {
    test(`${form} is found, verified, and taken along`, async () => {
      const name = newName(plain.host);
      await copy(`dir:${join(FIXTURES, "images", "unsigned")}`, `docker://${name}:1`);
      await pushFixture(form, name);
      const other = newName(plain.host);
      await copy(`docker://${name}:1`, `docker://${other}:1`);
      for (const each of [name, other]) {
        const words = [
          "--policy",
          policy(requirement),
          "policy",
          "check",
          "--tls-verify=false",
          `docker://${each}:1`,
        ];
        expect(await ours(words)).toMatchObject({ exitCode: 0 });
      }
    });
  }
});

function exactly(type: "exactReference" | "exactRepository", suffix: string): object {
  const key = type === "exactReference" ? "dockerReference" : "dockerRepository";
  return { signedIdentity: { type, [key]: `example.com/fixtures/signed${suffix}` } };
}

/** Puts the very bytes that a tool has pushed. */
async function pushFixture(form: string, name: string): Promise<void> {
  const read = (file: string): Buffer => readFileSync(join(FIXTURES, "attachments", form, file));
  const [host = "", ...path] = name.split("/");
  const base = `http://${host}/v2/${path.join("/")}`;
  for (const file of ["config.json", "layer-1.json"]) {
    const bytes = read(file);
    const begun = await fetch(`${base}/blobs/uploads/`, { method: "POST" });
    const location = new URL(begun.headers.get("location") ?? "", base);
    location.searchParams.set("digest", sha256(bytes));
    expect((await fetch(location, { method: "PUT", body: bytes })).status).toBe(201);
  }
  const put = async (reference: string, mediaType: string, body: Buffer): Promise<void> => {
    const headers = { "Content-Type": mediaType };
    expect((await fetch(`${base}/manifests/${reference}`, { method: "PUT", headers, body })).status).toBe(
      201,
    );
  };
  const manifest = read("manifest.json");
  const tag = DIGEST.replace(":", "-");
  const isReferrer = existsSync(join(FIXTURES, "attachments", form, "fallback-index.json"));
  await put(
    isReferrer ? sha256(manifest) : `${tag}.sig`,
    "application/vnd.oci.image.manifest.v1+json",
    manifest,
  );
  if (isReferrer) await put(tag, "application/vnd.oci.image.index.v1+json", read("fallback-index.json"));
}
