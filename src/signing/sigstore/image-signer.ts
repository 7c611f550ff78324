import type { KeyObject } from "node:crypto";
import type { OperationOptions } from "../../core/byte-stream.ts";
import type { ImageSigner } from "../../core/signature.ts";
import { SIMPLE_SIGNING } from "../../core/sigstore-types.ts";
import { manifestDigest } from "../../format/manifest-digest.ts";
import { formatSigstorePayload } from "../payload.ts";
import { ANNOTATION } from "./attachment.ts";
import { formatPem } from "./pem.ts";
import { exportPublicKey } from "./public-key.ts";
import type { RekorEntry } from "./rekor.ts";

/** A private key, and what tells others whose it is. */
export interface SigstoreKey {
  /** Of a kind that sigstore knows: ECDSA, Ed25519, RSA. */
  readonly privateKey: KeyObject;
  /** PEM of the certificate of a key that was made for one run, and of the authorities above it. */
  readonly certificate?: { readonly leaf: Uint8Array; readonly chain: Uint8Array } | undefined;
}

/** A signature that a transparency log is to record. */
export interface LogEntry {
  /** What was signed. */
  readonly payload: Uint8Array;
  /** Over the payload. */
  readonly signature: Uint8Array;
  /** PEM of the public key, or of its certificate. */
  readonly signer: Uint8Array;
}

/** Where signatures are recorded for all to see. */
export interface TransparencyLog {
  /** Gives the log's promise as the text of an annotation. Signing reference 3.5. */
  recordSignature(entry: LogEntry, options: OperationOptions): Promise<string>;
  /**
   * Records an envelope, and gives what the log has of it.
   * @param envelope - DSSE, as JSON
   * @param signer - PEM of the public key, or of its certificate
   */
  recordEnvelope(envelope: string, signer: Uint8Array, options: OperationOptions): Promise<RekorEntry>;
}

/** What signatures are made with. */
export interface SigstoreSignerOptions {
  /** The key that signs. */
  readonly key: SigstoreKey;
  /** Without one, signatures are not recorded. */
  readonly log?: TransparencyLog | undefined;
}

/** Signs images as skopeo and cosign 2 do. Signing reference 3.1 and 3.2. */
export function sigstoreImageSigner({ key, log }: SigstoreSignerOptions): ImageSigner {
  return {
    method: "a sigstore signature",
    sign: async (manifest, dockerReference, options = {}) => {
      const digest = manifestDigest(manifest.bytes);
      const payload = formatSigstorePayload({ manifestDigest: digest, dockerReference });
      const signature = signBytes(key.privateKey, payload);
      const promise = await log?.recordSignature({ payload, signature, signer: signerPem(key) }, options);
      const annotations = {
        [ANNOTATION.signature]: Buffer.from(signature).toString("base64"),
        ...(promise === undefined ? {} : { [ANNOTATION.bundle]: promise }),
        ...certificateAnnotations(key),
      };
      return { kind: "sigstore", mimeType: SIMPLE_SIGNING, payload, annotations };
    },
  };
}

/** SHA-256 with ECDSA, as DER, and with RSA, PKCS #1 version 1.5; Ed25519 as it is. Signing reference 3.1. */
export function signBytes(privateKey: KeyObject, data: Uint8Array): Uint8Array {
  const { sign } = process.getBuiltinModule("node:crypto");
  const hash = privateKey.asymmetricKeyType === "ed25519" ? null : "sha256";
  return sign(hash, data, { key: privateKey, dsaEncoding: "der" });
}

/** Who a log is told that signatures are by: PEM of the certificate, or of the public key. */
export function signerPem({ certificate, privateKey }: SigstoreKey): Uint8Array {
  if (certificate !== undefined) return certificate.leaf;
  const { createPublicKey } = process.getBuiltinModule("node:crypto");
  return formatPem({ label: "PUBLIC KEY", bytes: exportPublicKey(createPublicKey(privateKey)) });
}

function certificateAnnotations({ certificate }: SigstoreKey): Readonly<Record<string, string>> {
  if (certificate === undefined) return {};
  const [leaf, chain] = [certificate.leaf, certificate.chain].map((pem) => new TextDecoder().decode(pem));
  return { [ANNOTATION.certificate]: leaf ?? "", [ANNOTATION.chain]: chain ?? "" };
}
