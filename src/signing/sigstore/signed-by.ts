import type { KeyObject } from "node:crypto";
import { decodeBase64 } from "../../core/base64.ts";
import type { OperationOptions } from "../../core/byte-stream.ts";
import { errorMessage, ImageError, isAbort } from "../../core/errors.ts";
import type { Signature } from "../../core/signature.ts";
import { isBundleType, SIMPLE_SIGNING } from "../../core/sigstore-types.ts";
import { manifestDigest } from "../../format/manifest-digest.ts";
import { parseSigstorePayload } from "../payload.ts";
import type { SigstoreTrust } from "../trust.ts";
import { checkPayload, refusal, type SignatureVerdict, type SignedImage } from "../verdict.ts";
import { ANNOTATION } from "./attachment.ts";
import { certifiedKey } from "./certified-key.ts";
import { exportPublicKey, findSigner, readPublicKeys, readRekorKeys } from "./public-key.ts";
import { verifyRekorSet } from "./rekor-set.ts";

export interface SigstoreOptions extends OperationOptions {
  /** The present, in milliseconds since 1970, for certificates of one's own authority. */
  readonly now?: number | undefined;
}

type SigstoreSignature = Extract<Signature, { kind: "sigstore" }>;

/**
 * Whether one of the sigstore signatures meets a `sigstoreSigned` requirement. Signatures of other kinds do not count.
 * The reasons are upstream's. Signing reference 1.5 to 1.7 and 3.
 */
export async function judgeSigstoreSigned(
  trust: SigstoreTrust,
  image: SignedImage,
  signatures: readonly Signature[],
  options: SigstoreOptions = {},
): Promise<SignatureVerdict> {
  const reasons: string[] = [];
  const others = { "non-sigstore": 0, "non-signature": 0 };
  for (const signature of signatures) {
    options.signal?.throwIfAborted();
    if (signature.kind !== "sigstore") others["non-sigstore"]++;
    else if (!isSignatureType(signature.mimeType)) others["non-signature"]++;
    else {
      try {
        if (isBundleType(signature.mimeType)) await checkBundle(trust, image, signature, options);
        else await checkSignature(trust, image, signature, options);
        return { accepted: true };
      } catch (error) {
        if (isAbort(error)) throw error;
        reasons.push(errorMessage(error));
      }
    }
  }
  return refusal(reasons, othersText(others["non-sigstore"], others["non-signature"]));
}

function isSignatureType(mimeType: string): boolean {
  return mimeType === SIMPLE_SIGNING || isBundleType(mimeType);
}

async function checkBundle(
  trust: SigstoreTrust,
  image: SignedImage,
  { payload }: SigstoreSignature,
  options: SigstoreOptions,
): Promise<void> {
  const { bundleTrust } = await import("../bundle/bundle-trust.ts");
  const { verifyBundle } = await import("../bundle/verify-bundle.ts");
  const digest = manifestDigest(image.manifest);
  const signed = { manifest: image.manifest, manifestDigest: digest };
  const { dockerReference } = await verifyBundle(payload, await bundleTrust(trust), signed, options);
  const rule = trust.signedIdentity;
  if (dockerReference !== undefined) {
    checkPayload({ manifestDigest: digest, dockerReference }, image, rule);
  } else if (rule.type !== "matchDigestOnly") {
    throw invalid(
      `the sigstore bundle names no image, only a digest, and cannot meet ${rule.type}: a policy that needs no name says "signedIdentity": {"type": "matchDigestOnly"}`,
    );
  }
}

function othersText(nonSigstore: number, nonSignature: number): string {
  if (nonSigstore + nonSignature === 0) return "";
  return ` (${nonSigstore} non-sigstore signatures, ${nonSignature} sigstore non-signature attachments)`;
}

/** Nothing of the payload is looked at before a trusted key has signed it. */
async function checkSignature(
  trust: SigstoreTrust,
  image: SignedImage,
  { payload, annotations }: SigstoreSignature,
  options: SigstoreOptions,
): Promise<void> {
  const signed = { payload, annotations, signature: readSignature(annotations) };
  const keys = await trustedKeys(trust, signed, options);
  if ((await findSigner(keys, payload, signed.signature)) === undefined) {
    throw invalid(
      `cryptographic signature verification failed: invalid signature when validating ASN.1 encoded signature`,
    );
  }
  checkPayload(parseSigstorePayload(payload), image, trust.signedIdentity);
}

function readSignature(annotations: SigstoreSignature["annotations"]): Uint8Array {
  const encoded = annotations[ANNOTATION.signature];
  if (encoded === undefined) throw missing(ANNOTATION.signature);
  return decodeBase64(encoded, "SIGNATURE_INVALID");
}

/** A signature, of which nothing is verified. */
export interface SignedPayload {
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
  readonly annotations: Readonly<Record<string, string>>;
}

/** The keys of which one must have signed. @throws {ImageError} SIGNATURE_INVALID */
async function trustedKeys(
  { authority, rekorKeys }: SigstoreTrust,
  signed: SignedPayload,
  { now = Date.now() }: SigstoreOptions,
): Promise<readonly KeyObject[]> {
  const logKeys = rekorKeys === undefined ? undefined : await readRekorKeys(rekorKeys);
  if (authority.kind !== "keys") return [await certifiedKey(authority, signed, logKeys ?? [], new Date(now))];
  const keys = await readPublicKeys(authority.keys);
  return logKeys === undefined ? keys : [await recordedKey(keys, logKeys, signed)];
}

/** The key that a log has recorded the signature of: no other one may have made it. */
async function recordedKey(
  keys: readonly KeyObject[],
  logKeys: readonly KeyObject[],
  { payload, signature, annotations }: SignedPayload,
): Promise<KeyObject> {
  const set = annotations[ANNOTATION.bundle];
  if (set === undefined) throw missing(ANNOTATION.bundle);
  const reasons: string[] = [];
  for (const key of keys) {
    try {
      await verifyRekorSet(set, logKeys, { payload, signature, signer: exportPublicKey(key) });
      return key;
    } catch (error) {
      reasons.push(errorMessage(error));
    }
  }
  throw invalid(`No public key verified against the RekorSET: ${reasons.join(", ")}`);
}

function missing(annotation: string): ImageError {
  return invalid(`missing ${annotation} annotation`);
}

function invalid(message: string): ImageError {
  return new ImageError("SIGNATURE_INVALID", message);
}
