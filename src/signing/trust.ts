import { readFile } from "node:fs/promises";

/** Keys or certificates: in files, which are read when they are needed, or in the policy itself. */
export type KeySource =
  | { readonly kind: "paths"; readonly paths: readonly string[] }
  | { readonly kind: "data"; readonly data: readonly Uint8Array[] };

/** What a source has, in order. */
export async function readKeySource(source: KeySource): Promise<readonly Uint8Array[]> {
  return source.kind === "data" ? source.data : await Promise.all(source.paths.map((path) => readFile(path)));
}

/**
 * Which identity a signature must name to count for an image. Signing reference 1.7. `matchDigestOnly` is our own: no name is
 * compared, which is all that can be done with bundles.
 */
export type IdentityRule =
  | { readonly type: "matchDigestOnly" }
  | { readonly type: "matchExact" | "matchRepoDigestOrExact" | "matchRepository" }
  | { readonly type: "exactReference"; readonly dockerReference: string }
  | { readonly type: "exactRepository"; readonly dockerRepository: string }
  | { readonly type: "remapIdentity"; readonly prefix: string; readonly signedPrefix: string };

/** Whose OpenPGP signatures count. Signing reference 1.6. */
export interface SimpleTrust {
  /** What `keys` are. */
  readonly keyType: KeyType;
  /** One of which must have signed. */
  readonly keys: KeySource;
  /** Which image the signature must name. */
  readonly signedIdentity: IdentityRule;
}

/** What keys of a policy may be. Only `GPGKeys` can be verified, by us and by skopeo. Signing reference 1.6. */
export type KeyType = "GPGKeys" | "signedByGPGKeys" | "X509Certificates" | "signedByX509CAs";
export const KEY_TYPES: readonly KeyType[] = [
  "GPGKeys",
  "signedByGPGKeys",
  "X509Certificates",
  "signedByX509CAs",
];

/** Whose sigstore signatures count. Signing reference 1.6. */
export interface SigstoreTrust {
  /** Who must have signed. */
  readonly authority: SigstoreAuthority;
  /** Public keys of transparency logs, one of which must have recorded the signature. */
  readonly rekorKeys: KeySource | undefined;
  /** Which image the signature must name. */
  readonly signedIdentity: IdentityRule;
}

/** Whom to trust: certificates and keys are PEM, in files or in the policy itself. */
export type SigstoreAuthority =
  | { readonly kind: "keys"; readonly keys: KeySource }
  | {
      readonly kind: "fulcio";
      readonly authorities: KeySource;
      readonly oidcIssuer: string;
      readonly subjectEmail: string;
    }
  | {
      readonly kind: "pki";
      readonly roots: KeySource;
      readonly intermediates: KeySource | undefined;
      /** At least one of the two is set. */
      readonly subjectEmail: string | undefined;
      readonly subjectHostname: string | undefined;
    };
