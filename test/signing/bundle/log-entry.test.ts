import { describe, expect, test } from "bun:test";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { BundleTrust } from "../../../src/signing/bundle/verify-bundle.ts";
import { DIGEST, manifest } from "../fixtures.ts";
import { envelopeBundle, flipped, type Json, refusalOf, replaced, signEnvelope } from "./bundle-maker.ts";
import { type EntryOptions, envelopeRecord, hashedRecord, type Recorded, TestLog } from "./test-log.ts";

const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const PEM = pemOf(publicKey);
const OTHER = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey;
const LOG = new TestLog();
const ENVELOPE = signEnvelope(privateKey);
const RECORDED: Recorded = { hashed: ENVELOPE.payload, signature: ENVELOPE.signature, signer: PEM };
const TRUST = trusting(LOG.publicKey);

function pemOf(key: KeyObject): string {
  return String(key.export({ format: "pem", type: "spki" }));
}

function trusting(...rekorKeys: readonly KeyObject[]): BundleTrust {
  return { kind: "keys", publicKeys: [publicKey], rekorKeys };
}

function bundleWith(...tlogEntries: readonly Json[]): Json {
  return envelopeBundle(ENVELOPE, { publicKey: {}, tlogEntries });
}

function entry(options: EntryOptions = {}, recorded: Partial<Recorded> = {}): Json {
  return LOG.record(envelopeRecord({ ...RECORDED, ...recorded }), options);
}

