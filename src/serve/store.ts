import type { ByteStream } from "../core/byte-stream.ts";
import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";

/** A manifest in a repository, under a tag or known by its digest alone. One manifest may have several entries. */
export interface ManifestEntry {
  /** A path such as `library/busybox`. */
  readonly repository: string;
  /** Undefined for a manifest that is known by its digest. */
  readonly tag: string | undefined;
  /** Of the manifest. */
  readonly descriptor: Descriptor;
}

/** Where the bytes of a blob are, so that they can be sent the fastest way. `size` in bytes. */
export type BlobContent =
  | { readonly kind: "file"; readonly path: string; readonly size: number }
  | { readonly kind: "memory"; readonly bytes: Uint8Array; readonly size: number };

/** Gives the entries that shall follow the present ones. What it throws goes to the caller, and nothing changes. */
export type EntryChange = (entries: readonly ManifestEntry[]) => Promise<readonly ManifestEntry[]>;

/**
 * What a registry keeps: entries that name manifests, and blobs (manifests are blobs, too), shared by all
 * repositories. It knows nothing of what manifests say; that is the catalogue's business. Disposing it removes
 * uploads that were not finished.
 */
export interface RegistryStore extends AsyncDisposable {
  /** All entries, of all repositories. */
  readEntries(): Promise<readonly ManifestEntry[]>;
  /**
   * Replaces the entries by what `change` makes of them. Changes run one after the other, and each sees what earlier ones
   * have left. `afterwards` runs once the change is in place and before the next one may start.
   */
  updateEntries(change: EntryChange, afterwards?: () => Promise<void>): Promise<void>;
  /** Where a blob is; undefined where there is none. */
  findBlob(digest: Digest): Promise<BlobContent | undefined>;
  /** A small blob whole. @throws {ImageError} NOT_FOUND, SIZE_LIMIT when it has more than `limit` bytes */
  readBlob(digest: Digest, limit: number): Promise<Uint8Array>;
  /** Stores a blob in one go; it appears once it is complete and checked. @throws {ImageError} DIGEST_MISMATCH */
  writeBlob(bytes: ByteStream, digest: Digest): Promise<void>;
  /** Removes a blob, if it is there. */
  removeBlob(digest: Digest): Promise<void>;
  /** Begins a blob that arrives in pieces. */
  startUpload(): Promise<Upload>;
}

/** A blob that arrives in pieces. Its methods must not overlap. */
export interface Upload {
  /** Bytes that have been kept so far. */
  readonly size: number;
  /** Adds bytes at the end. If the stream fails, those that came before stay, so that the sender can go on from there. */
  append(bytes: ByteStream): Promise<void>;
  /** Makes the bytes a blob of the store and ends the upload. @throws {ImageError} DIGEST_MISMATCH, and the upload is gone */
  finish(digest: Digest): Promise<void>;
  /** Ends the upload and removes what has arrived. */
  cancel(): Promise<void>;
}
