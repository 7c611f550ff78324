import { decompressed } from "../../compression/decompress.ts";
import { detectStream } from "../../compression/format.ts";
import { type ByteStream, digested, type OperationOptions } from "../../core/byte-stream.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import { createDigester, type Digest } from "../../core/digest.ts";
import { ImageError } from "../../core/errors.ts";
import { withLayerCompression } from "../../format/layer-type.ts";
import { interruptible } from "../../tar/guards.ts";
import { type NewFile, tarOf } from "./layer-files.ts";

/** A layer to be: files, or a tar archive, plain or compressed by gzip or zstd, that can be read more than once. */
export type NewLayer = {
  /** What made it, for the history. */
  readonly createdBy?: string | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
} & ({ readonly files: readonly NewFile[] } | { readonly tar: () => ByteStream });

/** A layer whose digests are known. */
export interface BuiltLayer {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
  readonly createdBy: string | undefined;
  open(): ByteStream;
}

const LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar";

/**
 * Reads a layer once to find out its digests. It is not compressed here: a copy does that, where the destination wants it.
 * @throws {ImageError} UNSUPPORTED_OPERATION for another compression
 */
export async function buildLayer(layer: NewLayer, options: OperationOptions): Promise<BuiltLayer> {
  const open = "files" in layer ? () => tarOf(layer.files) : layer.tar;
  const [stored, plain] = [createDigester(), createDigester()];
  let size = 0;
  async function* counted(): ByteStream {
    for await (const chunk of interruptible(digested(open(), stored), options)) {
      size += chunk.length;
      yield chunk;
    }
  }
  const { format, bytes } = await detectStream(counted());
  if (format === "bzip2" || format === "xz")
    throw new ImageError(
      "UNSUPPORTED_OPERATION",
      `a layer cannot be compressed by ${format}: use gzip or zstd`,
    );
  const tar = format === undefined ? bytes : decompressed(bytes, format, "layer");
  for await (const chunk of tar) plain.update(chunk);
  const { annotations, createdBy } = layer;
  return {
    descriptor: {
      mediaType: withLayerCompression(LAYER_TYPE, format ?? "uncompressed"),
      digest: stored.digest(),
      size,
      ...(annotations === undefined ? {} : { annotations }),
    },
    diffId: plain.digest(),
    createdBy,
    open,
  };
}
