import * as v from "valibot";
import { type Digest, isDigest } from "../../core/digest.ts";
import { ImageError } from "../../core/errors.ts";
import { isBundleType } from "../../core/sigstore-types.ts";
import { Base64, Count, readJson } from "./json.ts";

/** A sigstore bundle as it was read: nothing in it has been verified. Signing reference 4.3. */
export interface Bundle {
  readonly signer: BundleSigner;
  readonly content: BundleContent;
  readonly logEntries: readonly LogEntry[];
}

export type BundleSigner =
  /** `hint` is base64 of the SHA-256 of the key, as cosign writes it; empty where the key is not told. */
  | { readonly kind: "key"; readonly hint: string }
  /** DER; `chain` begins with the issuer of the leaf, and is empty in today's bundles. */
  | { readonly kind: "certificate"; readonly leaf: Uint8Array; readonly chain: readonly Uint8Array[] };

export type BundleContent =
  | ({ readonly kind: "envelope" } & Envelope)
  /** A signature of the manifest itself; `digest` is what it says that it is over. */
  | { readonly kind: "message"; readonly digest: Digest; readonly signature: Uint8Array };

/** DSSE, with its only signature. */
export interface Envelope {
  readonly payload: Uint8Array;
  readonly payloadType: string;
  readonly signature: Uint8Array;
}

/** What a transparency log says that it has recorded. Numbers that are zero are left out of bundles. */
export interface LogEntry {
  readonly logIndex: number;
  readonly logId?: { readonly keyId: Uint8Array } | undefined;
  readonly kindVersion: { readonly kind: string; readonly version: string };
  /** Seconds since 1970; zero where the log tells no time. */
  readonly integratedTime: number;
  readonly inclusionPromise?: { readonly signedEntryTimestamp: Uint8Array } | undefined;
  readonly inclusionProof?: InclusionProof | undefined;
  readonly canonicalizedBody: Uint8Array;
}

/** Where an entry is in the tree of a log. RFC 6962, section 2.1. */
export interface InclusionProof {
  readonly logIndex: number;
  readonly rootHash: Uint8Array;
  readonly treeSize: number;
  readonly hashes: readonly Uint8Array[];
  readonly checkpoint?: { readonly envelope: string } | undefined;
}

const LIMIT: number = 4 * 1024 * 1024;

const InclusionProofSchema: v.GenericSchema<unknown, InclusionProof> = v.strictObject({
  logIndex: v.optional(Count, 0),
  rootHash: Base64,
  treeSize: Count,
  hashes: v.optional(v.pipe(v.array(Base64), v.maxLength(64)), []),
  checkpoint: v.optional(v.strictObject({ envelope: v.string() })),
});

const LogEntrySchema: v.GenericSchema<unknown, LogEntry> = v.strictObject({
  logIndex: v.optional(Count, 0),
  logId: v.optional(v.strictObject({ keyId: Base64 })),
  kindVersion: v.strictObject({ kind: v.string(), version: v.string() }),
  integratedTime: v.optional(Count, 0),
  inclusionPromise: v.optional(v.strictObject({ signedEntryTimestamp: Base64 })),
  inclusionProof: v.optional(InclusionProofSchema),
  canonicalizedBody: Base64,
});

const CertificateSchema = v.strictObject({ rawBytes: Base64 });

const MaterialSchema = v.strictObject({
  publicKey: v.optional(v.strictObject({ hint: v.optional(v.string(), "") })),
  certificate: v.optional(CertificateSchema),
  x509CertificateChain: v.optional(
    v.strictObject({ certificates: v.pipe(v.array(CertificateSchema), v.maxLength(10)) }),
  ),
  tlogEntries: v.optional(v.pipe(v.array(LogEntrySchema), v.maxLength(32)), []),
  // Policies name no authority of time, so these say nothing that anybody could rely on.
  timestampVerificationData: v.optional(
    v.strictObject({
      rfc3161Timestamps: v.optional(v.array(v.strictObject({ signedTimestamp: Base64 })), []),
    }),
  ),
});

const EnvelopeSchema = v.strictObject({
  payload: Base64,
  payloadType: v.string(),
  signatures: v.pipe(
    v.array(v.strictObject({ sig: Base64, keyid: v.optional(v.string(), "") })),
    v.check(({ length }) => length === 1, "must be one signature"),
  ),
});

