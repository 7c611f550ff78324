import type { KeyObject } from "node:crypto";
import * as v from "valibot";
import { decodeBase64 } from "../../core/base64.ts";
import { computeDigest, digestHex } from "../../core/digest.ts";
import { ImageError } from "../../core/errors.ts";
import { parseStrictJson } from "../../core/strict-json.ts";
import { readOnlyPemBlock } from "./pem.ts";

/** What a transparency log must have recorded. */
export interface RecordedSignature {
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
  /** DER of the public key or certificate that the signature is by. */
  readonly signer: Uint8Array;
}

const Base64 = v.pipe(
  v.string(),
  v.transform((text) => decodeBase64(text, "SIGNATURE_INVALID")),
);
const Integer = v.pipe(v.number(), v.safeInteger());
const SetSchema = v.strictObject({
  SignedEntryTimestamp: Base64,
  Payload: v.strictObject({
    body: v.string(),
    integratedTime: Integer,
    logIndex: Integer,
    logID: v.string(),
  }),
});

/** Of a record only this is looked at. */
const RecordSchema = v.object({
  kind: v.literal("hashedrekord"),
  apiVersion: v.literal("0.0.1"),
  spec: v.object({
    data: v.object({ hash: v.object({ algorithm: v.literal("sha256"), value: v.string() }) }),
    signature: v.object({ content: Base64, publicKey: v.object({ content: Base64 }) }),
  }),
});

/**
 * Checks the promise of a Rekor log to have recorded a signature. No log is asked. Signing reference 3.5.
 * @param annotation the text of `dev.sigstore.cosign/bundle`
 * @returns when the log has recorded it
 * @throws {ImageError} SIGNATURE_INVALID
 */
export async function verifyRekorSet(
  annotation: string,
  rekorKeys: readonly KeyObject[],
  recorded: RecordedSignature,
): Promise<Date> {
  const set = parse(SetSchema, new TextEncoder().encode(annotation), "Rekor SET");
  await checkPromise(set, rekorKeys);
  const record = parse(
    RecordSchema,
    decodeBase64(set.Payload.body, "SIGNATURE_INVALID"),
    "Rekor SET: the record",
  );
  const { data, signature } = record.spec;
  const key = readOnlyPemBlock(signature.publicKey.content);
  if (key === undefined || !isEqual(key.bytes, recorded.signer)) {
    throw invalid("publicKey in Rekor SET does not match");
  }
  if (!isEqual(signature.content, recorded.signature)) throw invalid("signature in Rekor SET does not match");
  if (data.hash.value.toLowerCase() !== digestHex(computeDigest(recorded.payload))) {
    throw invalid("hash of the payload in Rekor SET does not match");
  }
  return new Date(set.Payload.integratedTime * 1000);
}

/** Which key is not told by the log's own ID, as upstream has it: one of those that are trusted must fit. */
async function checkPromise(set: v.InferOutput<typeof SetSchema>, keys: readonly KeyObject[]): Promise<void> {
  const { verify } = process.getBuiltinModule("node:crypto");
  const { json } = await import("@sigstore/core");
  const signed = new TextEncoder().encode(json.canonicalize(set.Payload));
  const isPromised = keys.some((key) =>
    verify("sha256", signed, { key, dsaEncoding: "der" }, set.SignedEntryTimestamp),
  );
  if (!isPromised) throw invalid("cryptographic signature verification of Rekor SET failed");
}

function parse<Schema extends v.GenericSchema>(
  schema: Schema,
  bytes: Uint8Array,
  what: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, parseStrictJson(bytes, { code: "SIGNATURE_INVALID" }));
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw invalid(`${what} cannot be read: ${v.getDotPath(issue) ?? "it"} is not what it should be`);
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

function invalid(message: string): ImageError {
  return new ImageError("SIGNATURE_INVALID", message);
}
