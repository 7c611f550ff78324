import type { KeyObject } from "node:crypto";
import { errorMessage, ImageError } from "../../core/errors.ts";
import { type KeySource, readKeySource } from "../trust.ts";
import { readPemBlocks } from "./pem.ts";

/**
 * The public keys that a policy names. Signing reference 1.6.
 * @throws {ImageError} SIGNATURE_INVALID `parsing public key N: …`, N from 1
 */
export async function readPublicKeys(source: KeySource): Promise<readonly KeyObject[]> {
  const files = await readKeySource(source);
  return files.map((file, index) => {
    try {
      return readPublicKey(file);
    } catch (error) {
      throw invalid(`parsing public key ${index + 1}: ${errorMessage(error)}`, error);
    }
  });
}

/** The keys of transparency logs, which sign with ECDSA only. @throws {ImageError} SIGNATURE_INVALID */
export async function readRekorKeys(source: KeySource): Promise<readonly KeyObject[]> {
  const keys = await readPublicKeys(source);
  const other = keys.findIndex(({ asymmetricKeyType }) => asymmetricKeyType !== "ec");
  if (other >= 0) throw invalid(`Rekor public key ${other + 1} is not using ECDSA`);
  return keys;
}

/** The first block of a PEM file, as a key. @throws {ImageError} SIGNATURE_INVALID */
export function readPublicKey(file: Uint8Array): KeyObject {
  const { createPublicKey } = process.getBuiltinModule("node:crypto");
  const [block] = readPemBlocks(file);
  if (block === undefined) throw invalid("PEM decoding failed");
  const { label, bytes } = block;
  if (label !== "PUBLIC KEY" && label !== "RSA PUBLIC KEY") {
    throw invalid(`unknown Public key PEM file type: ${label}`);
  }
  try {
    return createPublicKey({
      key: Buffer.from(bytes),
      format: "der",
      type: label === "PUBLIC KEY" ? "spki" : "pkcs1",
    });
  } catch (error) {
    throw invalid("the public key cannot be read", error);
  }
}

/** The key as everybody writes it, SubjectPublicKeyInfo. */
export function exportPublicKey(key: KeyObject): Uint8Array {
  return key.export({ format: "der", type: "spki" });
}

/** Digests that a curve's signatures are made over: skopeo's for all of them, and cosign's for the longer ones. */
const CURVE_HASHES: Readonly<Record<string, readonly string[]>> = {
  secp384r1: ["sha256", "sha384"],
  secp521r1: ["sha256", "sha512"],
};

/**
 * Whether a signature over `data` is by this key. Besides what skopeo makes, what cosign makes with keys of other kinds
 * counts. Signing reference 3.1.
 */
export async function isSignedBy(key: KeyObject, data: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const { verify, constants } = process.getBuiltinModule("node:crypto");
  switch (key.asymmetricKeyType) {
    case "ec": {
      const curve = key.asymmetricKeyDetails?.namedCurve ?? "";
      return (CURVE_HASHES[curve] ?? ["sha256"]).some((hash) =>
        (["der", "ieee-p1363"] as const).some((dsaEncoding) =>
          verify(hash, data, { key, dsaEncoding }, signature),
        ),
      );
    }
    case "rsa":
      return verify("sha256", data, { key, padding: constants.RSA_PKCS1_PADDING }, signature);
    case "ed25519":
      return verify(null, data, key, signature) || (await isPrehashed(key, data, signature));
    default:
      throw invalid(`signatures by keys of type ${key.asymmetricKeyType} are not supported`);
  }
}

/** The first of the keys that a signature over `data` is by. */
export async function findSigner(
  keys: readonly KeyObject[],
  data: Uint8Array,
  signature: Uint8Array,
): Promise<KeyObject | undefined> {
  for (const key of keys) if (await isSignedBy(key, data, signature)) return key;
  return undefined;
}

/** cosign signs with Ed25519ph, which Node does not have. RFC 8032, section 5.1. */
async function isPrehashed(key: KeyObject, data: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const { ed25519ph } = await import("@noble/curves/ed25519.js");
  const { x = "" } = key.export({ format: "jwk" });
  try {
    return ed25519ph.verify(signature, data, Buffer.from(x, "base64url"), { zip215: false });
  } catch {
    // It has another length than signatures have.
    return false;
  }
}

function invalid(message: string, cause?: unknown): ImageError {
  return new ImageError("SIGNATURE_INVALID", message, { cause });
}
