import { decompressed } from "../compression/decompress.ts";
import type { CompressionFormat } from "../compression/format.ts";
import type { InflationLimit } from "../compression/inflation-limit.ts";
import { type ByteStream, digested } from "../core/byte-stream.ts";
import { createDigester, type Digest, digestAlgorithm } from "../core/digest.ts";
import { ImageError } from "../core/errors.ts";
import { Handover } from "../core/handover.ts";

/**
 * Passes the decompressed data of a layer on and tells its digest at the end, the diffID. Image spec 1.1, config.md.
 * @throws {ImageError} DIGEST_MISMATCH when the image's config says that it is another one
 */
export async function* withDiffId(
  plain: ByteStream,
  layer: { readonly digest: Digest; readonly diffId?: Digest | undefined },
  onDiffId: (diffId: Digest) => void,
): ByteStream {
  const expected = layer.diffId;
  const digester = createDigester(expected === undefined ? "sha256" : digestAlgorithm(expected));
  yield* digested(plain, digester);
  const actual = digester.digest();
  if (expected !== undefined && actual !== expected) throw diffIdMismatch(layer, actual);
  onDiffId(actual);
}

/** The config of the image says that the data is another. */
export function diffIdMismatch(
  layer: { readonly digest: Digest; readonly diffId?: Digest | undefined },
  actual: Digest,
): ImageError {
  return new ImageError(
    "DIGEST_MISMATCH",
    `layer ${layer.digest} does not match the image's config: decompressed it is ${actual}, which should be ${layer.diffId}`,
  );
}

/** Passes compressed data on as it is, while its decompressed form is hashed beside it. */
export async function* tappedDiffId(
  compressed: ByteStream,
  format: CompressionFormat,
  what: string,
  limit: InflationLimit | undefined,
  onDiffId: (diffId: Digest) => void,
): ByteStream {
  const side = new Handover();
  const digester = createDigester();
  const hashing = (async (): Promise<void> => {
    for await (const chunk of decompressed(side.chunks(), format, what, limit)) digester.update(chunk);
  })();
  const isOver = hashing.then(
    () => undefined,
    () => undefined,
  );
  try {
    for await (const chunk of compressed) {
      await Promise.race([side.give(chunk), isOver]);
      yield chunk;
    }
    side.end();
    await hashing;
  } finally {
    side.end();
    await isOver;
  }
  onDiffId(digester.digest());
}
