import type { ByteStream, OperationOptions } from "./byte-stream.ts";
import type { Descriptor, RawManifest } from "./descriptor.ts";
import type { Digest } from "./digest.ts";
import type { DockerName } from "./docker-name.ts";
import type { Signature, SignedManifest } from "./signature.ts";

/** One way of naming and storing images. Its options (credentials, TLS, directories) are bound at creation. */
export interface Transport {
  /** What stands before the first colon of an image name: `docker`, `oci`. */
  readonly name: string;
  /** Reads what stands behind the colon of an image name. @throws {ImageError} INVALID_REFERENCE */
  parseReference(text: string): ImageReference;
}

/** A place for one image. Immutable. An operation that its transport cannot do is absent. */
export interface ImageReference {
  /** What made it. */
  readonly transport: Transport;
  /** Canonical: `transport.parseReference(text)` gives an equal reference. */
  readonly text: string;
  /** The name that signatures are made for and policies compare; undefined where images have no such names. */
  readonly dockerName: DockerName | undefined;
  /** Keys for policy lookup, most specific first; empty when the transport has none. */
  readonly policyScopes: readonly string[];
  /** Begins what takes time and changes nothing, such as finding out how a registry is reached; its failures come later. */
  prepare?(options?: OperationOptions): void;
  /** Begins to read the image. Absent where images are only written. */
  openSource?(options?: OperationOptions): Promise<ImageSource>;
  /** Begins to write the image. Absent where images are only read. */
  openDestination?(options?: OperationOptions): Promise<ImageDestination>;
  /** Deletes the image. */
  deleteImage?(options?: OperationOptions): Promise<void>;
  /** Removes the signatures of an image, and of an index those of its images too, and leaves all else. Gives their number. */
  deleteSignatures?(options?: OperationOptions): Promise<number>;
  /**
   * The digest of the manifest that is named at present, by the cheapest question there is; undefined where there is none, or
   * the store does not say. What is read may come from a mirror, what is written to does not.
   */
  findDigest?(role: "source" | "destination", options?: OperationOptions): Promise<Digest | undefined>;
  /** Descriptors of the manifests in this reference's repository that are about `subject`. Distribution spec 1.1, "Listing Referrers". */
  listReferrers?(
    subject: Digest,
    role: "source" | "destination",
    options?: OperationOptions,
  ): Promise<readonly Descriptor[]>;
  /** Whether it is known by now that referrers are listed under tags only: no question is asked to find it out. */
  lacksReferrersApi?(role: "source" | "destination", options?: OperationOptions): Promise<boolean>;
  /** Sees to it that manifests that are in this reference's repository are listed as referrers of `subject`. */
  announceReferrers?(
    subject: Digest,
    referrers: readonly Descriptor[],
    options?: OperationOptions,
  ): Promise<void>;
  /** Tags of the repository that this reference is in, in the order of the store. */
  listTags?(options?: OperationOptions): AsyncIterable<string>;
  /** Names of all images in the archive that this reference is to, in its order; `@N` for one without a name. */
  listImages?(options?: OperationOptions): AsyncIterable<string>;
}

/** Reads one image, or one index and its instances. Gives stored bytes untouched: callers verify digests. */
export interface ImageSource extends AsyncDisposable {
  /** What is read. */
  readonly reference: ImageReference;
  /** Whether a second blob may be opened while a first is still being read. */
  readonly concurrentBlobs: boolean;
  /** Whether layers are compressed as their media types say, so that nobody needs to look before moving them. */
  readonly hasExactMediaTypes?: boolean;
  /** Whether a blob can be read from a later byte on without reading what is before it. */
  readonly canSkip?: boolean;
  /** The top-level manifest, or the instance with this digest. @throws {ImageError} NOT_FOUND */
  readManifest(instance?: Digest, options?: OperationOptions): Promise<RawManifest>;
  /** Opens a layer, config, or other blob of the image. */
  openBlob(blob: BlobPointer, options?: OperationOptions): Promise<BlobReader>;
  /** The signatures of the image or the instance; none where the store keeps none. */
  readSignatures(instance?: Digest, options?: OperationOptions): Promise<readonly Signature[]>;
}

/** An open blob. Disposed even when `bytes` was never iterated. */
export interface BlobReader extends AsyncDisposable {
  /** The content, to be iterated once at most. */
  readonly bytes: ByteStream;
  /** Bytes, where the store says it. */
  readonly size: number | undefined;
}

