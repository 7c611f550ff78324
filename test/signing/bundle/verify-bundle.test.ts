import { describe, expect, test } from "bun:test";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import fc from "fast-check";
import { parseDigest } from "../../../src/core/digest.ts";
import { createBundle } from "../../../src/signing/bundle/create-bundle.ts";
import type { BundleTrust } from "../../../src/signing/bundle/verify-bundle.ts";
import { readPublicKey } from "../../../src/signing/sigstore/public-key.ts";
import { DIGEST, fixture, manifest } from "../fixtures.ts";
import {
  encode,
  envelopeBundle,
  flipped,
  type Json,
  refusalOf,
  replaced,
  signEnvelope,
  statement,
} from "./bundle-maker.ts";

const FILE = fixture("attachments/cosign-bundle/layer-1.json");
const BUNDLE: Json = JSON.parse(new TextDecoder().decode(FILE));
const COSIGN = trusting(readPublicKey(fixture("sigstore/cosign.pub")));
const OTHER = readPublicKey(fixture("sigstore/other.pub"));

const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const OURS = trusting(publicKey);
const SIGN = envelopeBundle(signEnvelope(privateKey), { publicKey: {} });

function trusting(...publicKeys: readonly KeyObject[]): BundleTrust {
  return { kind: "keys", publicKeys, rekorKeys: undefined };
}

describe("a bundle of cosign's", () => {
  test("is accepted by its key, also among others", async () => {
    expect(await refusalOf(FILE, COSIGN)).toBe("");
    const key = readPublicKey(fixture("sigstore/cosign.pub"));
    expect(await refusalOf(FILE, trusting(OTHER, key))).toBe("");
  });

  test("is refused by another key, and by none", async () => {
    const reason = `sigstore bundle: its key, of which the hint is "AdKs3MAc42FmxXPHH0NXt3YIPSmYfFtezxTwFpdJVpw=", is none of the trusted keys`;
    expect(await refusalOf(FILE, trusting(OTHER))).toBe(reason);
    expect(await refusalOf(FILE, trusting())).toBe(reason);
    const unhinted = replaced(BUNDLE, "verificationMaterial.publicKey", {});
    expect(await refusalOf(unhinted, trusting(OTHER))).toBe(
      "sigstore bundle: its signature is by none of the trusted keys",
    );
    expect(await refusalOf(unhinted, COSIGN)).toBe("");
  });

  test("is refused for another image", async () => {
    const other = new TextEncoder().encode("another manifest");
    const sha256 = new Bun.CryptoHasher("sha256").update(other).digest("hex");
    const reason = `sigstore bundle: it is for ${DIGEST} and not for sha256:${sha256}`;
    const image = { manifest: other, manifestDigest: `sha256:${sha256}` };
    expect(await refusalOf(FILE, COSIGN, image)).toBe(reason);
    expect(await refusalOf(FILE, COSIGN, { manifest: other })).toContain("does not have the digest");
    expect(await refusalOf(FILE, COSIGN, { manifestDigest: image.manifestDigest })).toContain(
      "does not have the digest",
    );
  });

  test("is refused with any byte changed", async () => {
    for (let index = 0; index < FILE.length; index++) {
      for (const bit of [index % 8, (index + 3) % 8]) {
        const changed = new Uint8Array(FILE);
        changed[index] = (changed[index] ?? 0) ^ (1 << bit);
        expect(await refusalOf(changed, COSIGN), `byte ${index}, bit ${bit}`).not.toBe("");
      }
    }
  });

  test("is refused cut short, and with something after it", async () => {
    for (let length = 0; length < FILE.length; length += 13) {
      expect(await refusalOf(FILE.slice(0, length), COSIGN)).not.toBe("");
    }
    expect(await refusalOf(Buffer.concat([FILE, FILE]), COSIGN)).toContain("after top-level value");
  });

  const tampered: readonly (readonly [string, Json, string])[] = [
    ["payload", flipped(BUNDLE, "dsseEnvelope.payload", 90), "its signature is by none of the trusted keys"],
    [
      "type of the payload",
      replaced(BUNDLE, "dsseEnvelope.payloadType", "text/plain"),
      "its signature is by none",
    ],
    ["signature", flipped(BUNDLE, "dsseEnvelope.signatures.0.sig", 20), "its signature is by none"],
    [
      "form of the signature",
      flipped(BUNDLE, "dsseEnvelope.signatures.0.sig", 0),
      "its signature is by none",
    ],
    ["hint", flipped(BUNDLE, "verificationMaterial.publicKey.hint"), "is none of the trusted keys"],
    ["media type", replaced(BUNDLE, "mediaType", "application/json"), "its media type"],
    [
      "version",
      replaced(BUNDLE, "mediaType", "application/vnd.dev.sigstore.bundle.v0.9+json"),
      "its media type",
    ],
    [
      "number of signatures",
      replaced(BUNDLE, "dsseEnvelope.signatures", []),
      "dsseEnvelope.signatures must be one signature",
    ],
    ["envelope", replaced(BUNDLE, "dsseEnvelope", undefined), "exactly one of an envelope"],
    ["key", replaced(BUNDLE, "verificationMaterial", {}), "must be exactly one of"],
    ["members", replaced(BUNDLE, "dsseEnvelope.more", 1), "dsseEnvelope.more is not known"],
  ];
  for (const [part, bundle, reason] of tampered) {
    test(`is refused with another ${part}`, async () => {
      expect(await refusalOf(bundle, COSIGN)).toContain(`sigstore bundle: `);
      expect(await refusalOf(bundle, COSIGN)).toContain(reason);
    });
  }

  test("is refused with a signature twice, with a member twice, and with a certificate besides the key", async () => {
    const sig = { sig: "AAAA" };
    const envelope = BUNDLE.dsseEnvelope as { signatures: readonly unknown[] };
    for (const signatures of [
      [...envelope.signatures, sig],
      [sig, ...envelope.signatures],
    ]) {
      expect(await refusalOf(replaced(BUNDLE, "dsseEnvelope.signatures", signatures), COSIGN)).toContain(
        "dsseEnvelope.signatures must be one signature",
      );
    }
    const twice = new TextDecoder().decode(FILE).replace('"dsseEnvelope":', '"dsseEnvelope":{},$&');
    expect(await refusalOf(new TextEncoder().encode(twice), COSIGN)).toContain(
      'Duplicate key "dsseEnvelope"',
    );
    const certified = replaced(BUNDLE, "verificationMaterial.certificate", { rawBytes: "AAAA" });
    expect(await refusalOf(certified, COSIGN)).toContain("must be exactly one of");
  });

  test("is accepted in all the spellings of its media type", async () => {
    for (const version of ["0.1", "0.2", "0.3"]) {
      const mediaType = `application/vnd.dev.sigstore.bundle+json;version=${version}`;
      expect(await refusalOf(replaced(BUNDLE, "mediaType", mediaType), COSIGN)).toBe("");
    }
  });

  test("is refused where a certificate is asked for", async () => {
    const pki = { kind: "pki", roots: [], intermediates: [], subjectEmail: "a@b" } as const;
    expect(await refusalOf(FILE, pki)).toBe(
      "sigstore bundle: it is signed with a key, and the policy asks for a certificate",
    );
  });

  test("is not looked at once the run is cancelled", async () => {
    const signal = AbortSignal.abort();
    await expect(refusalOf(FILE, COSIGN, { signal })).rejects.toThrow("aborted");
  });
});

