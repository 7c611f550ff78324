import type { InflationLimit } from "../compression/inflation-limit.ts";
import type { BlobKnowledge } from "../core/blob-knowledge.ts";
import type { OperationOptions } from "../core/byte-stream.ts";
import type { Platform, RawManifest } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import type { ImageDestination, ImageReference, ImageSource } from "../core/image.ts";
import type { ProgressListener } from "../core/progress.ts";
import type { ImageSigner } from "../core/signature.ts";
import type { UnverifiedImage } from "../core/unverified-image.ts";
import type { WantedPlatform } from "../format/instance-choice.ts";
import type { BlobMover } from "./blob-mover.ts";
import type { CompressionPlan, TargetCompression } from "./layer-treatment.ts";
import type { ManifestFormat } from "./manifest-plan.ts";
import type { SharedBlobs } from "./shared-blobs.ts";
import type { SourceSignatures } from "./source-signatures.ts";

/** Which images of an index to copy; of a single image, that one is always copied. */
export type InstanceSelection =
  /** The one image that fits a platform, without the index. */
  | { readonly kind: "system"; readonly platform: WantedPlatform }
  | { readonly kind: "all" }
  /** The index alone, for a destination that has its images already. */
  | { readonly kind: "index-only" }
  /** The index with only the images of these platforms; without a variant, all variants. */
  | { readonly kind: "platforms"; readonly platforms: readonly Platform[] };

/** How layers are to be stored, where that is not left to the destination. images.md 8.1. */
export interface CompressionRequest {
  /** Compress or decompress, or leave layers as they are, whatever the destination would have of its own. */
  readonly layers?: "preserve" | "compress" | "decompress" | undefined;
  /** The compression that all layers shall have. No kind of manifest has bzip2 or xz, so that these are refused. */
  readonly format?: TargetCompression | "bzip2" | "Xz" | undefined;
  /** gzip: -2 to 9; zstd: 1 to 22. */
  readonly level?: number | undefined;
  /** Layers that the destination holds in another compression are not reused. */
  readonly isForced?: boolean | undefined;
}

/** A request to copy one image, or an index with images. */
export interface CopyRequest {
  /** Where it is read from. */
  readonly source: ImageReference;
  /** Where it is written to. */
  readonly destination: ImageReference;
  /**
   * Refuses, by throwing, an image that may not be used. Called for each image before any of its blobs moves; for an index only
   * where none of its images is copied.
   */
  readonly admit: (image: UnverifiedImage, options: OperationOptions) => Promise<void>;
  /** The only manifest that the source may name. */
  readonly expectedDigest?: Digest | undefined;
  /** Which images of an index. */
  readonly instances: InstanceSelection;
  /** The format to write in; without it, that of the source as far as the destination takes it. */
  readonly format?: ManifestFormat | undefined;
  /** How layers are to be stored. */
  readonly compression?: CompressionRequest | undefined;
  /** How far a layer may expand; without it, `DEFAULT_INFLATION_LIMIT`. */
  readonly inflationLimit?: InflationLimit | undefined;
  /** What earlier copies have found out about blobs. */
  readonly knowledge?: BlobKnowledge | undefined;
  /** The directory to keep a compressed layer in until it is known whether the destination has it; without it, it is sent at once. */
  readonly precomputeDigestsIn?: string | undefined;
  /** Fail rather than write a manifest of another digest. */
  readonly preserveDigests?: boolean | undefined;
  /** Neither read nor copy the signatures of the source. */
  readonly removeSignatures?: boolean | undefined;
  /** Make signatures, which come after those of the source. Of an index, each image and the index are signed. */
  readonly signers?: readonly ImageSigner[] | undefined;
  /** The name to sign for, with a tag or digest; without it, that of the destination. */
  readonly signIdentity?: string | undefined;
  /** Blobs moved at a time. Without it, large blobs are limited to a few and small ones to many. */
  readonly parallelCopies?: number | undefined;
  /** What other copies of the same run know of blobs. */
  readonly sharedBlobs?: SharedBlobs | undefined;
  /** The digest of what the destination names at present, where that was asked already; `none` for nothing. */
  readonly destinationDigest?: Digest | "none" | undefined;
  /** Told what happens. */
  readonly onProgress?: ProgressListener | undefined;
}

/** What was written. */
export interface CopyResult {
  /** The manifest that the destination reference names now: of an index, if one was copied. */
  readonly manifest: RawManifest;
  /** The destination held the very same already; no blob was asked for. */
  readonly isUnchanged: boolean;
}

/** What the steps of one copy share. */
export interface CopyContext {
  readonly request: CopyRequest;
  readonly source: ImageSource;
  readonly destination: ImageDestination;
  readonly signatures: SourceSignatures;
  readonly blobs: BlobMover;
  readonly report: ProgressListener;
  readonly compression: CompressionPlan;
  /** Why no byte of a manifest may change, if so. */
  readonly fixedBecause: string | undefined;
  /** What becomes of the entries of indexes: one that is in several of them is copied once. */
  readonly entries: Map<Digest, Promise<CopyResult>>;
}

/** Where an instance is written: at the destination's own name, or under its digest as a part of an index. */
export interface InstancePlace {
  readonly isPartOfIndex: boolean;
  /** How many indexes it is within. */
  readonly depth?: number;
}
