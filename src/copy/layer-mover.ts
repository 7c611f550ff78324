import type { InflationLimit } from "../compression/inflation-limit.ts";
import type { BlobKnowledge } from "../core/blob-knowledge.ts";
import { type ByteStream, digested, type OperationOptions } from "../core/byte-stream.ts";
import type { Descriptor } from "../core/descriptor.ts";
import { createDigester, type Digest } from "../core/digest.ts";
import { isAbort } from "../core/errors.ts";
import type { ImageDestination, ImageSource, StoredBlob } from "../core/image.ts";
import { declaredCompression, type LayerCompression, withLayerCompression } from "../format/layer-type.ts";
import { openFile } from "../runtime/files.ts";
import { writeTemporaryFile } from "../runtime/temporary-file.ts";
import type { BlobTransfers } from "./blob-transfers.ts";
import { type LayerInput, type LayerOutput, prepareLayer } from "./layer-pipeline.ts";
import { findReusable, knownSize } from "./layer-reuse.ts";
import { type CompressionPlan, treatLayer } from "./layer-treatment.ts";

/** Bytes from which on a layer is worth asking whether a part of it is there. */
const RESUMED: number = 16 * 1024 * 1024;

const AS_IT_IS: CompressionPlan = { wants: "preserve", isForced: false };

/** A layer of an image. */
export interface MovableLayer {
  readonly role: "layer";
  /** A size of -1 says that the manifest does not tell it. */
  readonly descriptor: Descriptor;
  /** The digest of its decompressed data, by the image's config. */
  readonly diffId?: Digest | undefined;
  /** Whether it may be stored in another form, so that the manifest changes. */
  readonly mayChange: boolean;
  /** Its diffID must be found out. */
  readonly needsDiffId?: boolean;
}

/** What a blob has become at the destination. */
export interface MovedBlob extends StoredBlob {
  /** Undefined for what has not been looked at. */
  readonly compression?: LayerCompression | undefined;
  /** What belongs on the descriptor, if the data was changed. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly diffId?: Digest | undefined;
  readonly outcome: "copied" | "reused" | "skipped";
}

/** What the layers of one copy are moved between, and how. */
export interface LayerMoverOptions {
  readonly source: ImageSource;
  readonly destination: ImageDestination;
  readonly compression: CompressionPlan;
  readonly inflationLimit?: InflationLimit | undefined;
  readonly knowledge: BlobKnowledge;
  /** Where compressed layers are kept until it is known whether the destination has them; undefined sends them at once. */
  readonly precomputeIn?: string | undefined;
}

/** Brings layers into the form that the destination is to have them in. images.md 8. */
export class LayerMover {
  readonly #options: LayerMoverOptions;
  readonly #transfers: BlobTransfers;

  constructor(options: LayerMoverOptions, transfers: BlobTransfers) {
    this.#options = options;
    this.#transfers = transfers;
  }

  async move(layer: MovableLayer, options: OperationOptions): Promise<MovedBlob> {
    const { descriptor, diffId } = layer;
    const { digest, size } = descriptor;
    if (this.#isKeptElsewhere(descriptor)) return { digest, size, outcome: "skipped" };
    const isUncompressed = digest === diffId;
    const declared = isUncompressed ? "uncompressed" : declaredCompression(descriptor);
    const plan = layer.mayChange && declared !== undefined ? this.#options.compression : AS_IT_IS;
    const reused = await findReusable(this.#options, layer, plan, declared, options);
    if (reused !== undefined) return await this.#withDiffId(layer, reused, options);
    const input: LayerInput = {
      digest,
      diffId,
      declared,
      plan,
      needsDiffId: layer.needsDiffId ?? false,
      limit: this.#options.inflationLimit,
    };
    const isKnownToStay = this.#mayTrust(input);
    const resumed = isKnownToStay ? await this.#resume(descriptor, options) : undefined;
    if (resumed !== undefined) return { ...resumed, compression: declared, outcome: "copied" };
    return await this.#transfers.run(descriptor, options, async (bytes) =>
      isKnownToStay
        ? await this.#writeAsItIs(layer, declared, bytes, options)
        : await this.#writeTreated(layer, await prepareLayer(bytes, input, options), options),
    );
  }

  /** Goes on with what an earlier run has left of a large layer; if that fails, all is sent again. */
  async #resume(descriptor: Descriptor, options: OperationOptions): Promise<StoredBlob | undefined> {
    const { source, destination } = this.#options;
    const { digest, size } = descriptor;
    if (source.canSkip !== true || size < RESUMED) return undefined;
    const partial = await destination.resumeBlob?.({ digest, size }, options);
    if (partial === undefined) return undefined;
    try {
      return await this.#transfers.resume(descriptor, partial, options);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (isAbort(error)) throw error;
      return undefined;
    }
  }

