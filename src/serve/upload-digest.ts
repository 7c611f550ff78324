import type { Digest } from "../core/digest.ts";
import { ImageError } from "../core/errors.ts";

/** @throws {ImageError} DIGEST_MISMATCH */
export function checkUploadDigest(actual: Digest, expected: Digest): void {
  if (actual === expected) return;
  throw new ImageError("DIGEST_MISMATCH", `Digest did not match, expected ${expected}, got ${actual}`);
}
