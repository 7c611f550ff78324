import type { Digest } from "./digest.ts";
import type { DockerName } from "./docker-name.ts";

/** A compressed form of a layer, as it was once seen or made here. */
export interface KnownBlob {
  /** Of the compressed form. */
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** `gzip`, `zstd` or `zstd:chunked`. */
  readonly compression: string;
  /** What belongs on its descriptor. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** Repositories that have it, as `host/path`, the last seen first. */
  readonly repositories: readonly string[];
}

/**
 * What is known from earlier copies about layers: which compressed blobs hold the same data, and where they are. All of
 * it was seen here with verified bytes. A store that fails knows nothing, and fails nobody.
 */
export interface BlobKnowledge {
  /** Compressed forms of the layer with this diffID. */
  findCompressed(diffId: Digest): Promise<readonly KnownBlob[]>;
  /** The digest of what a compressed layer holds. */
  findDiffId(digest: Digest): Promise<Digest | undefined>;
  /** `repository` has the blob now. */
  record(
    diffId: Digest,
    blob: Omit<KnownBlob, "repositories">,
    repository: DockerName | undefined,
  ): Promise<void>;
}

/** Knows nothing and learns nothing. */
export const NO_KNOWLEDGE: BlobKnowledge = {
  findCompressed: async () => [],
  findDiffId: async () => undefined,
  record: async () => undefined,
};
