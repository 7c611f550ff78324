import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseDockerName } from "../../../src/core/docker-name.ts";
import { parseSignatureBlob, type Signature } from "../../../src/core/signature.ts";
import { parsePolicy } from "../../../src/policy/policy-file.ts";
import { judgeSigstoreSigned } from "../../../src/signing/sigstore/signed-by.ts";
import type { SigstoreTrust } from "../../../src/signing/trust.ts";
import { fixture, manifest, REFERENCE } from "../fixtures.ts";

/** A good signature of each kind, of which one byte after the other is changed: none of what comes of it may be accepted. */
type Sigstore = Extract<Signature, { kind: "sigstore" }>;

const NOW = Date.UTC(2026, 10, 24);
const SIGNATURE = "dev.cosignproject.cosign/signature";
const CERTIFICATE = "dev.sigstore.cosign/certificate";
const CHAIN = "dev.sigstore.cosign/chain";
const SET = "dev.sigstore.cosign/bundle";

function load(name: string): Sigstore {
  const signature = parseSignatureBlob(fixture(`blobs/${name}.sig`));
  if (signature.kind !== "sigstore") throw new Error(`${name} is of another kind`);
  return signature;
}

function trustOf(policy: string): SigstoreTrust {
  const [requirement] = parsePolicy(fixture(`policies/${policy}.json`)).default;
  if (requirement?.type !== "sigstoreSigned") throw new Error(`${policy} asks for something else`);
  return requirement;
}

async function reasonFor(
  trust: SigstoreTrust,
  signature: Signature,
  bytes: Uint8Array = manifest,
): Promise<string> {
  const image = { manifest: bytes, dockerName: parseDockerName(REFERENCE) };
  const verdict = await judgeSigstoreSigned(trust, image, [signature], { now: NOW });
  return verdict.accepted ? "" : verdict.reason;
}

