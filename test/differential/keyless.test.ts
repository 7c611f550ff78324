import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseSignatureBlob } from "../../src/core/signature.ts";
import { FIXTURES, REFERENCE } from "../signing/fixtures.ts";
import { type MockSigstore, startMockSigstore } from "../signing/keyless/mock-sigstore.ts";
import { temporary } from "../support/images.ts";
import { peerPath } from "../support/peers.ts";
import { fatalMessage, type Outcome, run, runOurs } from "../support/run.ts";

/** Signing by a parameter file, with a mock of Fulcio and Rekor: what we sign real skopeo verifies, and we what it signs. */
const SKOPEO = peerPath("skopeo 1.22");
if (SKOPEO === undefined)
  console.error("LEFT OUT for want of skopeo 1.22: keyless signatures, compared with it");

type Tool = (words: readonly string[]) => Promise<Outcome>;
const ours: Tool = (words) => runOurs(words);
const tools: readonly Tool[] = SKOPEO === undefined ? [ours] : [ours, (words) => run([SKOPEO, ...words])];

const EMAIL = "signer@example.com";
const KEY = {
  privateKeyFile: join(FIXTURES, "sigstore", "pass.private"),
  privateKeyPassphraseFile: join(FIXTURES, "passphrase.txt"),
};
let sigstore: MockSigstore;

beforeAll(async () => {
  sigstore = await startMockSigstore();
});
afterAll(async () => await sigstore?.[Symbol.asyncDispose]());

function write(name: string, content: object | string): string {
  const file = join(temporary("keyless"), name);
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
}

async function sign(tool: Tool, parameters: object | string): Promise<{ outcome: Outcome; image: string }> {
  const image = join(temporary("keyless"), "image");
  const flags = ["--sign-by-sigstore", write("parameters.yaml", parameters), "--sign-identity", REFERENCE];
  const source = `dir:${join(FIXTURES, "images", "unsigned")}`;
  return { outcome: await tool(["--insecure-policy", "copy", ...flags, source, `dir:${image}`]), image };
}

async function decide(tool: Tool, requirement: object, image: string): Promise<string> {
  const signedIdentity = { type: "exactReference", dockerReference: REFERENCE };
  const policy = write("policy.json", {
    default: [{ type: "sigstoreSigned", ...requirement, signedIdentity }],
  });
  const outcome = await tool([
    "--policy",
    policy,
    "copy",
    `dir:${image}`,
    `dir:${join(temporary("ok"), "image")}`,
  ]);
  return outcome.exitCode === 0 ? "" : fatalMessage(outcome);
}

const encoded = (text: string): string => Buffer.from(text).toString("base64");
const fulcio = (more: object): object => ({
  rekorPublicKeyData: encoded(sigstore.rekorPublicKeyPem),
  fulcio: { caData: encoded(sigstore.caPem), oidcIssuer: sigstore.issuerUrl, subjectEmail: EMAIL, ...more },
});

