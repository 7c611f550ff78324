import { beforeAll, describe, expect, test } from "bun:test";
import { createPrivateKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { bundleFromJSON } from "@sigstore/bundle";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";
import type { FulcioTrust, PkiTrust } from "../../../src/signing/bundle/verify-bundle.ts";
import { AUTHORITY, type Issued, TestPki } from "../sigstore/test-pki.ts";
import {
  certificateMaterial,
  derOf,
  envelopeBundle,
  flipped,
  type Json,
  refusalOf,
  replaced,
  signEnvelope,
} from "./bundle-maker.ts";
import { type EntryOptions, envelopeRecord, TestLog } from "./test-log.ts";

const EMAIL = "signer@example.com";
const ISSUER = "https://issuer.example.com";
const ENTRY = "verificationMaterial.tlogEntries.0";

const pki = new TestPki();
const log = new TestLog();
let root: Issued;
let middle: Issued;
let leaf: Issued;
let fulcio: FulcioTrust;
let own: PkiTrust;

function leafExtensions(email: string = EMAIL): readonly string[] {
  return [
    "keyUsage=critical,digitalSignature",
    "extendedKeyUsage=codeSigning",
    `subjectAltName=critical,email:${email}`,
    `1.3.6.1.4.1.57264.1.1=DER:${Buffer.from(ISSUER).toString("hex")}`,
    `1.3.6.1.4.1.57264.1.8=ASN1:UTF8String:${ISSUER}`,
  ];
}

beforeAll(async () => {
  root = await pki.issue({ name: "root", extensions: AUTHORITY });
  middle = await pki.issue({ name: "middle", by: root, extensions: AUTHORITY });
  leaf = await pki.issue({ name: "leaf", by: middle, extensions: leafExtensions() });
  const common = { kind: "fulcio", oidcIssuer: ISSUER, subjectEmail: EMAIL } as const;
  const authorities = [derOf(middle.pem), derOf(root.pem)];
  fulcio = { ...common, authorities, rekorKeys: [log.publicKey] };
  own = { kind: "pki", roots: [derOf(root.pem)], intermediates: [derOf(middle.pem)], subjectEmail: EMAIL };
});

function keyOf(issued: Issued): KeyObject {
  return createPrivateKey(readFileSync(issued.keyFile));
}

/** A bundle by a certificate, recorded by the log. */
function keyless(
  by: Issued = leaf,
  options: EntryOptions & { signedBy?: Issued; recorded?: Issued } = {},
): Json {
  const { signedBy = by, recorded = by } = options;
  const envelope = signEnvelope(keyOf(signedBy));
  const record = { hashed: envelope.payload, signature: envelope.signature, signer: recorded.pem };
  const tlogEntries = [log.record(envelopeRecord(record), options)];
  return envelopeBundle(envelope, { ...certificateMaterial(by.pem), tlogEntries });
}

/** The same with its chain, in the older form. */
function chained(bundle: Json, ...chain: readonly Issued[]): Json {
  const { certificate, ...material } = bundle.verificationMaterial as Json;
  const certificates = [
    certificate,
    ...chain.map(({ pem }) => ({ rawBytes: derOf(pem).toString("base64") })),
  ];
  return {
    ...bundle,
    mediaType: "application/vnd.dev.sigstore.bundle+json;version=0.2",
    verificationMaterial: { ...material, x509CertificateChain: { certificates } },
  };
}

describe("a bundle by a certificate of Fulcio's", () => {
  test("is accepted for its identity, and by the library of sigstore's own too", async () => {
    const bundle = keyless();
    expect(await refusalOf(bundle, fulcio)).toBe("");
    const certificates = [middle, root].map(({ pem }) => ({ rawBytes: derOf(pem).toString("base64") }));
    const trusted = TrustedRoot.fromJSON({
      mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
      tlogs: [
        {
          baseUrl: "https://log.example.com",
          hashAlgorithm: "SHA2_256",
          publicKey: {
            rawBytes: log.publicKey.export({ format: "der", type: "spki" }).toString("base64"),
            keyDetails: "PKIX_ECDSA_P256_SHA_256",
            validFor: { start: "2020-01-01T00:00:00Z" },
          },
          logId: { keyId: log.id.toString("base64") },
        },
      ],
      certificateAuthorities: [{ certChain: { certificates }, validFor: { start: "2020-01-01T00:00:00Z" } }],
    });
    const verifier = new Verifier(toTrustMaterial(trusted), { ctlogThreshold: 0 });
    const signer = verifier.verify(toSignedEntity(bundleFromJSON(bundle)));
    expect(signer.identity?.subjectAlternativeName).toBe(EMAIL);
  });

  test("is refused for another identity", async () => {
    const bundle = keyless();
    expect(await refusalOf(bundle, { ...fulcio, oidcIssuer: `${ISSUER}/` })).toBe(
      `sigstore bundle: Unexpected Fulcio OIDC issuer "${ISSUER}"`,
    );
    expect(await refusalOf(bundle, { ...fulcio, subjectEmail: "Signer@example.com" })).toBe(
      `sigstore bundle: Required email "Signer@example.com" not found (got ["${EMAIL}"])`,
    );
  });

  test("is refused by another authority, and by none", async () => {
    const other = await pki.issue({ name: "middle", extensions: AUTHORITY });
    const bundle = keyless();
    expect(await refusalOf(bundle, { ...fulcio, authorities: [derOf(other.pem)] })).toContain(
      "veryfing leaf certificate failed: x509: certificate signed by unknown authority",
    );
    expect(await refusalOf(bundle, { ...fulcio, authorities: [] })).toContain("no certificates found");
  });

  test("may lead through certificates of its own, and never ends at them", async () => {
    const trust = { ...fulcio, authorities: [derOf(root.pem)] };
    expect(await refusalOf(keyless(), trust)).toContain("signed by unknown authority");
    expect(await refusalOf(chained(keyless(), middle), trust)).toBe("");
    expect(await refusalOf(chained(keyless(), middle, root), trust)).toBe("");
    const evil = await pki.issue({ name: "root", extensions: AUTHORITY });
    const forged = await pki.issue({ name: "leaf", by: evil, extensions: leafExtensions() });
    expect(await refusalOf(chained(keyless(forged), evil), trust)).toContain("unknown authority");
    const old = { ...chained(keyless(), middle), mediaType: keyless().mediaType };
    expect(await refusalOf(old, trust)).toContain("a chain of certificates is not allowed");
  });

  test("is refused when the certificate was not valid as it was recorded", async () => {
    const past = keyless(leaf, { integratedTime: 1_700_000_000 });
    expect(await refusalOf(past, fulcio)).toContain("certificate has expired or is not yet valid");
    const later = Math.floor(Date.now() / 1000) + 40 * 86_400;
    expect(await refusalOf(keyless(leaf, { integratedTime: later }), fulcio)).toContain("has expired");
  });

  test("is accepted when the certificate has expired since", async () => {
    expect(await refusalOf(keyless(), fulcio, { now: Date.UTC(2100, 0) })).toBe("");
  });

  test("is refused when nobody vouches for the time", async () => {
    expect(await refusalOf(keyless(leaf, { withPromise: false }), fulcio)).toContain(
      "nobody vouches for the time of the signature",
    );
    expect(await refusalOf(replaced(keyless(), "verificationMaterial.tlogEntries", []), fulcio)).toContain(
      "it has no log entry",
    );
    expect(await refusalOf(keyless(), { ...fulcio, rekorKeys: [] })).toContain("by none of the trusted keys");
    const other = new TestLog().publicKey;
    expect(await refusalOf(keyless(), { ...fulcio, rekorKeys: [other] })).toContain("by none of the trusted");
  });

  test("is refused with a record of another certificate, and a signature by another key", async () => {
    const other = await pki.issue({ name: "leaf", by: middle, extensions: leafExtensions() });
    expect(await refusalOf(keyless(leaf, { recorded: other }), fulcio)).toContain(
      "another key or certificate",
    );
    expect(await refusalOf(keyless(leaf, { signedBy: other }), fulcio)).toBe(
      "sigstore bundle: its signature is not by the key of its certificate",
    );
  });

  test("is refused with a certificate that is not for signing code", async () => {
    const extensions = ["extendedKeyUsage=serverAuth", ...leafExtensions().slice(2)];
    const server = await pki.issue({ name: "leaf", by: middle, extensions });
    expect(await refusalOf(keyless(server), fulcio)).toContain("incompatible key usage");
  });

  test("is refused with a certificate without an issuer of identities", async () => {
    const plain = await pki.issue({ name: "leaf", by: middle, extensions: leafExtensions().slice(0, 3) });
    expect(await refusalOf(keyless(plain), fulcio)).toContain("is missing the issuer extension");
  });

  test("is refused where the policy trusts keys", async () => {
    const keys = { kind: "keys", publicKeys: [keyOf(leaf)], rekorKeys: undefined } as const;
    expect(await refusalOf(keyless(), keys)).toContain("it is signed with a certificate");
  });

  test("is refused with any byte of the certificate changed", async () => {
    const path = "verificationMaterial.certificate.rawBytes";
    const bundle = keyless();
    for (let index = 0; index < derOf(leaf.pem).length; index += 3) {
      expect(await refusalOf(flipped(bundle, path, index), fulcio)).not.toBe("");
    }
    expect(await refusalOf(replaced(bundle, path, "AAAA"), fulcio)).toContain("certificate cannot be read");
    expect(await refusalOf(replaced(bundle, path, "A"), fulcio)).toContain(`${path} is not base64`);
  });

  test("is refused with any part of its log entry changed", async () => {
    const bundle = keyless();
    for (const part of ["logId.keyId", "inclusionPromise.signedEntryTimestamp", "canonicalizedBody"]) {
      expect(await refusalOf(flipped(bundle, `${ENTRY}.${part}`, 20), fulcio)).toContain(
        "promise is signed by none",
      );
    }
  });
});

describe("a bundle by a certificate of one's own", () => {
  test("is accepted now, with the names that the policy asks for", async () => {
    const bundle = envelopeBundle(signEnvelope(keyOf(leaf)), certificateMaterial(leaf.pem));
    expect(await refusalOf(bundle, own)).toBe("");
    expect(await refusalOf(bundle, { ...own, subjectEmail: "other@example.com" })).toContain(
      "Required email",
    );
    expect(await refusalOf(bundle, { ...own, subjectHostname: "example.com" })).toContain(
      "Unexpected subject",
    );
    expect(await refusalOf(bundle, { ...own, subjectEmail: undefined })).toContain("does not say whom");
    const host = await pki.issue({ name: "h", by: middle, extensions: ["subjectAltName=DNS:*.example.com"] });
    const byHost = envelopeBundle(signEnvelope(keyOf(host)), certificateMaterial(host.pem));
    const trust = { ...own, subjectEmail: undefined, subjectHostname: "a.example.com" };
    expect(await refusalOf(byHost, trust)).toBe("");
    expect(await refusalOf(byHost, { ...trust, subjectHostname: "example.com" })).toContain("Unexpected");
  });

  test("is refused before and after its certificate is valid", async () => {
    const bundle = envelopeBundle(signEnvelope(keyOf(leaf)), certificateMaterial(leaf.pem));
    for (const now of [Date.UTC(2001, 0), Date.UTC(2100, 0)]) {
      expect(await refusalOf(bundle, own, { now })).toContain("expired or is not yet valid");
    }
  });

  test("is refused without its intermediate, and by another key", async () => {
    const bundle = envelopeBundle(signEnvelope(keyOf(leaf)), certificateMaterial(leaf.pem));
    expect(await refusalOf(bundle, { ...own, intermediates: [] })).toContain("unknown authority");
    expect(await refusalOf(chained(bundle, middle), { ...own, intermediates: [] })).toBe("");
    const forged = envelopeBundle(signEnvelope(keyOf(middle)), certificateMaterial(leaf.pem));
    expect(await refusalOf(forged, own)).toContain("not by the key of its certificate");
  });
});
