/** Annotations of a sigstore signature. Signing reference 3.2. */
export const ANNOTATION = {
  /** Base64 of the signature over the payload. */
  signature: "dev.cosignproject.cosign/signature",
  /** PEM of the certificate that the signature is by. */
  certificate: "dev.sigstore.cosign/certificate",
  /** PEM of the authorities above it, its issuer first. */
  chain: "dev.sigstore.cosign/chain",
  /** The promise of a transparency log. */
  bundle: "dev.sigstore.cosign/bundle",
} as const;
