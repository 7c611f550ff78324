import { type ByteStream, type OperationOptions, streamOf, verified } from "../core/byte-stream.ts";
import type { Descriptor } from "../core/descriptor.ts";
import { ImageError } from "../core/errors.ts";
import type { BlobReader, ImageSource } from "../core/image.ts";

/** What names a blob: a descriptor, or as much of it as is known. */
export type BlobName = Pick<Descriptor, "digest" | "urls"> & { readonly size?: number | undefined };

/** A part of a blob, in bytes: all from `offset` on, or `length` of them. */
export interface BlobRange {
  /** The first byte; 0 by default. */
  readonly offset?: number | undefined;
  /** How many bytes; without it, all that follow. */
  readonly length?: number | undefined;
}

/**
 * Opens a blob or a part of it. A whole one is verified while it is read; a part fails when the blob ends within it.
 * @throws {ImageError} NOT_FOUND; the stream: DIGEST_MISMATCH, SIZE_MISMATCH
 */
export async function openRange(
  source: Pick<ImageSource, "openBlob" | "canSkip">,
  blob: BlobName,
  { offset = 0, length }: BlobRange,
  options: OperationOptions,
): Promise<BlobReader> {
  for (const count of [offset, length ?? 0])
    if (!Number.isSafeInteger(count) || count < 0)
      throw new RangeError(`a part of a blob begins and ends at whole bytes, not at ${count}`);
  const { digest, urls, size } = blob;
  if (length === 0 || (size !== undefined && offset >= size && length === undefined)) return emptyReader();
  const isWhole = offset === 0 && (length === undefined || length === size);
  const skips = source.canSkip === true && offset > 0;
  const reader = await source.openBlob({ digest, urls, ...(skips ? { offset } : {}) }, options);
  const known = size ?? reader.size;
  const end = length === undefined ? known : offset + length;
  const bytes = isWhole
    ? verified(reader.bytes, digest, size)
    : part(reader.bytes, skips ? 0 : offset, end === undefined ? undefined : end - offset);
  return {
    bytes,
    size: isWhole ? known : end === undefined ? undefined : Math.max(0, end - offset),
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  };
}

function emptyReader(): BlobReader {
  return { bytes: streamOf(new Uint8Array()), size: 0, async [Symbol.asyncDispose]() {} };
}

async function* part(stream: ByteStream, offset: number, length: number | undefined): ByteStream {
  let skip = offset;
  let left = length ?? Number.POSITIVE_INFINITY;
  if (left <= 0) return;
  for await (const chunk of stream) {
    const wanted = chunk.subarray(Math.min(skip, chunk.length));
    skip -= chunk.length - wanted.length;
    if (wanted.length === 0) continue;
    const piece = wanted.subarray(0, Math.min(left, wanted.length));
    left -= piece.length;
    yield piece;
    if (left === 0) return;
  }
  if (length === undefined) return;
  throw new ImageError(
    "SIZE_MISMATCH",
    `the blob ends ${left} bytes before the end of the part that was asked for`,
  );
}
