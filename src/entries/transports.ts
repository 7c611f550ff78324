/**
 * What a way of storing images has to offer, for those who write one, and the built-in ones that need no network.
 * @packageDocumentation
 */
export { copyImage } from "../copy/copy-image.ts";
export type { CompressionRequest, CopyRequest, CopyResult, InstanceSelection } from "../copy/copy-request.ts";
export { type ByteStream, collect, type OperationOptions, streamOf, verified } from "../core/byte-stream.ts";
export type {
  BlobPlacement,
  BlobPointer,
  BlobReader,
  DestinationTraits,
  ExternalFetch,
  ImageDestination,
  ImageReference,
  ImageSource,
  PartialBlob,
  ReuseRequest,
  StoredBlob,
  Transport,
} from "../core/image.ts";
export { ImageNotFoundError } from "../core/not-found.ts";
export type { Signature, SignatureReferrer, SignedManifest } from "../core/signature.ts";
export { createDirTransport } from "../transports/dir/transport.ts";
export { createOciTransport, type OciTransportOptions } from "../transports/oci/transport.ts";
