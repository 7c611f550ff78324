/**
 * The library: everyday operations on container images. The layers below have entries of their own: `skopeo-ts/registry`,
 * `/formats`, `/transports`, `/signing`, `/sync` and `/serve`.
 * @packageDocumentation
 */
export type { InflationLimit } from "./compression/inflation-limit.ts";
export type { ConfigurationListener } from "./config/listener.ts";
export type { Environment } from "./config/locations.ts";
export type { CompressionRequest, CopyRequest } from "./copy/copy-request.ts";
export type { TargetCompression } from "./copy/layer-treatment.ts";
export type { ManifestFormat } from "./copy/manifest-plan.ts";
export type { BlobTotals } from "./copy/shared-blobs.ts";
export type { BlobKnowledge, KnownBlob } from "./core/blob-knowledge.ts";
export type { ByteStream, OperationOptions } from "./core/byte-stream.ts";
export { collect } from "./core/byte-stream.ts";
export type { Credentials } from "./core/credentials.ts";
export type { Descriptor, Platform, RawManifest } from "./core/descriptor.ts";
export { computeDigest, type Digest, isDigest, parseDigest } from "./core/digest.ts";
export { type DockerName, formatDockerName, parseDockerName } from "./core/docker-name.ts";
export { ImageError, type ImageErrorCode, type ImageErrorOptions, isAbort } from "./core/errors.ts";
export type { BlobReader, ImageReference } from "./core/image.ts";
export { ImageNotFoundError } from "./core/not-found.ts";
export type { NetworkEvent, ProgressEvent, ProgressListener } from "./core/progress.ts";
export type { RetryPolicy } from "./core/retry.ts";
export type { ImageSigner } from "./core/signature.ts";
export type { UnverifiedImage } from "./core/unverified-image.ts";
export type { StartedUpload, UploadJournal } from "./core/upload-journal.ts";
export type { ImageAccess } from "./environment/image-access.ts";
export { ImageEnvironment, type ImageEnvironmentOptions } from "./environment/image-environment.ts";
export type {
  GiveCertificates,
  GiveCredentials,
  GivenCertificates,
  InjectedAccess,
} from "./environment/injected-access.ts";
export type { ImageConfig } from "./format/image-config.ts";
export type { ImageManifest, IndexManifest, Manifest } from "./format/manifest.ts";
export type { InspectData, InspectLayer } from "./inspect/inspect-data.ts";
export type { BlobName, BlobRange } from "./library/blob-range.ts";
export { buildImage, type NewImage, type NewRunConfig } from "./library/build/build-image.ts";
export { buildIndex, type NewIndex, type NewInstance } from "./library/build/build-index.ts";
export type { BuiltImage } from "./library/build/built-image.ts";
export { contentOfFile, type FileContent } from "./library/build/file-content.ts";
export type { NewFile } from "./library/build/layer-files.ts";
export type { NewLayer } from "./library/build/new-layer.ts";
export type { AccessOptions, CallOptions, ImageName } from "./library/call-options.ts";
export { type Copied, type CopyEvent, type CopyOptions, copy } from "./library/copy.ts";
export { deleteImage, deleteSignatures } from "./library/delete-image.ts";
export type { ImageFile } from "./library/image-files.ts";
export { type InspectOptions, inspect } from "./library/inspect.ts";
export { iterateEvents } from "./library/iterate-events.ts";
export { listTags } from "./library/list-tags.ts";
export { openImage } from "./library/open-image.ts";
export type { Instance, OpenImage } from "./library/opened-image.ts";
export type { PlatformChoice, PlatformName } from "./library/platform-choice.ts";
export type { PolicyChoice } from "./library/policy-choice.ts";
export { Registry, type RegistryOptions } from "./library/registry.ts";
export { openBlobCache, openUploadJournal } from "./library/stores.ts";
export type { GatherOptions } from "./library/sync/gather-mirrors.ts";
export type { Mirror, MirrorSettings, Mirrors, MirrorTags } from "./library/sync/mirrors.ts";
export { type PlanOptions, planSync } from "./library/sync/plan-sync.ts";
export { type Synced, type SyncedImage, type SyncOptions, sync } from "./library/sync/sync.ts";
export { loadPolicy, type PolicyInForce, type PolicyOptions } from "./policy/policy.ts";
export type { ExchangeRecord } from "./registry/exchange-log.ts";
export { NetworkError } from "./registry/network-error.ts";
export { RegistryError } from "./registry/registry-error.ts";
export type { Fetch, FetchInit } from "./runtime/http-fetch.ts";
export type { SyncEvent, SyncListener, SyncOutcome } from "./sync/sync-event.ts";
export { VERSION } from "./version.ts";
