import type { OperationOptions } from "../core/byte-stream.ts";
import type { Digest } from "../core/digest.ts";
import type { DockerName } from "../core/docker-name.ts";
import type { ImageDestination, ImageSource, ReuseRequest, StoredBlob } from "../core/image.ts";
import { Semaphore } from "../core/limiter.ts";

/** How many large blobs move at a time, of all images together. */
const LARGE_AT_A_TIME = 8;

/** What became of the blobs of all copies. Sizes in bytes. */
export interface BlobTotals {
  /** Read from a source and written. */
  readonly moved: number;
  /** As stored at the destination. */
  readonly movedBytes: number;
  /** Taken over from another repository of the same registry. */
  readonly mounted: number;
  /** That did not have to be sent. */
  readonly mountedBytes: number;
  /** Found at the destination. */
  readonly present: number;
  /** That did not have to be sent. */
  readonly presentBytes: number;
}

/** A repository that has a blob since this run brought or found it there. */
interface Home {
  readonly name: DockerName;
  readonly size: number;
  readonly destination: ImageDestination;
}

/**
 * What many copies to registries know of each other's blobs. Each unique blob leaves its source once: whoever needs it
 * first brings it; the others wait, and mount it, or read it from where it is by now.
 */
export class SharedBlobs {
  /** @internal */
  readonly largeTransfers: Semaphore = new Semaphore(LARGE_AT_A_TIME);
  readonly #homes = new Map<Digest, Home[]>();
  readonly #turns = new Map<Digest, Promise<void>>();
  /** Registries that did not mount what they have. */
  readonly #withoutMounts = new Set<string>();
  readonly #totals = {
    moved: 0,
    movedBytes: 0,
    mounted: 0,
    mountedBytes: 0,
    present: 0,
    presentBytes: 0,
  };

  /** So far. */
  get totals(): BlobTotals {
    return { ...this.#totals };
  }

  /** Runs `work` when no other copy moves the blob. It must wait for no other blob. @internal */
  async inTurn<T>(digest: Digest, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(digest);
    const mine = (async () => {
      await before;
      return await work();
    })();
    const settled = mine.then(
      () => undefined,
      () => undefined,
    );
    this.#turns.set(digest, settled);
    try {
      return await mine;
    } finally {
      if (this.#turns.get(digest) === settled) this.#turns.delete(digest);
    }
  }

  /** The source, but for blobs that a destination of this run has by now: those are read from there. @internal */
  source(source: ImageSource): ImageSource {
    return {
      reference: source.reference,
      concurrentBlobs: source.concurrentBlobs,
      ...(source.canSkip === undefined ? {} : { canSkip: source.canSkip }),
      ...(source.hasExactMediaTypes === undefined ? {} : { hasExactMediaTypes: source.hasExactMediaTypes }),
      readManifest: (instance, options) => source.readManifest(instance, options),
      readSignatures: (instance, options) => source.readSignatures(instance, options),
      openBlob: async (blob, options) => {
        const home = this.#homes.get(blob.digest)?.[0];
        try {
          if (home?.destination.openBlob !== undefined) return await home.destination.openBlob(blob, options);
        } catch {
          // Who may write to a registry need not be allowed to read from it.
          options?.signal?.throwIfAborted();
        }
        return await source.openBlob(blob, options);
      },
      [Symbol.asyncDispose]: async () => await source[Symbol.asyncDispose](),
    };
  }

  /** The destination, which knows what other copies have brought to its registry. @internal */
  destination(destination: ImageDestination): ImageDestination {
    const { dockerName } = destination.reference;
    const { findManifest, openBlob, resumeBlob } = destination;
    const isShared = dockerName !== undefined && openBlob !== undefined;
    return {
      reference: destination.reference,
      traits: destination.traits,
      ...(findManifest === undefined ? {} : { findManifest: findManifest.bind(destination) }),
      ...(openBlob === undefined ? {} : { openBlob: openBlob.bind(destination) }),
      ...(resumeBlob === undefined ? {} : { resumeBlob: resumeBlob.bind(destination) }),
      reuseBlob: (wanted, options) =>
        isShared
          ? this.#reuse(destination, dockerName, wanted, options)
          : destination.reuseBlob(wanted, options),
      writeBlob: async (bytes, blob, options) => {
        const stored = await destination.writeBlob(bytes, blob, options);
        this.#totals.moved++;
        this.#totals.movedBytes += stored.size;
        if (isShared) this.#settle(destination, dockerName, stored);
        return stored;
      },
      writeManifest: (manifest, instance, options) => destination.writeManifest(manifest, instance, options),
      writeSignatures: (added, instance, options) => destination.writeSignatures(added, instance, options),
      commit: (options) => destination.commit(options),
      [Symbol.asyncDispose]: async () => await destination[Symbol.asyncDispose](),
    };
  }

  async #reuse(
    destination: ImageDestination,
    name: DockerName,
    wanted: ReuseRequest,
    options: OperationOptions | undefined,
  ): Promise<StoredBlob | undefined> {
    const homes = this.#homes.get(wanted.digest) ?? [];
    const own = homes.find((home) => isSameRepository(home.name, name));
    if (own !== undefined) return this.#count("present", { digest: wanted.digest, size: own.size });
    const neighbour = homes.find((home) => home.name.registry === name.registry);
    const mayMount = neighbour !== undefined && !this.#withoutMounts.has(name.registry);
    const request = mayMount
      ? { ...wanted, size: neighbour.size, from: neighbour.name, isAtNeighbour: true }
      : wanted;
    const found = await destination.reuseBlob(request, options);
    if (found === undefined) {
      if (mayMount) this.#withoutMounts.add(name.registry);
      return undefined;
    }
    this.#settle(destination, name, found);
    return this.#count(mayMount ? "mounted" : "present", found);
  }

  #count(outcome: "mounted" | "present", blob: StoredBlob): StoredBlob {
    this.#totals[outcome]++;
    this.#totals[`${outcome}Bytes`] += blob.size;
    return blob;
  }

  #settle(destination: ImageDestination, name: DockerName, { digest, size }: StoredBlob): void {
    const homes = this.#homes.get(digest) ?? [];
    if (homes.some((home) => isSameRepository(home.name, name))) return;
    this.#homes.set(digest, [...homes, { name, size, destination }]);
  }
}

function isSameRepository(one: DockerName, other: DockerName): boolean {
  return one.registry === other.registry && one.repository === other.repository;
}