describe("a statement by a trusted key", () => {
  const refused: readonly (readonly [string, Json | string, string])[] = [
    [
      "that is an attestation",
      statement({ predicateType: "https://slsa.dev/provenance/v1" }),
      `its statement is an attestation ("https://slsa.dev/provenance/v1") and not a signature`,
    ],
    ["of another type", statement({ _type: "https://in-toto.io/Statement/v9" }), "is of the unknown type"],
    ["about nothing", statement({ subject: [] }), "it is for nothing and not for"],
    [
      "about something else",
      statement({ subject: [{ digest: { sha256: "0".repeat(64) } }] }),
      `it is for sha256:${"0".repeat(64)} and not for ${DIGEST}`,
    ],
    [
      "about the digest in another algorithm",
      statement({ subject: [{ digest: { sha512: DIGEST.slice(7) } }] }),
      "it is for nothing and not for",
    ],
    ["that is no JSON", "garbage", "in-toto statement: it cannot be read"],
    ["that says a thing twice", `{"subject":[],"subject":[]}`, 'Duplicate key "subject"'],
    ["without a subject", statement({ subject: null }), "subject is not what it should be"],
  ];
  for (const [title, content, reason] of refused) {
    test(`is refused: one ${title}`, async () => {
      const bundle = envelopeBundle(signEnvelope(privateKey, content), { publicKey: {} });
      expect(await refusalOf(bundle, OURS)).toContain(reason);
    });
  }

  test("is accepted when one of its subjects is the image", async () => {
    const [right] = statement().subject as readonly unknown[];
    const subject = [{ name: "other", digest: { sha256: "0".repeat(64) } }, right];
    const bundle = envelopeBundle(signEnvelope(privateKey, statement({ subject })), { publicKey: {} });
    expect(await refusalOf(bundle, OURS)).toBe("");
  });

  test("is refused in an envelope of another type", async () => {
    const signed = signEnvelope(privateKey, statement(), "application/json");
    const bundle = envelopeBundle(signed, { publicKey: {} });
    expect(await refusalOf(bundle, OURS)).toContain("its signature is by none");
    const retyped = replaced(bundle, "dsseEnvelope.payloadType", "application/json");
    expect(await refusalOf(retyped, OURS)).toContain('its payload is of type "application/json"');
  });
});

