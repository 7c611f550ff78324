import { collect, type OperationOptions, verified } from "../core/byte-stream.ts";
import type { Descriptor } from "../core/descriptor.ts";
import { type Digest, isDigest } from "../core/digest.ts";
import { ImageError, inContext } from "../core/errors.ts";
import type { ImageSource } from "../core/image.ts";
import { parseImageConfig } from "../format/image-config.ts";
import { DOCUMENT_LIMIT } from "../format/json.ts";

/** The config of the image being copied, read when first asked for, and once. */
export class InstanceConfig {
  readonly #source: ImageSource;
  readonly #descriptor: Descriptor;
  #bytes: Promise<Uint8Array> | undefined;

  constructor(source: ImageSource, descriptor: Descriptor) {
    this.#source = source;
    this.#descriptor = descriptor;
  }

  /** Whether the bytes have been asked for, so that they need not be read from the source once more. */
  get isRead(): boolean {
    return this.#bytes !== undefined;
  }

  /** @throws {ImageError} DIGEST_MISMATCH, SIZE_LIMIT */
  async read(options: OperationOptions): Promise<Uint8Array> {
    this.#bytes ??= this.#read(options);
    return await this.#bytes;
  }

  /** The digests of the `count` layers' decompressed data; undefined where the config does not tell. */
  async readDiffIds(count: number, options: OperationOptions): Promise<readonly Digest[] | undefined> {
    const diffIds = diffIdsOf(await this.read(options)) ?? [];
    return diffIds.length === count && diffIds.every(isDigest) ? diffIds : undefined;
  }

  async #read(options: OperationOptions): Promise<Uint8Array> {
    const { digest, size } = this.#descriptor;
    return await inContext(`reading config blob ${digest}`, async () => {
      await using blob = await this.#source.openBlob(this.#descriptor, options);
      return await collect(verified(blob.bytes, digest, size), DOCUMENT_LIMIT, "config");
    });
  }
}

/** A config that can't be understood is copied like any other. */
function diffIdsOf(bytes: Uint8Array): readonly string[] | null {
  try {
    return parseImageConfig(bytes).rootfs.diff_ids;
  } catch (error) {
    if (error instanceof ImageError && error.code === "MANIFEST_INVALID") return null;
    throw error;
  }
}
