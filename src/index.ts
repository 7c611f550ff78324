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
export type { ImageAccess } from "./environment/image-access.ts";
export { ImageEnvironment, type ImageEnvironmentOptions } from "./environment/image-environment.ts";
export { VERSION } from "./version.ts";
