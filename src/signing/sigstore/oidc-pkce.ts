/** Proof that who redeems a code is who asked for it. RFC 7636. */
export interface CodeProof {
  /** A secret until it has been used. */
  readonly verifier: string;
  /** What is told beforehand, its SHA-256. */
  readonly challenge: string;
}

export function createCodeProof(): CodeProof {
  const { createHash } = process.getBuiltinModule("node:crypto");
  const verifier = randomText();
  return { verifier, challenge: createHash("sha256").update(verifier).digest("base64url") };
}

/** 256 bits that nobody can guess, as 43 characters. */
export function randomText(): string {
  return process.getBuiltinModule("node:crypto").randomBytes(32).toString("base64url");
}
