import type { KeyObject } from "node:crypto";
import * as v from "valibot";
import { computeDigest, digestHex } from "../../core/digest.ts";
import { errorMessage, ImageError } from "../../core/errors.ts";
import { readOnlyPemBlock } from "../sigstore/pem.ts";
import type { LogEntry } from "./bundle.ts";
import { verifyInclusion } from "./inclusion-proof.ts";
import { Base64, readJson } from "./json.ts";
import { isSignedByLog } from "./log-key.ts";

/** What a log must have recorded. */
export interface RecordedContent {
  /** What the signature is over. */
  readonly signedBytes: Uint8Array;
  /** Of an envelope, its payload. */
  readonly payload: Uint8Array | undefined;
  readonly signature: Uint8Array;
  /** DER of the public key or certificate. */
  readonly signer: Uint8Array;
}

export interface LogRules {
  readonly keys: readonly KeyObject[];
  /** A time counts only if the log has signed it, which it does in promises. */
  readonly needsTime: boolean;
}

const HashSchema = v.object({ algorithm: v.literal("sha256"), value: v.string() });
const HeaderSchema = v.object({ kind: v.string(), apiVersion: v.string() });
const HashedRecordSchema = v.object({
  spec: v.object({
    data: v.object({ hash: HashSchema }),
    signature: v.object({ content: Base64, publicKey: v.object({ content: Base64 }) }),
  }),
});
const EnvelopeRecordSchema = v.object({
  spec: v.object({
    payloadHash: HashSchema,
    signatures: v.pipe(v.array(v.object({ signature: Base64, verifier: Base64 })), v.length(1)),
  }),
});

/** The parts of a record that must be those of the bundle. */
interface LogRecord {
  readonly hash: string;
  readonly hashed: Uint8Array;
  readonly signature: Uint8Array;
  readonly signer: Uint8Array;
}

/**
 * Checks that a trusted log has recorded the signature, without asking it: one good entry is enough. Signing reference 4.3.
 * @returns when it was recorded; undefined when no time is vouched for
 * @throws {ImageError} SIGNATURE_INVALID
 */
export async function verifyLogEntries(
  entries: readonly LogEntry[],
  content: RecordedContent,
  rules: LogRules,
): Promise<Date | undefined> {
  const reasons: string[] = [];
  for (const entry of entries) {
    try {
      return await verifyEntry(entry, content, rules);
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      reasons.push(errorMessage(error));
    }
  }
  throw reasons.length === 0
    ? invalid("it has no log entry, and the policy asks for one")
    : new ImageError("SIGNATURE_INVALID", reasons.join("; "));
}

/** All the evidence that an entry has must be sound. */
async function verifyEntry(
  entry: LogEntry,
  content: RecordedContent,
  { keys, needsTime }: LogRules,
): Promise<Date | undefined> {
  const { inclusionPromise: promise, inclusionProof: proof, canonicalizedBody: body } = entry;
  if (promise !== undefined) await verifyPromise(entry, promise.signedEntryTimestamp, keys);
  // The checkpoint of a proof in the first bundles was optional; such a proof proves nothing.
  if (proof?.checkpoint !== undefined) verifyInclusion(body, proof, keys);
  else if (promise === undefined) throw invalid("a log entry has neither a promise nor a proof");
  checkRecord(entry, content);
  if (promise !== undefined) return new Date(entry.integratedTime * 1000);
  if (needsTime)
    throw invalid("its log entry has no inclusion promise, so nobody vouches for the time of the signature");
  return undefined;
}

async function verifyPromise(
  entry: LogEntry,
  timestamp: Uint8Array,
  keys: readonly KeyObject[],
): Promise<void> {
  const { json } = await import("@sigstore/core");
  const promised = {
    body: Buffer.from(entry.canonicalizedBody).toString("base64"),
    integratedTime: entry.integratedTime,
    logIndex: entry.logIndex,
    logID: Buffer.from(entry.logId?.keyId ?? []).toString("hex"),
  };
  const signed = new TextEncoder().encode(json.canonicalize(promised));
  if (!isSignedByLog(keys, signed, timestamp)) {
    throw invalid("the log's inclusion promise is signed by none of the trusted keys");
  }
}

function checkRecord({ kindVersion, canonicalizedBody: body }: LogEntry, content: RecordedContent): void {
  const { kind, apiVersion } = readJson(HeaderSchema, body, WHAT);
  if (kind !== kindVersion.kind || apiVersion !== kindVersion.version) {
    throw invalid("a log entry says to be of another kind than it is");
  }
  const record = readRecord(`${kind} ${apiVersion}`, body, content);
  const signer = readOnlyPemBlock(record.signer);
  if (signer === undefined || !isEqual(signer.bytes, content.signer)) {
    throw invalid("the log has recorded another key or certificate");
  }
  if (!isEqual(record.signature, content.signature)) throw invalid("the log has recorded another signature");
  if (record.hash.toLowerCase() !== digestHex(computeDigest(record.hashed))) {
    throw invalid("the log has recorded a signature of other content");
  }
}

function readRecord(kind: string, body: Uint8Array, content: RecordedContent): LogRecord {
  if (kind === "hashedrekord 0.0.1") {
    const { data, signature } = readJson(HashedRecordSchema, body, WHAT).spec;
    const { content: bytes, publicKey } = signature;
    return {
      hash: data.hash.value,
      hashed: content.signedBytes,
      signature: bytes,
      signer: publicKey.content,
    };
  }
  if (kind === "dsse 0.0.1" && content.payload !== undefined) {
    const { payloadHash, signatures } = readJson(EnvelopeRecordSchema, body, WHAT).spec;
    const [only] = signatures;
    if (only === undefined) throw invalid("the log has recorded no signature");
    return {
      ...{ hash: payloadHash.value, hashed: content.payload },
      ...{ signature: only.signature, signer: only.verifier },
    };
  }
  throw invalid(`log entries of kind ${JSON.stringify(kind)} are not supported here`);
}

const WHAT = "sigstore bundle: log entry";

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

function invalid(reason: string): ImageError {
  return new ImageError("SIGNATURE_INVALID", `sigstore bundle: ${reason}`);
}