describe("a parameter file", () => {
  test("for a certificate and a log makes signatures that all accept, for this identity only", async () => {
    for (const signer of tools) {
      const parameters = {
        fulcio: { fulcioURL: sigstore.fulcioUrl, oidcMode: "staticToken", oidcIDToken: sigstore.idToken() },
        rekorURL: sigstore.rekorUrl,
      };
      const { outcome, image } = await sign(signer, parameters);
      expect(outcome).toMatchObject({ exitCode: 0 });
      const signature = parseSignatureBlob(readFileSync(join(image, "signature-1")));
      expect(signature.kind === "sigstore" && Object.keys(signature.annotations)).toEqual([
        "dev.cosignproject.cosign/signature",
        "dev.sigstore.cosign/bundle",
        "dev.sigstore.cosign/certificate",
        "dev.sigstore.cosign/chain",
      ]);
      for (const tool of tools) {
        expect(await decide(tool, fulcio({}), image)).toBe("");
        const others = { subjectEmail: "other@example.com" };
        expect(await decide(tool, fulcio(others), image)).toContain(
          'Required email "other@example.com" not found',
        );
        const issuer = { oidcIssuer: "https://other.example.com" };
        expect(await decide(tool, fulcio(issuer), image)).toContain("Unexpected Fulcio OIDC issuer");
      }
    }
  });

  test("for a key and a log makes signatures that all accept, and none accepts without the log's key", async () => {
    for (const signer of tools) {
      const { outcome, image } = await sign(signer, { ...KEY, rekorURL: sigstore.rekorUrl });
      expect(outcome).toMatchObject({ exitCode: 0 });
      const keyPath = join(FIXTURES, "sigstore", "pass.pub");
      for (const tool of tools) {
        const recorded = { keyPath, rekorPublicKeyData: encoded(sigstore.rekorPublicKeyPem) };
        expect(await decide(tool, recorded, image)).toBe("");
        const elsewhere = { keyPath, rekorPublicKeyPath: join(FIXTURES, "sigstore", "rekor.pub") };
        expect(await decide(tool, elsewhere, image)).toContain(
          "cryptographic signature verification of Rekor SET failed",
        );
      }
    }
  });

  test("for a login with another device shows what to do, and signs after it", async () => {
    const login = { oidcMode: "deviceGrant", oidcIssuerURL: sigstore.issuerUrl, oidcClientID: "sigstore" };
    const parameters = { fulcio: { fulcioURL: sigstore.fulcioUrl, ...login }, rekorURL: sigstore.rekorUrl };
    const { outcome, image } = await sign(ours, parameters);
    expect(outcome).toMatchObject({ exitCode: 0, stdout: "" });
    expect(outcome.stderr).toMatch(/Enter the verification code \S+ in your browser at: http/);
    for (const tool of tools) expect(await decide(tool, fulcio({}), image)).toBe("");
  });

  const mistakes: Readonly<Record<string, object | string>> = {
    "that is empty": "",
    "with an unknown key": { ...KEY, color: "red" },
    "without a key": { rekorURL: "http://127.0.0.1:1" },
    "with a key and Fulcio": {
      ...KEY,
      fulcio: { fulcioURL: "http://127.0.0.1:1", oidcMode: "staticToken", oidcIDToken: "x" },
    },
    "without Fulcio's address": { fulcio: { oidcMode: "staticToken", oidcIDToken: "x" } },
    "without a token": { fulcio: { fulcioURL: "http://127.0.0.1:1", oidcMode: "staticToken" } },
    "without an issuer": { fulcio: { fulcioURL: "http://127.0.0.1:1", oidcMode: "deviceGrant" } },
    "without a mode": { fulcio: { fulcioURL: "http://127.0.0.1:1", oidcIssuerURL: "http://127.0.0.1:1" } },
    "with an unknown mode": {
      fulcio: { fulcioURL: "http://127.0.0.1:1", oidcMode: "x", oidcIssuerURL: "http://127.0.0.1:1" },
    },
    "with a key that is missing": { ...KEY, privateKeyFile: "/missing/key" },
    "with the wrong passphrase": { ...KEY, privateKeyPassphraseFile: join(FIXTURES, "passphrase-wrong.txt") },
  };
  for (const [title, parameters] of Object.entries(mistakes)) {
    test(`${title} is refused before anything is copied`, async () => {
      const outcomes = await Promise.all(tools.map((tool) => sign(tool, parameters)));
      for (const { outcome } of outcomes) {
        expect(outcome.exitCode).toBe(1);
        expect(outcome.stdout + outcome.stderr).not.toContain("Writing manifest");
      }
      const [mine = "", theirs = mine] = outcomes.map(({ outcome }) => fatalMessage(outcome));
      expect(mine).toStartWith("Error using --sign-by-sigstore: ");
      expect(gist(mine)).toBe(gist(theirs));
    });
  }
});

test("a parameter file that is missing is told as by real skopeo", async () => {
  const words = ["--insecure-policy", "copy", "--sign-by-sigstore", "/missing/file", "dir:a", "dir:b"];
  for (const tool of tools) {
    expect(fatalMessage(await tool(words))).toBe(
      'Error using --sign-by-sigstore: setting up signing using parameter file "/missing/file": reading "/missing/file": open /missing/file: no such file or directory',
    );
  }
});

/** Without names of files, and without what a library of either side says of a document's form. */
function gist(message: string): string {
  return message.replaceAll(/\/tmp\/[^"]*/g, "FILE").replace(/(parsing "FILE": ).*$/s, "$1…");
}