  /** Layers with URLs stay where they are, if the destination is content with the URLs. */
  #isKeptElsewhere(descriptor: Descriptor): boolean {
    const { traits } = this.#options.destination;
    return (descriptor.urls ?? []).length > 0 && traits.foreignLayers === "keep-urls";
  }

  /** Whether nothing about the data has to be found out before it moves: so the destination gets ready at the same time. */
  #mayTrust({ plan, declared, needsDiffId }: LayerInput): boolean {
    if (needsDiffId) return false;
    if (plan.wants === "preserve") return true;
    const isExact = this.#options.source.hasExactMediaTypes === true;
    return isExact && declared !== undefined && treatLayer(declared, plan).kind === "keep";
  }

  async #writeAsItIs(
    { descriptor }: MovableLayer,
    compression: LayerCompression | undefined,
    bytes: ByteStream,
    options: OperationOptions,
  ): Promise<MovedBlob> {
    const { digest, mediaType } = descriptor;
    const placement = { role: "layer", mediaType, digest, size: knownSize(descriptor.size) } as const;
    const stored = await this.#options.destination.writeBlob(bytes, placement, options);
    return { ...stored, compression, outcome: "copied" };
  }

  async #writeTreated(
    layer: MovableLayer,
    output: LayerOutput,
    options: OperationOptions,
  ): Promise<MovedBlob> {
    const { compression, isKept } = output;
    try {
      const stored = isKept
        ? await this.#writeAsItIs(layer, compression, output.bytes, options)
        : await this.#writeNew(layer, output, options);
      const moved: MovedBlob = {
        digest: stored.digest,
        size: stored.size,
        compression,
        annotations: output.annotations(),
        diffId: output.diffId() ?? layer.diffId,
        outcome: "copied",
      };
      if (!isKept) await this.#remember(layer, moved);
      return moved;
    } finally {
      await output.close();
    }
  }

  /** Data in a new form, whose digest is known at its end. */
  async #writeNew(
    { descriptor }: MovableLayer,
    { bytes, compression, expectedDigest }: LayerOutput,
    options: OperationOptions,
  ): Promise<StoredBlob> {
    const { destination, precomputeIn } = this.#options;
    const mediaType = withLayerCompression(descriptor.mediaType, compression);
    if (precomputeIn === undefined || expectedDigest !== undefined) {
      return await destination.writeBlob(
        bytes,
        { role: "layer", mediaType, digest: expectedDigest },
        options,
      );
    }
    const digester = createDigester();
    await using file = await writeTemporaryFile(digested(bytes, digester), precomputeIn, "layer");
    const placement = { role: "layer", mediaType, digest: digester.digest(), size: file.size } as const;
    const reused = await destination.reuseBlob(placement, options);
    if (reused !== undefined) return reused;
    await using reader = await openFile(file.path);
    return await destination.writeBlob(reader.bytes, placement, options);
  }

  /** Keeps in mind which two blobs hold the same data, for later copies. */
  async #remember(layer: MovableLayer, moved: MovedBlob): Promise<void> {
    const { knowledge, source, destination } = this.#options;
    const { diffId, compression } = moved;
    if (diffId === undefined) return;
    const declared = declaredCompression(layer.descriptor);
    if (compression !== undefined && compression !== "uncompressed") {
      await knowledge.record(diffId, { ...moved, compression }, destination.reference.dockerName);
    } else if (declared !== undefined && declared !== "uncompressed" && layer.descriptor.digest !== diffId) {
      const { digest, size, annotations } = layer.descriptor;
      await knowledge.record(
        diffId,
        { digest, size, annotations, compression: declared },
        source.reference.dockerName,
      );
    }
  }

  /** A layer that is there already is still read, if only so its diffID can be found out. */
  async #withDiffId(layer: MovableLayer, reused: MovedBlob, options: OperationOptions): Promise<MovedBlob> {
    const { digest } = layer.descriptor;
    if (!layer.needsDiffId || reused.diffId !== undefined) return reused;
    const known = layer.diffId ?? (await this.#options.knowledge.findDiffId(digest));
    if (known !== undefined) return { ...reused, diffId: known };
    const diffId = await this.#transfers.run(layer.descriptor, options, async (bytes) => {
      const limit = this.#options.inflationLimit;
      const input = { digest, declared: undefined, plan: AS_IT_IS, needsDiffId: true, limit };
      const output = await prepareLayer(bytes, input, options);
      for await (const _ of output.bytes);
      return output.diffId();
    });
    return { ...reused, diffId };
  }
}
