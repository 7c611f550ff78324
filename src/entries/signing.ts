/** Making signatures, and judging images by those they have. */
export type { ImageSigner, Signature, SignedManifest } from "../core/signature.ts";
export type { UnverifiedImage } from "../core/unverified-image.ts";
export {
  evaluatePolicy,
  type JudgementOptions,
  judgeImage,
  loadPolicy,
  type PolicyInForce,
  type PolicyJudgement,
  type PolicyOptions,
  type RequirementVerdict,
} from "../policy/policy.ts";
export { bundleImageSigner } from "../signing/bundle/image-signer.ts";
export { type GpgSignerOptions, openGpgSigner } from "../signing/gpg/signer.ts";
export { type KeyFileOptions, openKeyFileSigner } from "../signing/openpgp/key-file-signer.ts";
export {
  type SigstoreKey,
  type SigstoreSignerOptions,
  sigstoreImageSigner,
} from "../signing/sigstore/image-signer.ts";
export { generateKeyFiles, type KeyFiles, readPrivateKeyFile } from "../signing/sigstore/private-key-file.ts";
export { simpleImageSigner } from "../signing/simple/image-signer.ts";
export { SigningError, type SigningFailure, type SimpleSigner } from "../signing/simple/signer.ts";
