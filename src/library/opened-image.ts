import { collect, type OperationOptions } from "../core/byte-stream.ts";
import type { Descriptor, RawManifest } from "../core/descriptor.ts";
import { computeDigest, type Digest, digestAlgorithm, isDigest } from "../core/digest.ts";
import { ImageError } from "../core/errors.ts";
import type { BlobReader, ImageReference, ImageSource } from "../core/image.ts";
import { isIndexType } from "../core/media-type.ts";
import { type ImageConfig, parseImageConfig } from "../format/image-config.ts";
import { DOCUMENT_LIMIT } from "../format/json.ts";
import { type IndexManifest, type Manifest, parseIndex, parseManifest } from "../format/manifest.ts";
import { resolveInstance } from "../format/resolve-instance.ts";
import { type BlobName, type BlobRange, openRange } from "./blob-range.ts";
import type { ImageFile } from "./image-files.ts";
import { interruptible, interruptibleBlob, interruptibleItems } from "./interruption.ts";
import { type PlatformName, wantedPlatform } from "./platform-choice.ts";

/** One image of an index, or one that stands alone. */
export interface Instance {
  /** As stored. */
  readonly raw: RawManifest;
  /** Parsed. */
  readonly manifest: Exclude<Manifest, IndexManifest>;
  /** Lowest first; without those that schema 1 lists and that are empty. */
  readonly layers: readonly BlobName[];
  /** How its index lists it; undefined for an image that stands alone, or was asked for by its digest. */
  readonly descriptor: Descriptor | undefined;
}

/** Indexes within indexes are followed so far. */
const MAX_NESTING = 8;

/** An image that is open to be read. To be disposed, with `await using`. */
export class OpenImage implements AsyncDisposable {
  /** The top-level manifest or index, exactly as stored. */
  readonly raw: RawManifest;
  readonly #source: ImageSource;

  /** @internal */
  constructor(source: ImageSource, raw: RawManifest) {
    this.#source = source;
    this.raw = raw;
  }

  /** What is open. */
  get reference(): ImageReference {
    return this.#source.reference;
  }

  /** The top-level manifest or index, parsed. @throws {ImageError} MANIFEST_INVALID */
  get manifest(): Manifest {
    return parseManifest(this.raw);
  }

  /** All images of the index, those of indexes within it too; the image itself where it stands alone. */
  async *instances(options: OperationOptions = {}): AsyncGenerator<Instance> {
    yield* interruptibleItems(options, (inner) => this.#walk(this.raw, undefined, 0, inner));
  }

  /**
   * The image for a platform, this machine's by default, or the one with a digest.
   * @throws {ImageError} NO_MATCHING_INSTANCE, NOT_FOUND
   */
  async instance(wanted?: PlatformName, options: OperationOptions = {}): Promise<Instance> {
    return await interruptible(options, async (inner) => {
      const read = async (digest: Digest): Promise<RawManifest> => await this.#read(digest, inner);
      if (typeof wanted === "string" && isDigest(wanted)) return toInstance(await read(wanted));
      const platform = await wantedPlatform(wanted);
      return toInstance(await resolveInstance(this.raw, platform, "choosing image instance", read));
    });
  }

  /** The configuration of an image. @throws {ImageError} UNSUPPORTED_OPERATION for schema 1, which has none */
  async readConfig(instance: Instance, options: OperationOptions = {}): Promise<ImageConfig> {
    return parseImageConfig(await this.readConfigBytes(instance, options));
  }

  /** As `readConfig`, exactly as stored. */
  async readConfigBytes({ manifest }: Instance, options: OperationOptions = {}): Promise<Uint8Array> {
    if (manifest.kind === "schema1")
      throw new ImageError("UNSUPPORTED_OPERATION", "images of schema 1 have no configuration");
    await using blob = await this.openBlob(manifest.config, {}, options);
    return await collect(blob.bytes, DOCUMENT_LIMIT, "config");
  }

  /**
   * A blob as a stream, or a part of it. Whole blobs are verified: the stream fails at its end if size or digest are not those that
   * were asked for. Of a part, for which nothing can vouch, only the length is. The reader is to be disposed.
   */
  async openBlob(blob: BlobName, range: BlobRange = {}, options: OperationOptions = {}): Promise<BlobReader> {
    return await interruptible(options, async (inner) =>
      interruptibleBlob(await openRange(this.#source, blob, range, inner), options),
    );
  }

  /**
   * The files that a container of this image would see, each with the layer that it comes from. Layers are read from the uppermost
   * down, and only as far as somebody asks for more.
   */
  async *listFiles(instance: Instance, options: OperationOptions = {}): AsyncGenerator<ImageFile> {
    const { listFiles } = await import("./image-files.ts");
    yield* interruptibleItems(options, (inner) =>
      listFiles(instance.layers, (layer) => this.openBlob(layer, {}, inner), inner),
    );
  }

  /** Closes the image. What was opened of it cannot be read any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source[Symbol.asyncDispose]();
  }

  async *#walk(
    raw: RawManifest,
    descriptor: Descriptor | undefined,
    depth: number,
    options: OperationOptions,
  ): AsyncGenerator<Instance> {
    if (!isIndexType(raw.mediaType)) {
      yield toInstance(raw, descriptor);
      return;
    }
    if (depth === MAX_NESTING) throw new ImageError("MANIFEST_INVALID", "indexes are nested too deeply");
    for (const entry of parseIndex(raw).manifests)
      yield* this.#walk(await this.#read(entry.digest, options), entry, depth + 1, options);
  }

  /** Stores may give what they like: what an index lists must have the digest that it says. */
  async #read(digest: Digest, options: OperationOptions): Promise<RawManifest> {
    const raw = await this.#source.readManifest(digest, options);
    const actual = computeDigest(raw.bytes, digestAlgorithm(digest));
    if (actual === digest || raw.digest === digest) return raw;
    throw new ImageError("DIGEST_MISMATCH", `a manifest has digest ${actual}, where ${digest} was asked for`);
  }
}

function toInstance(raw: RawManifest, descriptor?: Descriptor): Instance {
  const manifest = parseManifest(raw);
  if (manifest.kind === "index")
    throw new ImageError("MANIFEST_INVALID", "an index stands where an image should");
  const layers =
    manifest.kind === "schema1" ? manifest.layers.filter(({ isEmpty }) => !isEmpty) : manifest.layers;
  return { raw, manifest, layers, descriptor };
}