const MessageSchema = v.strictObject({
  messageDigest: v.strictObject({
    algorithm: v.picklist(["SHA2_256", "SHA2_384", "SHA2_512"]),
    digest: Base64,
  }),
  signature: Base64,
});

const BundleSchema = v.strictObject({
  mediaType: v.string(),
  verificationMaterial: MaterialSchema,
  dsseEnvelope: v.optional(EnvelopeSchema),
  messageSignature: v.optional(MessageSchema),
});

/**
 * Reads a bundle of any version that is in use. What is not known is refused, as is what is there twice.
 * @throws {ImageError} SIGNATURE_INVALID
 */
export function parseBundle(bytes: Uint8Array): Bundle {
  if (bytes.length > LIMIT) {
    throw invalid(`it has ${bytes.length} bytes, which is more than the ${LIMIT} that are read`);
  }
  const document = readJson(BundleSchema, bytes, "sigstore bundle");
  const { mediaType, verificationMaterial: material } = document;
  if (!isBundleType(mediaType))
    throw invalid(`its media type ${JSON.stringify(mediaType)} is not that of a bundle`);
  checkEntries(mediaType, material.tlogEntries);
  const signer = readSigner(mediaType, material);
  return { signer, content: readContent(document), logEntries: material.tlogEntries };
}

function readSigner(mediaType: string, material: v.InferOutput<typeof MaterialSchema>): BundleSigner {
  const { publicKey, certificate, x509CertificateChain: chain } = material;
  const given = [publicKey, certificate, chain].filter((one) => one !== undefined);
  if (given.length !== 1) {
    throw invalid(
      "its verification material must be exactly one of a public key, a certificate, and a chain",
    );
  }
  if (publicKey !== undefined) return { kind: "key", hint: publicKey.hint };
  if (chain !== undefined && hasOnlyLeaf(mediaType)) {
    throw invalid("a chain of certificates is not allowed in a bundle of version 0.3");
  }
  const [leaf, ...others] = certificate === undefined ? (chain?.certificates ?? []) : [certificate];
  if (leaf === undefined) throw invalid("its chain of certificates is empty");
  return { kind: "certificate", leaf: leaf.rawBytes, chain: others.map(({ rawBytes }) => rawBytes) };
}

function readContent({ dsseEnvelope, messageSignature }: v.InferOutput<typeof BundleSchema>): BundleContent {
  if (dsseEnvelope !== undefined && messageSignature === undefined) {
    const { payload, payloadType, signatures } = dsseEnvelope;
    return { kind: "envelope", payload, payloadType, signature: signatures[0]?.sig ?? new Uint8Array() };
  }
  if (messageSignature !== undefined && dsseEnvelope === undefined) {
    const { messageDigest, signature } = messageSignature;
    return { kind: "message", digest: readDigest(messageDigest), signature };
  }
  throw invalid("it must have exactly one of an envelope and a message signature");
}

function readDigest({ algorithm, digest }: v.InferOutput<typeof MessageSchema>["messageDigest"]): Digest {
  const text = `${algorithm.replace("SHA2_", "sha")}:${Buffer.from(digest).toString("hex")}`;
  if (isDigest(text)) return text;
  throw invalid(`messageSignature.messageDigest.digest has not the length of ${algorithm}`);
}

/** Which of the two forms of evidence an entry must have depends on the version. */
function checkEntries(mediaType: string, entries: readonly LogEntry[]): void {
  const isFirst = mediaType.endsWith("version=0.1");
  for (const { inclusionPromise, inclusionProof } of entries) {
    if (isFirst && inclusionPromise === undefined) throw invalid("a log entry lacks its inclusion promise");
    if (isFirst) continue;
    if (inclusionProof?.checkpoint === undefined) {
      throw invalid("a log entry lacks its inclusion proof, or the proof its checkpoint");
    }
  }
}

function hasOnlyLeaf(mediaType: string): boolean {
  return mediaType.endsWith("version=0.3") || mediaType.endsWith("v0.3+json");
}

function invalid(reason: string): ImageError {
  return new ImageError("SIGNATURE_INVALID", `sigstore bundle: ${reason}`);
}
