/** What users of the library may import. */
export { copyImage } from "./copy/copy-image.ts";
export type { CopyRequest, CopyResult, InstanceSelection } from "./copy/copy-request.ts";

export type { ByteStream, OperationOptions } from "./core/byte-stream.ts";
export type { Descriptor, Platform, RawManifest } from "./core/descriptor.ts";
export { computeDigest, type Digest, parseDigest } from "./core/digest.ts";
export { type DockerName, formatDockerName, parseDockerName } from "./core/docker-name.ts";
export { ImageError, type ImageErrorCode } from "./core/errors.ts";
export type {
  BlobReader,
  DestinationTraits,
  ImageDestination,
  ImageReference,
  ImageSource,
  Transport,
} from "./core/image.ts";
export { ImageNotFoundError } from "./core/not-found.ts";
export type { ProgressEvent, ProgressListener } from "./core/progress.ts";
export type { ImageSigner, Signature } from "./core/signature.ts";
export type { UnverifiedImage } from "./core/unverified-image.ts";
export type { ImageAccess } from "./environment/image-access.ts";
export { ImageEnvironment, type ImageEnvironmentOptions } from "./environment/image-environment.ts";
export {
  evaluatePolicy,
  judgeImage,
  loadPolicy,
  type PolicyInForce,
  type PolicyJudgement,
  type PolicyOptions,
} from "./policy/policy.ts";
export { type GpgSignerOptions, openGpgSigner } from "./signing/gpg/signer.ts";
export { type KeyFileOptions, openKeyFileSigner } from "./signing/openpgp/key-file-signer.ts";
export {
  type SigstoreKey,
  type SigstoreSignerOptions,
  sigstoreImageSigner,
} from "./signing/sigstore/image-signer.ts";
export { generateKeyFiles, type KeyFiles, readPrivateKeyFile } from "./signing/sigstore/private-key-file.ts";
export { simpleImageSigner } from "./signing/simple/image-signer.ts";
export { VERSION } from "./version.ts";
