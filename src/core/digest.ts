import { createHasher, type HashAlgorithm } from "../runtime/hash.ts";
import { ImageError } from "./errors.ts";

declare const digestBrand: unique symbol;

/** `algorithm:encoded`, checked. Image spec 1.1, descriptor.md, "Digests". */
export type Digest = `${HashAlgorithm}:${string}` & { readonly [digestBrand]: true };

const ENCODED_LENGTHS: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

/** Checks that a text is a digest. @throws {ImageError} INVALID_REFERENCE when `text` is no digest of a supported algorithm */
export function parseDigest(text: string): Digest {
  const colon = text.indexOf(":");
  const algorithm = text.slice(0, colon);
  const encoded = text.slice(colon + 1);
  if (colon <= 0 || encoded === "") throw invalid(text, "invalid checksum digest format");
  const length = ENCODED_LENGTHS[algorithm];
  if (length === undefined) throw invalid(text, "unsupported digest algorithm");
  if (encoded.length !== length) throw invalid(text, "invalid checksum digest length");
  if (!/^[0-9a-f]+$/.test(encoded)) throw invalid(text, "invalid checksum digest format");
  return text as Digest;
}

/** Whether a text is a digest of a supported algorithm, of the right length. */
export function isDigest(text: string): text is Digest {
  try {
    parseDigest(text);
    return true;
  } catch {
    return false;
  }
}

/** The part of a digest before the colon. */
export function digestAlgorithm(digest: Digest): HashAlgorithm {
  return digest.slice(0, digest.indexOf(":")) as HashAlgorithm;
}

/** The encoded part: lower-case hexadecimal. */
export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}

/** The digest of bytes held in memory. */
export function computeDigest(bytes: Uint8Array, algorithm: HashAlgorithm = "sha256"): Digest {
  const digester = createDigester(algorithm);
  digester.update(bytes);
  return digester.digest();
}

/** Computes a digest piece by piece. `digest` ends it. */
export interface Digester {
  /** Takes the next bytes. */
  update(bytes: Uint8Array): void;
  /** The digest of all bytes so far. */
  digest(): Digest;
}

/** Begins a digest of bytes that come piece by piece. */
export function createDigester(algorithm: HashAlgorithm = "sha256"): Digester {
  const hasher = createHasher(algorithm);
  return { update: hasher.update, digest: () => `${algorithm}:${hasher.hex()}` as Digest };
}

function invalid(text: string, reason: string): ImageError {
  return new ImageError("INVALID_REFERENCE", `digest "${text}": ${reason}`);
}
