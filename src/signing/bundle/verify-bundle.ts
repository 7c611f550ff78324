import type { KeyObject } from "node:crypto";
import type { OperationOptions } from "../../core/byte-stream.ts";
import { computeDigest, digestAlgorithm } from "../../core/digest.ts";
import { ImageError, inContext } from "../../core/errors.ts";
import { manifestDigest } from "../../format/manifest-digest.ts";
import { type Certificate, parseCertificate } from "../sigstore/certificate.ts";
import { checkFulcioLeaf, checkPkiLeaf } from "../sigstore/certified-key.ts";
import { formatPem } from "../sigstore/pem.ts";
import { exportPublicKey, findSigner, isSignedBy } from "../sigstore/public-key.ts";
import type { KeySource } from "../trust.ts";
import { type Bundle, type BundleContent, type BundleSigner, parseBundle } from "./bundle.ts";
import { parseSignedSubjects, preAuthenticationEncoding } from "./dsse.ts";
import { keyHint } from "./key-hint.ts";
import { type RecordedContent, verifyLogEntries } from "./log-entry.ts";

/** Whose bundles count. Signing reference 1.6. */
export type BundleTrust = KeyTrust | FulcioTrust | PkiTrust;

export interface KeyTrust {
  readonly kind: "keys";
  readonly publicKeys: readonly KeyObject[];
  /** Keys of transparency logs, one of which must have recorded the signature. Without them log entries are ignored. */
  readonly rekorKeys: readonly KeyObject[] | undefined;
}

export interface FulcioTrust {
  readonly kind: "fulcio";
  /** DER of certificates, each of which is an anchor. */
  readonly authorities: readonly Uint8Array[];
  readonly oidcIssuer: string;
  readonly subjectEmail: string;
  readonly rekorKeys: readonly KeyObject[];
}

export interface PkiTrust {
  readonly kind: "pki";
  /** DER of certificates, each of which is an anchor. */
  readonly roots: readonly Uint8Array[];
  readonly intermediates: readonly Uint8Array[];
  readonly subjectEmail?: string | undefined;
  readonly subjectHostname?: string | undefined;
}

/** The image that a bundle must be for. No bundle tells its name. */
export interface BundledImage {
  /** The bytes that are going to be used. */
  readonly manifest: Uint8Array;
  readonly manifestDigest: string;
}

export interface BundleOptions extends OperationOptions {
  /** The present, in milliseconds since 1970, for certificates of one's own authority. */
  readonly now?: number | undefined;
}

/** What a bundle tells of the name of what it is for. */
export interface SignedName {
  /** Undefined in most bundles, which are for a digest only. */
  readonly dockerReference: string | undefined;
}

/** What was signed, and how. */
interface SignedContent {
  readonly bytes: Uint8Array;
  readonly payload: Uint8Array | undefined;
  readonly signature: Uint8Array;
}

/**
 * Checks that somebody who is trusted has signed the manifest. Only then is what was signed looked at. Signing reference 4.3.
 * @throws {ImageError} SIGNATURE_INVALID, telling which check failed
 */
export async function verifyBundle(
  bytes: Uint8Array,
  trust: BundleTrust,
  image: BundledImage,
  options: BundleOptions = {},
): Promise<SignedName> {
  options.signal?.throwIfAborted();
  if (manifestDigest(image.manifest) !== image.manifestDigest) {
    throw invalid(`the manifest to check it for does not have the digest ${image.manifestDigest}`);
  }
  const bundle = parseBundle(bytes);
  const signed = signedContent(bundle.content, image);
  if (trust.kind === "keys") await verifyByKey(bundle, signed, trust);
  else await verifyByCertificate(bundle, signed, trust, new Date(options.now ?? Date.now()));
  return checkSubject(bundle.content, image);
}

function signedContent(content: BundleContent, { manifest }: BundledImage): SignedContent {
  const { signature } = content;
  if (content.kind === "message") return { bytes: manifest, payload: undefined, signature };
  const bytes = preAuthenticationEncoding(content.payloadType, content.payload);
  return { bytes, payload: content.payload, signature };
}

async function verifyByKey(
  { signer, logEntries }: Bundle,
  signed: SignedContent,
  { publicKeys, rekorKeys }: KeyTrust,
): Promise<void> {
  const key = await findSigner(hintedKeys(signer, publicKeys), signed.bytes, signed.signature);
  if (key === undefined) throw invalid("its signature is by none of the trusted keys");
  if (rekorKeys === undefined) return;
  const recorded = recordedContent(signed, exportPublicKey(key));
  await verifyLogEntries(logEntries, recorded, { keys: rekorKeys, needsTime: false });
}