/** What is needed to find a blob. */
export interface BlobPointer extends Pick<Descriptor, "digest" | "urls"> {
  /** Bytes at its beginning that are not wanted; of a source that `canSkip` only. */
  readonly offset?: number | undefined;
}

/** Reads a blob from one of the URLs in its descriptor, for stores that only point to it. */
export type ExternalFetch = (blob: BlobPointer, options?: OperationOptions) => Promise<BlobReader>;

/** Stores one image: blobs, manifests, signatures, `commit`, in this order. Disposing without commit abandons it. */
export interface ImageDestination extends AsyncDisposable {
  /** What is written. */
  readonly reference: ImageReference;
  /** What is accepted. */
  readonly traits: DestinationTraits;
  /** The digest of what the reference names at present; absent where that does not vouch for its blobs. */
  findManifest?(instance?: Digest, options?: OperationOptions): Promise<Digest | undefined>;
  /** The blob, verified to be at the destination already; undefined means "write it". */
  reuseBlob(wanted: ReuseRequest, options?: OperationOptions): Promise<StoredBlob | undefined>;
  /** Reads a blob that is here already; absent where that takes more than it is worth. */
  openBlob?(blob: BlobPointer, options?: OperationOptions): Promise<BlobReader>;
  /** Consumes `bytes` to the end. If the stream fails, so does the write, and nothing readable remains. */
  writeBlob(bytes: ByteStream, blob: BlobPlacement, options?: OperationOptions): Promise<StoredBlob>;
  /** What a killed run has left of this blob, to be gone on with; undefined where that is nothing. */
  resumeBlob?(blob: StoredBlob, options?: OperationOptions): Promise<PartialBlob | undefined>;
  /** Stores the manifest of the image, or of an instance of an index, whose blobs are there. @throws {ImageError} MANIFEST_REJECTED when another manifest kind may be tried */
  writeManifest(manifest: RawManifest, instance?: Digest, options?: OperationOptions): Promise<void>;
  /** Makes these the signatures of a manifest that is there. */
  writeSignatures(
    signatures: readonly Signature[],
    of: SignedManifest,
    options?: OperationOptions,
  ): Promise<void>;
  /** Makes the image visible. */
  commit(options?: OperationOptions): Promise<void>;
}

/** What a destination accepts, as data, so that the plan is made before a byte moves. */
export interface DestinationTraits {
  /** In order of preference. */
  readonly manifestTypes: readonly string[] | "any";
  /** What becomes of layers: stored as they come, compressed if they are not, or decompressed. */
  readonly layerCompression: "preserve" | "compress" | "decompress";
  /** Whether layers that are elsewhere stay there, or are stored with the others. */
  readonly foreignLayers: "keep-urls" | "store";
  /** Whether signatures can be stored, and if not, why. */
  readonly signatures: "stored" | { readonly unsupportedBecause: string };
  /** Whether several blobs may be written at a time. */
  readonly concurrentBlobs: boolean;
  /** Manifests of schema 1 must say the name of the reference inside. */
  readonly embeddedName?: "match-reference";
}

/** What a blob is for; `digest` and `size` (bytes) only when known before the stream is read. */
export interface BlobPlacement {
  /** What it is for. */
  readonly role: "config" | "layer";
  /** As its descriptor says. */
  readonly mediaType: string;
  /** Where it is known already. */
  readonly digest?: Digest | undefined;
  /** Bytes, where they are known already. */
  readonly size?: number | undefined;
}

/** `from` names the repository that the blob is read from, so that a registry may mount it. */
export interface ReuseRequest extends BlobPlacement {
  /** The blob that is needed. */
  readonly digest: Digest;
  /** The repository that the blob would be read from. */
  readonly from?: DockerName | undefined;
  /** The repository `from` is known to have it, so that a mount is tried before anything is asked. */
  readonly isAtNeighbour?: boolean | undefined;
}

/** A blob of which a part is at the destination. */
export interface PartialBlob {
  /** How many of its bytes are there. */
  readonly offset: number;
  /** Takes the others. The destination checks the digest of the whole. */
  write(rest: ByteStream, options?: OperationOptions): Promise<StoredBlob>;
}

/** A blob as it is at the destination. */
export type StoredBlob = Pick<Descriptor, "digest" | "size">;
