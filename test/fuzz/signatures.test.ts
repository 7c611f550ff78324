import { expect, test } from "bun:test";
import { createPublicKey } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { parseDigest } from "../../src/core/digest.ts";
import { formatSignatureBlob, parseSignatureBlob, type Signature } from "../../src/core/signature.ts";
import { parseBundle } from "../../src/signing/bundle/bundle.ts";
import { readKeyring, splitKeys, toBinary } from "../../src/signing/openpgp/keyring.ts";
import { readSignedMessage, SIGNATURE_LIMIT } from "../../src/signing/openpgp/message.ts";
import { readPackets } from "../../src/signing/openpgp/packets.ts";
import { readIssuer, verifySignedMessage } from "../../src/signing/openpgp/verify.ts";
import { formatSimplePayload, parseSigstorePayload, parseSimplePayload } from "../../src/signing/payload.ts";
import { readCertificates, subjectNames } from "../../src/signing/sigstore/certificate.ts";
import { parseIdToken } from "../../src/signing/sigstore/id-token.ts";
import { formatPem, readOnlyPemBlock, readPemBlocks } from "../../src/signing/sigstore/pem.ts";
import { readPrivateKeyFile } from "../../src/signing/sigstore/private-key-file.ts";
import { readPublicKey } from "../../src/signing/sigstore/public-key.ts";
import { verifyRekorSet } from "../../src/signing/sigstore/rekor-set.ts";
import { parseSigningParameters } from "../../src/signing/sigstore/signing-parameters.ts";
import { dumpUntrustedSignature } from "../../src/signing/simple/untrusted.ts";
import { DIGEST, FIXTURES, fixture } from "../signing/fixtures.ts";
import { sampleText } from "./corpus.ts";
import { answersOrRefuses, holds } from "./fuzz.ts";
import { anyBytes, damaged, damagedJson, damagedText, mutated, oddText } from "./inputs.ts";

const blobs = (prefix: string): readonly Uint8Array[] =>
  readdirSync(join(FIXTURES, "blobs"))
    .filter((name) => name.startsWith(prefix) && name.endsWith(".sig"))
    .map((name) => fixture(`blobs/${name}`));
const GPG = blobs("gpg-");
const SIGSTORE = blobs("sigstore-");
const KEYS = ["plain.pub.gpg", "plain.pub.asc", "subkey.pub.gpg", "revoked.pub.gpg", "plain.sec.gpg"].map(
  (name) => fixture(`gpg/${name}`),
);
const annotationsOf = (blob: Uint8Array): Readonly<Record<string, string>> => {
  const signature = parseSignatureBlob(blob);
  return signature.kind === "sigstore" ? signature.annotations : {};
};
const annotations = (name: string): readonly string[] =>
  SIGSTORE.flatMap((blob) => annotationsOf(blob)[name] ?? []);
const CERTIFICATES = [
  ...annotations("dev.sigstore.cosign/certificate"),
  ...annotations("dev.sigstore.cosign/chain"),
];
const REKOR_SETS = annotations("dev.sigstore.cosign/bundle");
const PAYLOAD = readFileSync(join(FIXTURES, "blobs", "gpg-payload.json"), "utf8");

test("signature blobs are read or refused", async () => {
  await answersOrRefuses(damaged([...GPG.slice(0, 3), ...SIGSTORE]), (blob) => {
    const signature = parseSignatureBlob(blob);
    if (signature.kind === "sigstore")
      expect(parseSignatureBlob(formatSignatureBlob(signature))).toEqual(signature);
  });
});

test("a sigstore signature of any content is kept in its blob", async () => {
  const bytes = fc.uint8Array({ maxLength: 100 }).map((array) => Buffer.from(array));
  const text = fc.string({ unit: "grapheme" });
  const signatures = fc.record({
    kind: fc.constant("sigstore" as const),
    mimeType: text,
    payload: bytes,
    annotations: fc.dictionary(text, text, { noNullPrototype: true }),
    referrer: fc.option(fc.record({ manifest: bytes, config: bytes }), { nil: undefined }),
  });
  await holds(signatures, (signature: Signature) => {
    expect(parseSignatureBlob(formatSignatureBlob(signature))).toEqual(signature);
  });
});

test("OpenPGP messages are taken apart, and dumped, or refused", async () => {
  await answersOrRefuses(
    damaged(GPG),
    async (blob) => {
      const message = await readSignedMessage(blob);
      expect(message.payload.length).toBeLessThanOrEqual(SIGNATURE_LIMIT);
      await readIssuer(message);
      await dumpUntrustedSignature(blob);
    },
    { runs: 800 },
  );
});

test("a message is verified only if its payload is the one that was signed", async () => {
  const keyring = await readKeyring([fixture("gpg/all.pub.gpg")]);
  const good = ["gpg-rsa", "gpg-zlib", "gpg-ed25519", "gpg-bzip2", "gpg-v3-packet"].map((name) =>
    fixture(`blobs/${name}.sig`),
  );
  const payloads = new Set<string>();
  for (const blob of good) payloads.add(hex((await verifySignedMessage(blob, keyring)).payload));
  await answersOrRefuses(
    mutated(good),
    async (blob) => {
      const { payload } = await verifySignedMessage(blob, keyring);
      expect(payloads.has(hex(payload))).toBe(true);
    },
    { runs: 200 },
  );
});

