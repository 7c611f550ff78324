/** Media types and names by which sigstore signatures are kept. Signing reference 3.2 and 4. */

/** A signed payload in an attachment. */
export const SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json";

/** The config of the manifest that cosign's experimental form has its payloads in. */
export const SIGNATURE_ARTIFACT = "application/vnd.dev.cosign.artifact.sig.v1+json";

/** A bundle as it is written today. */
export const BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";

const BUNDLE_TYPES: readonly string[] = [
  BUNDLE,
  "application/vnd.dev.sigstore.bundle+json;version=0.1",
  "application/vnd.dev.sigstore.bundle+json;version=0.2",
  "application/vnd.dev.sigstore.bundle+json;version=0.3",
];

/** Whether a media type is that of a bundle, in any of the spellings that are in use. */
export function isBundleType(mediaType: string): boolean {
  return BUNDLE_TYPES.includes(mediaType);
}
