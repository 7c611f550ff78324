import type { KeyObject } from "node:crypto";
import type { Descriptor } from "../../core/descriptor.ts";
import { computeDigest, type Digest, digestHex } from "../../core/digest.ts";
import { ImageError } from "../../core/errors.ts";
import { OCI_MANIFEST } from "../../core/media-type.ts";
import { BUNDLE } from "../../core/sigstore-types.ts";
import { formatGoJson } from "../../format/go-json.ts";
import { signBytes } from "../sigstore/image-signer.ts";
import type { RekorEntry } from "../sigstore/rekor.ts";
import { formatStatement, preAuthenticationEncoding, SIGNATURE_PREDICATE, STATEMENT_TYPE } from "./dsse.ts";
import { keyHint } from "./key-hint.ts";

export interface BundleRequest {
  /** Of the image: sha256. */
  readonly manifestDigest: Digest;
  readonly privateKey: KeyObject;
  /** DER of the certificate of a key that was made for one run. */
  readonly certificate?: Uint8Array | undefined;
  /** Has the envelope, as JSON, recorded by a transparency log. */
  readonly record?: ((envelope: string) => Promise<RekorEntry>) | undefined;
  /** Are signed with it. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/**
 * Signs a manifest as cosign does since version 3. The name of the image is not part of it. Signing reference 4.3.
 * @throws {ImageError} UNSUPPORTED_OPERATION for kinds of keys and digests that cannot be used
 */
export async function createBundle(request: BundleRequest): Promise<{ readonly bundle: Uint8Array }> {
  const { manifestDigest, privateKey, annotations } = request;
  if (!manifestDigest.startsWith("sha256:")) {
    throw unsupported(`a bundle cannot be for ${manifestDigest}: only SHA-256 is in use there`);
  }
  const payload = formatStatement(digestHex(manifestDigest), annotations);
  const signature = signEnvelope(privateKey, preAuthenticationEncoding(STATEMENT_TYPE, payload));
  const envelope = {
    payload: base64(payload),
    payloadType: STATEMENT_TYPE,
    signatures: [{ sig: base64(signature) }],
  };
  const entry = await request.record?.(JSON.stringify(envelope));
  const document = {
    mediaType: BUNDLE,
    verificationMaterial: {
      ...signerMaterial(request),
      ...(entry === undefined ? {} : { tlogEntries: [logEntry(entry)] }),
    },
    dsseEnvelope: envelope,
  };
  return { bundle: new TextEncoder().encode(JSON.stringify(document)) };
}

function signerMaterial({ certificate, privateKey }: BundleRequest): object {
  if (certificate !== undefined) return { certificate: { rawBytes: base64(certificate) } };
  const { createPublicKey } = process.getBuiltinModule("node:crypto");
  return { publicKey: { hint: keyHint(createPublicKey(privateKey)) } };
}

/** What a log answers, as bundles have it: numbers are texts there, and hexadecimal is base64. */
function logEntry({ body, integratedTime, logID, logIndex, verification }: RekorEntry): object {
  const { inclusionProof: proof, signedEntryTimestamp } = verification;
  if (proof === undefined) {
    throw unsupported("a bundle cannot be made: the log has given no proof of what it has recorded");
  }
  const { checkpoint, hashes, rootHash, treeSize } = proof;
  return {
    logIndex: String(logIndex),
    logId: { keyId: fromHex(logID) },
    kindVersion: { kind: "dsse", version: "0.0.1" },
    integratedTime: String(integratedTime),
    inclusionPromise: { signedEntryTimestamp },
    inclusionProof: {
      logIndex: String(proof.logIndex),
      rootHash: fromHex(rootHash),
      treeSize: String(treeSize),
      hashes: hashes.map(fromHex),
      checkpoint: { envelope: checkpoint },
    },
    canonicalizedBody: body,
  };
}

function fromHex(text: string): string {
  return Buffer.from(text, "hex").toString("base64");
}

/**
 * SHA-256 with keys of all curves: cosign signs with a longer digest where the curve is longer, and refuses to verify that by
 * a key.
 */
function signEnvelope(key: KeyObject, data: Uint8Array): Uint8Array {
  const type = key.asymmetricKeyType;
  if (type === "ec" || type === "rsa" || type === "ed25519") return signBytes(key, data);
  throw unsupported(`bundles cannot be signed with a key of type ${type}`);
}

export interface BundleManifestRequest {
  readonly bundle: Uint8Array;
  /** The manifest of the image. */
  readonly subject: Descriptor;
  /** The present, in milliseconds since 1970. */
  readonly now?: number | undefined;
}

/** What is pushed for a bundle: two blobs, and a manifest that refers to the image, by its digest. */
export interface BundleManifest {
  readonly manifest: Uint8Array;
  readonly config: Uint8Array;
  readonly layer: Descriptor;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Signing reference 4.2. */
export function bundleManifest({ bundle, subject, now }: BundleManifestRequest): BundleManifest {
  const config = new TextEncoder().encode("{}");
  const layer = { mediaType: BUNDLE, size: bundle.length, digest: computeDigest(bundle) };
  const annotations = {
    "dev.sigstore.bundle.content": "dsse-envelope",
    "dev.sigstore.bundle.predicateType": SIGNATURE_PREDICATE,
    "org.opencontainers.image.created": `${new Date(now ?? Date.now()).toISOString().slice(0, 19)}Z`,
  };
  const document = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: {
      mediaType: "application/vnd.oci.empty.v1+json",
      size: config.length,
      digest: computeDigest(config),
      artifactType: BUNDLE,
    },
    layers: [layer],
    annotations,
    subject: { mediaType: subject.mediaType, size: subject.size, digest: subject.digest },
    artifactType: BUNDLE,
  };
  return { manifest: new TextEncoder().encode(formatGoJson(document)), config, layer, annotations };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function unsupported(message: string): ImageError {
  return new ImageError("UNSUPPORTED_OPERATION", message);
}
