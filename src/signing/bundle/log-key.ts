import type { KeyObject } from "node:crypto";

/**
 * Whether one of the keys of trusted logs has signed. A log's own ID is not what decides which: policies name keys, as with
 * promises in annotations (signing reference 3.5).
 */
export function isSignedByLog(keys: readonly KeyObject[], data: Uint8Array, signature: Uint8Array): boolean {
  const { verify } = process.getBuiltinModule("node:crypto");
  return keys.some((key) => {
    if (key.asymmetricKeyType === "ed25519") return verify(null, data, key, signature);
    return key.asymmetricKeyType === "ec" && verify("sha256", data, { key, dsaEncoding: "der" }, signature);
  });
}
