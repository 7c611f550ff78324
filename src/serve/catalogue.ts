import { streamOf } from "../core/byte-stream.ts";
import type { Descriptor, RawManifest } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { ApiError } from "./api-error.ts";
import { withEntry, withoutManifest, withoutTag, withoutUntagged } from "./entries.ts";
import { FactsReader } from "./facts-reader.ts";
import { type ManifestFacts, readManifestFacts } from "./manifest-facts.ts";
import type { ManifestEntry, RegistryStore } from "./store.ts";

/** How a manifest is asked for. */
export type ManifestKey = { readonly tag: string } | { readonly digest: Digest };

/** The repositories of a store, and the manifests in them. A repository exists as long as it holds a manifest. */
export class Catalogue {
  readonly #store: RegistryStore;
  readonly #facts: FactsReader;

  constructor(store: RegistryStore) {
    this.#store = store;
    this.#facts = new FactsReader(store);
  }

  async repositories(): Promise<readonly string[]> {
    return [...new Set((await this.#store.readEntries()).map((entry) => entry.repository))];
  }

  /** Undefined when there is no such repository. */
  async tags(repository: string): Promise<readonly string[] | undefined> {
    const entries = await this.#entriesOf(repository);
    if (entries.length === 0) return undefined;
    return [...new Set(entries.flatMap((entry) => (entry.tag === undefined ? [] : [entry.tag])))];
  }

  /** The manifest under a tag, or with a digest: one of its own or an instance of an index in the repository. */
  async find(repository: string, key: ManifestKey): Promise<Descriptor | undefined> {
    const entries = await this.#entriesOf(repository);
    if ("tag" in key) return entries.find((entry) => entry.tag === key.tag)?.descriptor;
    const entry = entries.find(({ descriptor }) => descriptor.digest === key.digest);
    return entry?.descriptor ?? (await this.#findInstance(entries, key.digest));
  }

  /**
   * Adds a manifest, under `tag` if there is one, and gives the digest of its subject. Instances that the repository knew by
   * digest alone then belong to their index: a layout lists them there, and they go when it goes.
   * @throws {ApiError} MANIFEST_BLOB_UNKNOWN
   * @throws {ImageError} MANIFEST_INVALID
   */
  async put(repository: string, raw: RawManifest, tag: string | undefined): Promise<Digest | undefined> {
    const { mediaType, digest, bytes } = raw;
    const facts = readManifestFacts(raw);
    const entry = { repository, tag, descriptor: { mediaType, digest, size: bytes.length } };
    await this.#store.updateEntries(async (entries) => {
      await this.#checkBlobs(facts);
      // Under the lock of the entries, so that nobody removes the manifest between this and its entry.
      await this.#store.writeBlob(streamOf(bytes), digest);
      const instances = facts.instances.map((instance) => instance.digest);
      return withEntry(withoutUntagged(entries, repository, instances), entry);
    });
    return facts.subject;
  }

  /** Removes a tag; false when there is none. The manifest stays known by its digest. */
  async deleteTag(repository: string, tag: string): Promise<boolean> {
    if ((await this.find(repository, { tag })) === undefined) return false;
    await this.#store.updateEntries(async (entries) => withoutTag(entries, repository, tag));
    return true;
  }

  /**
   * Removes a manifest with all its tags, and what nothing else in the store needs; false when there is none.
   * @throws {ApiError} UNSUPPORTED for an instance of an index, which only goes with its index
   */
  async deleteManifest(repository: string, digest: Digest): Promise<boolean> {
    const found = await this.find(repository, { digest });
    if (found === undefined) return false;
    let remaining: readonly ManifestEntry[] = [];
    const change = async (entries: readonly ManifestEntry[]): Promise<readonly ManifestEntry[]> => {
      remaining = withoutManifest(entries, repository, digest);
      const ofRepository = remaining.filter((entry) => entry.repository === repository);
      if ((await this.#findInstance(ofRepository, digest)) !== undefined) throw partOfIndex(digest);
      return remaining;
    };
    await this.#store.updateEntries(change, async () => {
      const kept = await this.#facts.reachable(remaining.map((entry) => entry.descriptor));
      for (const candidate of await this.#facts.reachable([found])) {
        if (!kept.has(candidate)) await this.#store.removeBlob(candidate);
      }
    });
    return true;
  }

  /**
   * Removes a blob; false when there is none.
   * @throws {ApiError} UNSUPPORTED while a manifest of any repository needs it
   */
  async deleteBlob(digest: Digest): Promise<boolean> {
    if ((await this.#store.findBlob(digest)) === undefined) return false;
    await this.#store.updateEntries(async (entries) => {
      const kept = await this.#facts.reachable(entries.map((entry) => entry.descriptor));
      if (kept.has(digest)) throw stillNeeded(digest);
      await this.#store.removeBlob(digest);
      return entries;
    });
    return true;
  }

  /** Descriptors of the manifests in the repository whose subject is `digest`. Distribution spec 1.1, "Listing Referrers". */
  async referrers(repository: string, digest: Digest): Promise<readonly Descriptor[]> {
    const found = new Map<Digest, Descriptor>();
    const entries = await this.#entriesOf(repository);
    for await (const { descriptor, facts } of this.#facts.walk(entries.map((entry) => entry.descriptor))) {
      if (facts.subject !== digest) continue;
      const { mediaType, size } = descriptor;
      const { artifactType, annotations } = facts;
      found.set(descriptor.digest, { mediaType, digest: descriptor.digest, size, artifactType, annotations });
    }
    return [...found.values()];
  }

  async #entriesOf(repository: string): Promise<readonly ManifestEntry[]> {
    return (await this.#store.readEntries()).filter((entry) => entry.repository === repository);
  }

  async #findInstance(entries: readonly ManifestEntry[], digest: Digest): Promise<Descriptor | undefined> {
    const roots = entries.map((entry) => entry.descriptor);
    for await (const { facts } of this.#facts.walk(roots, "indexes")) {
      const instance = facts.instances.find((candidate) => candidate.digest === digest);
      // An index may list what was never pushed.
      if (instance !== undefined && (await this.#store.findBlob(digest)) !== undefined) return instance;
    }
    return undefined;
  }

  async #checkBlobs(facts: ManifestFacts): Promise<void> {
    const missing: Digest[] = [];
    for (const digest of new Set(facts.requiredBlobs)) {
      if ((await this.#store.findBlob(digest)) === undefined) missing.push(digest);
    }
    if (missing.length > 0) {
      throw new ApiError("MANIFEST_BLOB_UNKNOWN", { details: missing.map((digest) => ({ digest })) });
    }
  }
}

function partOfIndex(digest: Digest): ApiError {
  const message = `manifest is an instance of an index in this repository, which has to be deleted instead`;
  return new ApiError("UNSUPPORTED", { message, details: [{ digest }] });
}

function stillNeeded(digest: Digest): ApiError {
  return new ApiError("UNSUPPORTED", {
    message: "blob is needed by a manifest, which has to be deleted first",
    details: [{ digest }],
  });
}
