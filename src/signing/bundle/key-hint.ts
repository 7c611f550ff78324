import type { KeyObject } from "node:crypto";
import { computeDigest, digestHex } from "../../core/digest.ts";
import { exportPublicKey } from "../sigstore/public-key.ts";

/** What a bundle tells its key by: base64 of the SHA-256 of the key. Signing reference 4.3. */
export function keyHint(publicKey: KeyObject): string {
  return Buffer.from(digestHex(computeDigest(exportPublicKey(publicKey))), "hex").toString("base64");
}