test("packets are split without losing or inventing a byte, and keys are read from anything", async () => {
  await answersOrRefuses(damaged([...GPG, ...KEYS]), (bytes) => {
    const packets = readPackets(bytes, 1000);
    expect(packets.at(-1)?.end ?? 0).toBe(bytes.length);
  });
  await answersOrRefuses(
    damaged(KEYS),
    async (bytes) => {
      for (const block of await toBinary(bytes)) splitKeys(block);
      await readKeyring([bytes, fixture("gpg/plain.pub.gpg")]);
    },
    { runs: 100 },
  );
});

test("payloads are read or refused, and read as they were written", async () => {
  await answersOrRefuses(damagedJson([PAYLOAD]), (bytes) => {
    parseSimplePayload(bytes);
  });
  await answersOrRefuses(
    damagedJson([PAYLOAD.replace("atomic container", "cosign container image")]),
    (bytes) => {
      parseSigstorePayload(bytes);
    },
  );
  await holds(fc.string({ unit: "grapheme", minLength: 1 }), (dockerReference) => {
    const manifestDigest = parseDigest(DIGEST);
    expect(parseSimplePayload(formatSimplePayload({ manifestDigest, dockerReference }))).toMatchObject({
      manifestDigest,
      dockerReference,
    });
  });
});

test("PEM is read or refused, and read as it was written", async () => {
  const corpus = [fixture("sigstore/cosign.pub"), fixture("sigstore/cosign.key"), ...CERTIFICATES];
  await answersOrRefuses(damaged(corpus), (bytes) => {
    const blocks = readPemBlocks(bytes);
    const only = readOnlyPemBlock(bytes);
    if (only !== undefined) expect(blocks).toEqual([only]);
    readPublicKey(bytes);
  });
  await holds(fc.tuple(fc.stringMatching(/^[A-Z0-9 ]{0,20}$/), anyBytes), ([label, bytes]) => {
    expect(readOnlyPemBlock(formatPem({ label, bytes }))).toEqual({ label, bytes: new Uint8Array(bytes) });
  });
});

test("PEM of many beginnings takes no longer than its length", () => {
  const beginnings = Array.from({ length: 100_000 }, (_, index) => `-----BEGIN ${index}-----\nAAAA\n`).join(
    "",
  );
  const start = performance.now();
  expect(readPemBlocks(Buffer.from(beginnings))).toEqual([]);
  expect(performance.now() - start).toBeLessThan(2_000);
  const [block] = readPemBlocks(Buffer.from(`${beginnings}-----BEGIN A-----\nAAAA\n-----END A-----\n`));
  expect(block).toEqual({ label: "A", bytes: new Uint8Array(3) });
});

test("certificates are read or refused", async () => {
  expect(CERTIFICATES).not.toBeEmpty();
  const ders = CERTIFICATES.flatMap((pem) => readPemBlocks(Buffer.from(pem)).map(({ bytes }) => bytes));
  const pems = mutated(ders).map((bytes) => formatPem({ label: "CERTIFICATE", bytes }));
  await answersOrRefuses(fc.oneof(pems, damaged(CERTIFICATES)), async (bytes) => {
    for (const certificate of await readCertificates(bytes)) await subjectNames(certificate);
  });
});

test("what a Rekor log promised is checked or refused", async () => {
  expect(REKOR_SETS).not.toBeEmpty();
  const keys = [createPublicKey(Buffer.from(fixture("sigstore/cosign.pub")))];
  const recorded = { payload: new Uint8Array(), signature: new Uint8Array(), signer: new Uint8Array() };
  await answersOrRefuses(damagedJson(REKOR_SETS), async (bytes) => {
    await verifyRekorSet(new TextDecoder().decode(bytes), keys, recorded);
  });
});

test("bundles of sigstore are read or refused", async () => {
  await answersOrRefuses(
    damagedJson([sampleText("bundle.json"), sampleText("bundle-message.json")]),
    parseBundle,
    { runs: 600 },
  );
});

test("private keys are read or refused, without much memory", async () => {
  const key = new TextDecoder().decode(fixture("sigstore/cosign.key"));
  const [block] = readPemBlocks(Buffer.from(key));
  const label = block?.label ?? "";
  const documents = damagedJson([new TextDecoder().decode(block?.bytes)]);
  const files = documents.map((bytes) => formatPem({ label, bytes }));
  await answersOrRefuses(fc.oneof(files, damaged([key])), (bytes) => readPrivateKeyFile(bytes, ""), {
    runs: 20,
  });
});

test("parameters for signing are read or refused", async () => {
  const corpus = [
    "privateKeyFile: /a\nprivateKeyPassphraseFile: /b\nrekorURL: https://rekor.example.com\n",
    "fulcio:\n  fulcioURL: https://f.example.com\n  oidcMode: staticToken\n  oidcIDToken: a.b.c\n  oidcIssuerURL: https://o\n",
    "&a [*a]",
    "[".repeat(500),
    "a: &a [x,x]\nb: [*a,*a]", // prettier-ignore
  ];
  await answersOrRefuses(damaged(corpus), async (bytes) => {
    await parseSigningParameters(bytes, "parameters.yaml");
  });
});

test("tokens of identity are read or refused", async () => {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const token = `${part({ alg: "RS256" })}.${part({ iss: "https://a", sub: "b", email: "c@d", email_verified: true })}.AAAA`;
  await answersOrRefuses(damagedText([token]), parseIdToken);
  const claims = damagedJson([
    JSON.stringify({ iss: "https://a", sub: "b", email: "c@d", email_verified: "true" }),
  ]);
  await answersOrRefuses(fc.tuple(claims, oddText), ([bytes]) =>
    parseIdToken(`e30.${Buffer.from(bytes).toString("base64url")}.AAAA`),
  );
});

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
