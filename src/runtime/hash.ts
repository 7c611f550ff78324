/** The digest algorithms of the image specification that content may be addressed by. */
export type HashAlgorithm = "sha256" | "sha384" | "sha512";

/** An incremental hash over bytes. `hex` ends it. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  hex(): string;
}

/**
 * A hash computed by what the runtime does best. On Bun its own hasher needs no import; on Node `node:crypto` is
 * loaded when first asked for, because importing it costs a start-up several milliseconds.
 */
export function createHasher(algorithm: HashAlgorithm): Hasher {
  if (typeof Bun !== "undefined") {
    const hasher = new Bun.CryptoHasher(algorithm);
    return { update: (bytes) => void hasher.update(bytes), hex: () => hasher.digest("hex") };
  }
  const hash = process.getBuiltinModule("node:crypto").createHash(algorithm);
  return { update: (bytes) => void hash.update(bytes), hex: () => hash.digest("hex") };
}