/** A hint that names none of the trusted keys is wrong, or the bundle somebody else's. */
function hintedKeys(signer: BundleSigner, keys: readonly KeyObject[]): readonly KeyObject[] {
  if (signer.kind !== "key")
    throw invalid("it is signed with a certificate, and the policy trusts keys only");
  const { hint } = signer;
  const hinted = hint === "" ? keys : keys.filter((key) => keyHint(key) === hint);
  if (hinted.length > 0) return hinted;
  throw invalid(`its key, of which the hint is ${JSON.stringify(hint)}, is none of the trusted keys`);
}

async function verifyByCertificate(
  { signer, logEntries }: Bundle,
  signed: SignedContent,
  trust: FulcioTrust | PkiTrust,
  now: Date,
): Promise<void> {
  if (signer.kind !== "certificate") {
    throw invalid("it is signed with a key, and the policy asks for a certificate");
  }
  const [leaf, chain] = await inContext("sigstore bundle", async () => [
    await parseCertificate(signer.leaf),
    await Promise.all(signer.chain.map(parseCertificate)),
  ]);
  if (trust.kind === "pki") await checkOwnLeaf(leaf, chain, trust, now);
  else {
    // A short-lived certificate counts for when its signature was recorded, which a trusted log must have promised.
    const recorded = recordedContent(signed, leaf.x509.raw);
    const at = await verifyLogEntries(logEntries, recorded, { keys: trust.rekorKeys, needsTime: true });
    if (at === undefined) throw invalid("nobody vouches for the time of the signature");
    await checkIssuedLeaf(leaf, chain, trust, at);
  }
  const key = await inContext("sigstore bundle", async () => leaf.x509.publicKey, "SIGNATURE_INVALID");
  if (!(await isSignedBy(key, signed.bytes, signed.signature))) {
    throw invalid("its signature is not by the key of its certificate");
  }
}

/** Nobody vouches for the certificates of the bundle itself: paths may lead through them, and not end there. */
async function checkIssuedLeaf(
  leaf: Certificate,
  chain: readonly Certificate[],
  { authorities, oidcIssuer, subjectEmail }: FulcioTrust,
  at: Date,
): Promise<void> {
  const authority = {
    kind: "fulcio",
    authorities: pemSource(authorities),
    oidcIssuer,
    subjectEmail,
  } as const;
  await inContext("sigstore bundle", () => checkFulcioLeaf(leaf, chain, authority, at));
}

async function checkOwnLeaf(
  leaf: Certificate,
  chain: readonly Certificate[],
  { roots, intermediates, subjectEmail, subjectHostname }: PkiTrust,
  at: Date,
): Promise<void> {
  if (subjectEmail === undefined && subjectHostname === undefined) {
    throw invalid("the policy does not say whom certificates must be for");
  }
  const authority = {
    ...({ kind: "pki", subjectEmail, subjectHostname } as const),
    roots: pemSource(roots),
    intermediates: intermediates.length === 0 ? undefined : pemSource(intermediates),
  } as const;
  await inContext("sigstore bundle", () => checkPkiLeaf(leaf, chain, authority, at));
}

function pemSource(certificates: readonly Uint8Array[]): KeySource {
  return { kind: "data", data: certificates.map((bytes) => formatPem({ label: "CERTIFICATE", bytes })) };
}

function recordedContent({ bytes, payload, signature }: SignedContent, signer: Uint8Array): RecordedContent {
  return { signedBytes: bytes, payload, signature, signer };
}

/** Whether what was signed, and has been verified to be, is this image. */
function checkSubject(content: BundleContent, image: BundledImage): SignedName {
  if (content.kind === "message") {
    const digest = computeDigest(image.manifest, digestAlgorithm(content.digest));
    if (content.digest !== digest) throw invalid(`it is for ${content.digest} and not for ${digest}`);
    return { dockerReference: undefined };
  }
  const subjects = parseSignedSubjects(content.payloadType, content.payload);
  const subject = subjects.find(({ sha256 }) => `sha256:${sha256}` === image.manifestDigest);
  if (subject !== undefined) return subject;
  const found = subjects.map(({ sha256 }) => `sha256:${sha256}`).join(", ");
  throw invalid(`it is for ${found || "nothing"} and not for ${image.manifestDigest}`);
}

function invalid(reason: string): ImageError {
  return new ImageError("SIGNATURE_INVALID", `sigstore bundle: ${reason}`);
}