describe("a log entry", () => {
  test("is needed only where keys of logs are trusted", async () => {
    const bundle = bundleWith();
    expect(await refusalOf(bundle, { kind: "keys", publicKeys: [publicKey], rekorKeys: undefined })).toBe("");
    expect(await refusalOf(bundle, TRUST)).toBe(
      "sigstore bundle: it has no log entry, and the policy asks for one",
    );
    expect(await refusalOf(bundleWith(entry()), trusting())).toContain("by none of the trusted keys");
  });

  test("is accepted with a promise, with a proof, and with both", async () => {
    expect(await refusalOf(bundleWith(entry()), TRUST)).toBe("");
    expect(await refusalOf(bundleWith(entry()), trusting(OTHER, LOG.publicKey))).toBe("");
    expect(await refusalOf(bundleWith(entry({ withPromise: false })), TRUST)).toBe("");
    const first = replaced(
      bundleWith(entry({ withProof: false })),
      "mediaType",
      "application/vnd.dev.sigstore.bundle+json;version=0.1",
    );
    expect(await refusalOf(first, TRUST)).toBe("");
  });

  test("must have what its version asks for", async () => {
    const promised = bundleWith(entry({ withProof: false }));
    expect(await refusalOf(promised, TRUST)).toContain("a log entry lacks its inclusion proof");
    const type = (version: string): string => `application/vnd.dev.sigstore.bundle+json;version=${version}`;
    expect(await refusalOf(replaced(promised, "mediaType", type("0.2")), TRUST)).toContain("lacks its");
    const proven = replaced(bundleWith(entry({ withPromise: false })), "mediaType", type("0.1"));
    expect(await refusalOf(proven, TRUST)).toContain("a log entry lacks its inclusion promise");
  });

  test("is accepted wherever it is in a tree of whatever size", async () => {
    for (let size = 1; size <= 17; size++) {
      for (let index = 0; index < size; index++) {
        const bundle = bundleWith(entry({ index, size, withPromise: false }));
        expect(await refusalOf(bundle, TRUST), `${index} of ${size}`).toBe("");
      }
    }
  });

  test("is accepted as a record of a hash", async () => {
    const recorded = { ...RECORDED, hashed: ENVELOPE.encoded };
    expect(await refusalOf(bundleWith(LOG.record(hashedRecord(recorded))), TRUST)).toBe("");
    const digest = { algorithm: "SHA2_256", digest: Buffer.from(DIGEST.slice(7), "hex").toString("base64") };
    const signature = sign("sha256", manifest, privateKey);
    const record = LOG.record(hashedRecord({ hashed: manifest, signature, signer: PEM }));
    const message = {
      mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
      verificationMaterial: { publicKey: {}, tlogEntries: [record] },
      messageSignature: { messageDigest: digest, signature: signature.toString("base64") },
    };
    expect(await refusalOf(message, TRUST)).toBe("");
    const envelope = LOG.record(envelopeRecord({ hashed: manifest, signature, signer: PEM }));
    expect(await refusalOf(replaced(message, "verificationMaterial.tlogEntries", [envelope]), TRUST)).toBe(
      'sigstore bundle: log entries of kind "dsse 0.0.1" are not supported here',
    );
  });

  test("is accepted of a log that signs with Ed25519", async () => {
    const log = new TestLog("ed25519");
    expect(await refusalOf(bundleWith(log.record(envelopeRecord(RECORDED))), trusting(log.publicKey))).toBe(
      "",
    );
  });

  test("is enough when there are others that are bad", async () => {
    const bad = new TestLog().record(envelopeRecord(RECORDED));
    expect(await refusalOf(bundleWith(bad, entry()), TRUST)).toBe("");
    expect(await refusalOf(bundleWith(bad, bad), TRUST)).toMatch(/promise is signed by none.*; .*by none/);
  });

  const others: readonly (readonly [string, Partial<Recorded>, string])[] = [
    ["key", { signer: pemOf(OTHER) }, "the log has recorded another key or certificate"],
    ["signature", { signature: Buffer.from("other") }, "the log has recorded another signature"],
    ["payload", { hashed: Buffer.from("other") }, "the log has recorded a signature of other content"],
    ["key and more", { signer: PEM + PEM }, "the log has recorded another key or certificate"],
  ];
  for (const [title, recorded, reason] of others) {
    test(`is refused of another ${title}`, async () => {
      expect(await refusalOf(bundleWith(entry({}, recorded)), TRUST)).toBe(`sigstore bundle: ${reason}`);
    });
  }

  test("is refused of a kind that is not known, and of another than it says", async () => {
    const unknown = LOG.record({ ...envelopeRecord(RECORDED), kind: "intoto" });
    expect(await refusalOf(bundleWith(unknown), TRUST)).toContain('of kind "intoto 0.0.1" are not supported');
    const next = LOG.record({ ...envelopeRecord(RECORDED), apiVersion: "0.0.2" });
    expect(await refusalOf(bundleWith(next), TRUST)).toContain('of kind "dsse 0.0.2" are not supported');
    const odd = LOG.record({ kind: "dsse", apiVersion: "0.0.1" });
    expect(await refusalOf(bundleWith(odd), TRUST)).toContain("log entry: spec is missing");
  });

  const ENTRY = "verificationMaterial.tlogEntries.0";
  const PROMISE = "the log's inclusion promise is signed by none of the trusted keys";
  const NOTE = `${ENTRY}.inclusionProof.checkpoint.envelope`;
  const bundle = bundleWith(entry());
  const note = String(pick(bundle, NOTE));
  const tampered: readonly (readonly [string, Json, string])[] = [
    ["index", replaced(bundle, `${ENTRY}.logIndex`, "7"), PROMISE],
    ["time", replaced(bundle, `${ENTRY}.integratedTime`, "1700000000"), PROMISE],
    ["time left out", replaced(bundle, `${ENTRY}.integratedTime`, undefined), PROMISE],
    ["log", flipped(bundle, `${ENTRY}.logId.keyId`), PROMISE],
    ["body", flipped(bundle, `${ENTRY}.canonicalizedBody`, 60), PROMISE],
    ["promise", flipped(bundle, `${ENTRY}.inclusionPromise.signedEntryTimestamp`, 20), PROMISE],
    ["kind", replaced(bundle, `${ENTRY}.kindVersion.kind`, "hashedrekord"), "of another kind than it is"],
    ["version", replaced(bundle, `${ENTRY}.kindVersion.version`, "0.0.2"), "of another kind than it is"],
    [
      "index in the tree",
      replaced(bundle, `${ENTRY}.inclusionProof.logIndex`, "6"),
      "does not lead to the root",
    ],
    ["index beyond", replaced(bundle, `${ENTRY}.inclusionProof.logIndex`, "99"), "does not lead to the root"],
    [
      "size",
      replaced(bundle, `${ENTRY}.inclusionProof.treeSize`, "12"),
      "for another tree than its checkpoint",
    ],
    ["root", flipped(bundle, `${ENTRY}.inclusionProof.rootHash`), "for another tree than its checkpoint"],
    ["hash", flipped(bundle, `${ENTRY}.inclusionProof.hashes.1`), "does not lead to the root"],
    ["path", replaced(bundle, `${ENTRY}.inclusionProof.hashes`, []), "does not lead to the root"],
    ["origin", replaced(bundle, NOTE, note.replace("log.", "dog.")), "checkpoint is signed by none"],
    ["size there", replaced(bundle, NOTE, note.replace("\n11\n", "\n12\n")), "checkpoint is signed by none"],
    ["form", replaced(bundle, NOTE, "log\n1\nAAAA\n"), "checkpoint has no signature"],
    ["signer", replaced(bundle, NOTE, note.split("\u2014")[0]), "checkpoint is signed by none"],
    ["number", replaced(bundle, `${ENTRY}.logIndex`, "-1"), "logIndex is not what it should be"],
    ["large number", replaced(bundle, `${ENTRY}.logIndex`, `9${"0".repeat(17)}`), "logIndex is not"],
    ["members", replaced(bundle, `${ENTRY}.more`, "x"), "more is not known"],
  ];
  for (const [part, changed, reason] of tampered) {
    test(`is refused with another ${part}`, async () => {
      expect(await refusalOf(changed, TRUST)).toStartWith("sigstore bundle: ");
      expect(await refusalOf(changed, TRUST)).toContain(reason);
    });
  }

  test("is refused with any byte of it changed", async () => {
    const bytes = new TextEncoder().encode(JSON.stringify(bundle));
    for (let index = 0; index < bytes.length; index += 3) {
      const changed = new Uint8Array(bytes);
      changed[index] = (changed[index] ?? 0) ^ (1 << (index % 8));
      // The name of a log, and the hint of its key, beside a signature are for those who have many keys.
      const reason = await refusalOf(changed, TRUST);
      if (reason === "") expect(isBesideSignature(changed, index)).toBe(true);
    }
  });

  function isBesideSignature(bytes: Uint8Array, index: number): boolean {
    const before = new TextDecoder().decode(bytes.slice(index - 30, index + 1));
    return /\u2014 \S+ ?\S{0,6}$/.test(before) || before.includes("\ufffd");
  }
});

function pick(value: Json, path: string): unknown {
  return path.split(".").reduce<unknown>((place, key) => (place as Json)[key], value);
}
