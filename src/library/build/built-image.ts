import { type ByteStream, type OperationOptions, streamOf } from "../../core/byte-stream.ts";
import type { RawManifest } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import { ImageError } from "../../core/errors.ts";
import type { BlobReader, ImageReference, ImageSource, Transport } from "../../core/image.ts";

/** What a built image or index consists of. */
export interface BuiltContent {
  readonly topLevel: RawManifest;
  /** Of an index, its images. */
  readonly instances: ReadonlyMap<Digest, RawManifest>;
  readonly blobs: ReadonlyMap<Digest, BuiltBlob>;
  /** Where other blobs are. */
  readonly others: readonly ImageReference[];
}

export interface BuiltBlob {
  readonly size: number;
  open(): ByteStream;
}

/** An image that is nowhere yet: to be copied, opened and inspected like any other. */
export interface BuiltImage extends ImageReference {
  /** The manifest or index, with its digest. */
  readonly raw: RawManifest;
  /** @internal */
  readonly content: BuiltContent;
}

const transport: Transport = {
  name: "built",
  parseReference: () => {
    throw new ImageError("INVALID_REFERENCE", "images that are built have no names");
  },
};

export function builtImage(content: BuiltContent): BuiltImage {
  const reference: BuiltImage = {
    transport,
    text: content.topLevel.digest,
    dockerName: undefined,
    policyScopes: [],
    raw: content.topLevel,
    content,
    findDigest: async () => content.topLevel.digest,
    openSource: async () => new BuiltSource(reference),
  };
  return reference;
}

class BuiltSource implements ImageSource {
  readonly reference: BuiltImage;
  readonly concurrentBlobs = true;
  readonly #opened = new Map<ImageReference, Promise<ImageSource>>();

  constructor(reference: BuiltImage) {
    this.reference = reference;
  }

  async readManifest(instance?: Digest): Promise<RawManifest> {
    const { topLevel, instances } = this.reference.content;
    const found = instance === undefined || instance === topLevel.digest ? topLevel : instances.get(instance);
    if (found === undefined) throw new ImageError("NOT_FOUND", `no image with digest ${instance} was built`);
    return found;
  }

  async openBlob(...[blob, options]: Parameters<ImageSource["openBlob"]>): Promise<BlobReader> {
    const own = this.reference.content.blobs.get(blob.digest);
    if (own !== undefined) return { bytes: own.open(), size: own.size, async [Symbol.asyncDispose]() {} };
    const failures: unknown[] = [];
    for (const other of this.reference.content.others) {
      try {
        return await (await this.#open(other, options)).openBlob(blob, options);
      } catch (error) {
        options?.signal?.throwIfAborted();
        failures.push(error);
      }
    }
    throw failures[0] ?? new ImageError("NOT_FOUND", `no blob with digest ${blob.digest} was built`);
  }

  async readSignatures(): Promise<readonly []> {
    return [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const source of await Promise.allSettled(this.#opened.values()))
      if (source.status === "fulfilled") await source.value[Symbol.asyncDispose]();
  }

  #open(reference: ImageReference, options: OperationOptions | undefined): Promise<ImageSource> {
    const known = this.#opened.get(reference);
    if (known !== undefined) return known;
    const opened = openSource(reference, options);
    this.#opened.set(reference, opened);
    return opened;
  }
}

async function openSource(
  reference: ImageReference,
  options: OperationOptions | undefined,
): Promise<ImageSource> {
  if (reference.openSource !== undefined) return await reference.openSource(options);
  throw new ImageError("UNSUPPORTED_OPERATION", `${reference.transport.name}: images cannot be read`);
}

export function bytesBlob(bytes: Uint8Array): BuiltBlob {
  return { size: bytes.length, open: () => streamOf(bytes) };
}
