import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { ImageError } from "../core/errors.ts";
import { isIndexType } from "../core/media-type.ts";
import { DOCUMENT_LIMIT } from "../format/json.ts";
import { guessManifestType } from "../format/manifest.ts";
import { guessFacts, type ManifestFacts, readManifestFacts } from "./manifest-facts.ts";
import type { RegistryStore } from "./store.ts";

/** Manifests whose facts are remembered. */
const CACHE_ENTRIES = 10_000;
/** Larger manifests, in bytes, are read again each time, so that the cache stays small. */
const CACHED_SIZE = 64 * 1024;

/** A manifest on the way through indexes, and what it says. */
export interface VisitedManifest {
  readonly descriptor: Descriptor;
  readonly facts: ManifestFacts;
}

/** Reads facts of stored manifests. Content never changes under its digest, so they are remembered. */
export class FactsReader {
  readonly #store: RegistryStore;
  readonly #cache: Map<string, ManifestFacts> = new Map();

  constructor(store: RegistryStore) {
    this.#store = store;
  }

  /** These manifests and all below them, each once, or only the indexes among them. What is not there is left out. */
  async *walk(
    roots: readonly Descriptor[],
    which: "all" | "indexes" = "all",
  ): AsyncIterable<VisitedManifest> {
    const seen = new Set<Digest>();
    const pending = [...roots].reverse();
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (seen.has(next.digest) || (which === "indexes" && !mayBeIndex(next))) continue;
      seen.add(next.digest);
      const facts = await this.#find(next);
      if (facts === undefined) continue;
      yield { descriptor: next, facts };
      pending.push(...facts.instances.toReversed());
    }
  }

  /** The digests of these manifests and of all content that they need. */
  async reachable(roots: readonly Descriptor[]): Promise<Set<Digest>> {
    const found = new Set(roots.map((root) => root.digest));
    for await (const { facts } of this.walk(roots)) {
      for (const digest of facts.references) found.add(digest);
    }
    return found;
  }

  async #find(descriptor: Descriptor): Promise<ManifestFacts | undefined> {
    const key = `${descriptor.digest} ${descriptor.mediaType}`;
    const known = this.#cache.get(key);
    if (known !== undefined) return known;
    const facts = await this.#read(descriptor);
    if (facts === undefined || descriptor.size > CACHED_SIZE) return facts;
    const oldest = this.#cache.size < CACHE_ENTRIES ? undefined : this.#cache.keys().next().value;
    if (oldest !== undefined) this.#cache.delete(oldest);
    this.#cache.set(key, facts);
    return facts;
  }

  async #read({ digest, mediaType }: Descriptor): Promise<ManifestFacts | undefined> {
    const bytes = await this.#readBytes(digest);
    if (bytes === undefined) return undefined;
    try {
      return readManifestFacts({ bytes, digest, mediaType: mediaType || guessManifestType(bytes) });
    } catch (error) {
      if (error instanceof ImageError) return guessFacts(bytes);
      throw error;
    }
  }

  /** What is missing, or too large for a manifest, gives nothing. */
  async #readBytes(digest: Digest): Promise<Uint8Array | undefined> {
    try {
      return await this.#store.readBlob(digest, DOCUMENT_LIMIT);
    } catch (error) {
      if (error instanceof ImageError) return undefined;
      throw error;
    }
  }
}

/** A layout may list an index without its type. */
function mayBeIndex({ mediaType }: Descriptor): boolean {
  return mediaType === "" || isIndexType(mediaType);
}