/** Words that only mistakes in a program are told with. */
const DEFECT = /undefined|is not a function|null is not|Cannot read|TypeError|RangeError|\[object/;

function withByte(bytes: Uint8Array, index: number): Uint8Array {
  const changed = new Uint8Array(bytes);
  changed[index] = (changed[index] ?? 0) ^ (1 << (index % 8));
  return changed;
}

function withAnnotation(signature: Sigstore, key: string, value: string): Sigstore {
  return { ...signature, annotations: { ...signature.annotations, [key]: value } };
}

const KINDS = {
  "by a key": { name: "sigstore-key", policy: "sigstore-pass" },
  "by a key, and recorded": { name: "sigstore-key-rekor", policy: "sigstore-key-rekor" },
  "by a certificate of Fulcio's": { name: "sigstore-fulcio-rekor", policy: "sigstore-fulcio" },
  "by a certificate of one's own": { name: "sigstore-pki", policy: "sigstore-pki" },
};

for (const [title, { name, policy }] of Object.entries(KINDS)) {
  describe(`a signature ${title}`, () => {
    const signature = load(name);
    const trust = trustOf(policy);

    async function expectRefusal(changed: Sigstore, bytes?: Uint8Array): Promise<void> {
      const reason = await reasonFor(trust, changed, bytes);
      expect(reason).not.toBe("");
      expect(reason).not.toMatch(DEFECT);
    }

    test("is good as it is", async () => {
      expect(await reasonFor(trust, signature)).toBe("");
    });

    test("is refused with any byte of its payload changed", async () => {
      for (let index = 0; index < signature.payload.length; index++) {
        await expectRefusal({ ...signature, payload: withByte(signature.payload, index) });
      }
    });

    test("is refused with any byte of the signature changed, and with none, and with less", async () => {
      const bytes = Buffer.from(signature.annotations[SIGNATURE] ?? "", "base64");
      for (let index = 0; index < bytes.length; index++) {
        const changed = Buffer.from(withByte(bytes, index)).toString("base64");
        await expectRefusal(withAnnotation(signature, SIGNATURE, changed));
        await expectRefusal(
          withAnnotation(signature, SIGNATURE, bytes.subarray(0, index).toString("base64")),
        );
      }
    });

    test("is refused for a manifest with any byte changed", async () => {
      for (let index = 0; index < manifest.length; index++) {
        await expectRefusal(signature, withByte(manifest, index));
      }
    });

    if (signature.annotations[CERTIFICATE] !== undefined) {
      test("is refused with any byte of its certificate changed", async () => {
        const pem = signature.annotations[CERTIFICATE] ?? "";
        const der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ""), "base64");
        for (let index = 0; index < der.length; index++) {
          const body = Buffer.from(withByte(der, index)).toString("base64").replaceAll(/.{64}/g, "$&\n");
          const changed = `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
          await expectRefusal(withAnnotation(signature, CERTIFICATE, changed));
        }
        await expectRefusal(withAnnotation(signature, CERTIFICATE, pem + pem));
        await expectRefusal(withAnnotation(signature, CERTIFICATE, ""));
      });

      test("is refused with a chain that is none", async () => {
        await expectRefusal(withAnnotation(signature, CHAIN, "garbage"));
      });
    }

    if (trust.rekorKeys !== undefined) {
      test("is refused with any character of the log's promise changed", async () => {
        const text = signature.annotations[SET] ?? "";
        for (let index = 0; index < text.length; index++) {
          // Of the last character before the padding not all bits count.
          if (text[index + 1] === "=") continue;
          const changed = Buffer.from(withByte(Buffer.from(text), index)).toString("latin1");
          await expectRefusal(withAnnotation(signature, SET, changed));
        }
        const { [SET]: _removed, ...others } = signature.annotations;
        expect(await reasonFor(trust, { ...signature, annotations: others })).toBe(
          `missing ${SET} annotation`,
        );
      });

      test("is refused with the promise for another signature", async () => {
        const [one = "", two = ""] = ["sigstore-key-rekor", "sigstore-fulcio-rekor"]
          .filter((other) => other !== name)
          .map((other) => load(other).annotations[SET]);
        expect(await reasonFor(trust, withAnnotation(signature, SET, one || two))).toContain(
          "in Rekor SET does not match",
        );
      });
    }

    test("is refused whatever else its annotations are, in words that a user can read", async () => {
      const keys = fc.constantFrom(SIGNATURE, CERTIFICATE, CHAIN, SET);
      await fc.assert(
        fc.asyncProperty(keys, fc.oneof(fc.string(), fc.json(), fc.base64String()), async (key, value) => {
          const reason = await reasonFor(trust, withAnnotation(signature, key, value));
          expect(reason).not.toMatch(DEFECT);
        }),
        { numRuns: 300 },
      );
    });

    test("is refused for another repository, another tag, and as the kind that it is not", async () => {
      const strict = { ...trust, signedIdentity: { type: "matchExact" } as const };
      for (const other of [
        "example.com/fixtures/other:v1",
        "example.com/fixtures/signed:v2",
        "example.org/fixtures/signed:v1",
      ]) {
        const image = { manifest, dockerName: parseDockerName(other) };
        const verdict = await judgeSigstoreSigned(strict, image, [signature], { now: NOW });
        expect(verdict.accepted ? "" : verdict.reason).toBe(
          `Signature for identity "${REFERENCE}" is not accepted`,
        );
      }
      const renamed = { ...signature, mimeType: "text/plain" };
      expect(await reasonFor(trust, renamed)).toContain("1 sigstore non-signature attachments");
    });
  });
}

test("thousands of bad signatures are refused in bounded time and words", async () => {
  const bad = { ...load("sigstore-key"), payload: new Uint8Array(1000) };
  const trust = trustOf("sigstore-pass");
  const image = { manifest, dockerName: undefined };
  const verdict = await judgeSigstoreSigned(
    trust,
    image,
    Array.from({ length: 5000 }, () => bad),
  );
  const reason = verdict.accepted ? "" : verdict.reason;
  expect(reason).toEndWith("; and 4990 more");
  expect(reason.length).toBeLessThan(2000);
});
