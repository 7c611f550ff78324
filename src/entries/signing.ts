/**
 * Making signatures, and judging images by those they have.
 * @packageDocumentation
 */
export type { ImageSigner, Signature, SignatureReferrer, SignedManifest } from "../core/signature.ts";
export type { UnverifiedImage } from "../core/unverified-image.ts";
export type { Verdict } from "../policy/evaluate-requirement.ts";
export {
  type EvaluationOptions,
  evaluatePolicy,
  type JudgementOptions,
  judgeImage,
  loadPolicy,
  type PolicyInForce,
  type PolicyJudgement,
  type PolicyOptions,
  type RequirementVerdict,
} from "../policy/policy.ts";
export { parsePolicy, type TrustPolicy } from "../policy/policy-file.ts";
export type { PolicyRequirement, SignedByRequirement } from "../policy/requirement.ts";
export type { SigstoreRequirement } from "../policy/sigstore-requirement.ts";
export { bundleImageSigner } from "../signing/bundle/image-signer.ts";
export type { GpgOptions } from "../signing/gpg/process.ts";
export { type GpgSignerOptions, openGpgSigner } from "../signing/gpg/signer.ts";
export { type KeyFileOptions, openKeyFileSigner } from "../signing/openpgp/key-file-signer.ts";
export {
  type LogEntry,
  type SigstoreKey,
  type SigstoreSignerOptions,
  sigstoreImageSigner,
  type TransparencyLog,
} from "../signing/sigstore/image-signer.ts";
export { generateKeyFiles, type KeyFiles, readPrivateKeyFile } from "../signing/sigstore/private-key-file.ts";
export type { RekorEntry, RekorProof } from "../signing/sigstore/rekor.ts";
export { rekorLog, requestSigningKey, type SigstoreService } from "../signing/sigstore/services.ts";
export { simpleImageSigner } from "../signing/simple/image-signer.ts";
export { SigningError, type SigningFailure, type SimpleSigner } from "../signing/simple/signer.ts";
export type {
  IdentityRule,
  KeySource,
  KeyType,
  SigstoreAuthority,
  SigstoreTrust,
  SimpleTrust,
} from "../signing/trust.ts";
