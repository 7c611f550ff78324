import type { ByteStream, OperationOptions } from "../core/byte-stream.ts";
import type { Descriptor } from "../core/descriptor.ts";
import { forEachLimited } from "../core/limiter.ts";
import type { ProgressListener } from "../core/progress.ts";
import { BlobTransfers } from "./blob-transfers.ts";
import { LayerMover, type LayerMoverOptions, type MovableLayer, type MovedBlob } from "./layer-mover.ts";
import { knownSize } from "./layer-reuse.ts";
import type { SharedBlobs } from "./shared-blobs.ts";

const BLOBS_AT_A_TIME = 32;

/** A blob that must keep its bytes. */
export interface MovableConfig {
  readonly role: "config";
  readonly descriptor: Descriptor;
  /** Its bytes, where they are at hand, so that they need not be read from the source. */
  readonly content?: Uint8Array | undefined;
}

/** What the blobs of one copy are moved between, and how. */
export interface BlobMoverOptions extends LayerMoverOptions {
  readonly report: ProgressListener;
  readonly parallelCopies?: number | undefined;
  readonly sharedBlobs?: SharedBlobs | undefined;
}

/** Moves blobs of one copy, each of them once, straight from the source's stream into the destination's. */
export class BlobMover {
  readonly #options: BlobMoverOptions;
  readonly #limit: number;
  readonly #transfers: BlobTransfers;
  readonly #layers: LayerMover;
  readonly #moved = new Map<string, Promise<MovedBlob>>();

  constructor(options: BlobMoverOptions) {
    const { source, destination, parallelCopies, sharedBlobs } = options;
    const isConcurrent = source.concurrentBlobs && destination.traits.concurrentBlobs;
    this.#options = options;
    this.#limit = isConcurrent ? parallelCopies || BLOBS_AT_A_TIME : 1;
    const large = parallelCopies === undefined ? sharedBlobs?.largeTransfers : undefined;
    this.#transfers = new BlobTransfers(source, options.report, large ?? parallelCopies);
    this.#layers = new LayerMover(options, this.#transfers);
  }

  /** Brings all blobs to the destination, and tells in their order what became of them. The first failure ends the others. */
  async moveAll(
    blobs: readonly (MovableConfig | MovableLayer)[],
    options: OperationOptions,
  ): Promise<readonly MovedBlob[]> {
    const moved: MovedBlob[] = [];
    await forEachLimited(
      blobs,
      this.#limit,
      async (blob, i, operation) => {
        moved[i] = await this.#moveOnce(blob, operation);
      },
      options,
    );
    return moved;
  }

  async #moveOnce(blob: MovableConfig | MovableLayer, options: OperationOptions): Promise<MovedBlob> {
    const key = `${blob.descriptor.digest} ${blob.role === "layer" && blob.mayChange}`;
    const known = this.#moved.get(key);
    if (known !== undefined) return await known;
    const { sharedBlobs } = this.#options;
    const move = (): Promise<MovedBlob> => this.#move(blob, options);
    const pending = sharedBlobs === undefined ? move() : sharedBlobs.inTurn(blob.descriptor.digest, move);
    this.#moved.set(key, pending);
    return await pending;
  }

  async #move(blob: MovableConfig | MovableLayer, options: OperationOptions): Promise<MovedBlob> {
    const { report } = this.#options;
    const { digest, size } = blob.descriptor;
    report({ kind: "blob-start", digest, role: blob.role, size: knownSize(size) });
    const moved =
      blob.role === "config" ? await this.#moveConfig(blob, options) : await this.#layers.move(blob, options);
    report({ kind: "blob-end", digest, outcome: moved.outcome });
    return moved;
  }

  async #moveConfig(
    { descriptor, role, content }: MovableConfig,
    options: OperationOptions,
  ): Promise<MovedBlob> {
    const { destination } = this.#options;
    const { digest, size, mediaType } = descriptor;
    const placement = { role, mediaType, digest, size };
    const reused = await destination.reuseBlob(placement, options);
    if (reused !== undefined) return { ...reused, outcome: "reused" };
    const write = async (bytes: ByteStream): Promise<MovedBlob> => {
      const stored = await destination.writeBlob(bytes, placement, options);
      return { ...stored, outcome: "copied" };
    };
    return content === undefined
      ? await this.#transfers.run(descriptor, options, write)
      : await this.#transfers.send(content, options, write);
  }
}