describe("a bundle of a signature of the manifest itself", () => {
  const bundle = {
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: { publicKey: {} },
    messageSignature: {
      messageDigest: {
        algorithm: "SHA2_256",
        digest: Buffer.from(DIGEST.slice(7), "hex").toString("base64"),
      },
      signature: sign("sha256", manifest, privateKey).toString("base64"),
    },
  };

  test("is accepted for it, and refused when anything is changed", async () => {
    expect(await refusalOf(bundle, OURS)).toBe("");
    expect(await refusalOf(flipped(bundle, "messageSignature.messageDigest.digest"), OURS)).toContain(
      "and not for",
    );
    expect(await refusalOf(flipped(bundle, "messageSignature.signature", 20), OURS)).toContain("by none of");
    const algorithm = "messageSignature.messageDigest.algorithm";
    expect(await refusalOf(replaced(bundle, algorithm, "SHA2_512"), OURS)).toContain("has not the length of");
    expect(await refusalOf(replaced(bundle, algorithm, "SHA3_256"), OURS)).toContain(algorithm);
    expect(await refusalOf({ ...bundle, dsseEnvelope: SIGN.dsseEnvelope }, OURS)).toContain("exactly one of");
  });

  test("is accepted with a longer digest, as cosign writes it for longer keys", async () => {
    const sha512 = new Bun.CryptoHasher("sha512").update(manifest).digest("base64");
    const longer = { algorithm: "SHA2_512", digest: sha512 };
    expect(await refusalOf(replaced(bundle, "messageSignature.messageDigest", longer), OURS)).toBe("");
  });

  test("is refused for another manifest, though it says otherwise", async () => {
    const other = new TextEncoder().encode("another manifest");
    const sha256 = new Bun.CryptoHasher("sha256").update(other).digest();
    const claims = replaced(bundle, "messageSignature.messageDigest.digest", sha256.toString("base64"));
    const image = { manifest: other, manifestDigest: `sha256:${sha256.toString("hex")}` };
    expect(await refusalOf(claims, OURS, image)).toContain("by none of the trusted keys");
  });
});

describe("a bundle of ours", () => {
  const kinds: Readonly<Record<string, { publicKey: KeyObject; privateKey: KeyObject }>> = {
    "P-256": generateKeyPairSync("ec", { namedCurve: "P-256" }),
    "P-384": generateKeyPairSync("ec", { namedCurve: "P-384" }),
    "P-521": generateKeyPairSync("ec", { namedCurve: "P-521" }),
    RSA: generateKeyPairSync("rsa", { modulusLength: 2048 }),
    Ed25519: generateKeyPairSync("ed25519"),
  };
  for (const [kind, pair] of Object.entries(kinds)) {
    test(`is accepted with a key of kind ${kind}, and refused with another one of it`, async () => {
      const request = { manifestDigest: parseDigest(DIGEST), privateKey: pair.privateKey };
      const { bundle } = await createBundle(request);
      expect(await refusalOf(bundle, trusting(pair.publicKey))).toBe("");
      expect(await refusalOf(bundle, trusting(publicKey))).toContain("is none of the trusted keys");
    });
  }
});

describe("anything", () => {
  test("that is too large is refused unread", async () => {
    const large = new Uint8Array(4 * 1024 * 1024 + 1).fill(0x20);
    expect(await refusalOf(large, COSIGN)).toContain("which is more than the 4194304 that are read");
    const padded = encode(replaced(BUNDLE, "dsseEnvelope.payload", "A".repeat(4_000_000)));
    expect(await refusalOf(padded, COSIGN)).toContain("its signature is by none");
  });

  test("that is no bundle is refused in words that a user can read", async () => {
    const anything = fc.oneof(
      fc.uint8Array(),
      fc.json().map((text) => new TextEncoder().encode(text)),
      fc.object({ key: fc.constantFrom(...keysOf(BUNDLE)) }).map((value) => encode(value as Json)),
    );
    await fc.assert(
      fc.asyncProperty(anything, async (bytes) => {
        expect(await refusalOf(bytes, COSIGN)).not.toBe("");
      }),
      { numRuns: 500 },
    );
  });

  test("in place of a member of a bundle is refused in words that a user can read", async () => {
    const paths = fc.constantFrom(...pathsOf(BUNDLE));
    await fc.assert(
      fc.asyncProperty(paths, fc.anything({ maxDepth: 2 }), async (path, value) => {
        const text = JSON.stringify(value);
        if (text === undefined) return;
        const changed = replaced(BUNDLE, path, JSON.parse(text));
        if (Bun.deepEquals(changed, BUNDLE)) return;
        const reason = await refusalOf(changed, COSIGN);
        // Without a hint all trusted keys are tried.
        const isHarmless = path.startsWith("verificationMaterial.publicKey") && reason === "";
        expect(reason === "" && !isHarmless).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});

function keysOf(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => [key, ...keysOf(member)]);
}

function pathsOf(value: unknown, above = ""): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => [
    `${above}${key}`,
    ...pathsOf(member, `${above}${key}.`),
  ]);
}
