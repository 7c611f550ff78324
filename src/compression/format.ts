import type { ByteStream } from "../core/byte-stream.ts";

/** A way in which the bytes of a layer or an archive may be compressed. */
export type CompressionFormat = "gzip" | "bzip2" | "xz" | "zstd";

/** The bytes that each begins with. images.md 8.1. */
const MAGIC: readonly (readonly [CompressionFormat, readonly number[]])[] = [
  ["gzip", [0x1f, 0x8b, 0x08]],
  ["bzip2", [0x42, 0x5a, 0x68]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
];
const LONGEST_MAGIC = 6;

/** What compressed these bytes, by how they begin, whatever a media type says; undefined for none. */
export function detectCompression(head: Uint8Array): CompressionFormat | undefined {
  return MAGIC.find(([, magic]) => magic.every((byte, i) => head[i] === byte))?.[0];
}

/** Bytes whose beginning has been looked at; `bytes` holds all of them. Leaving them unread frees the producer by `close`. */
export interface DetectedStream {
  readonly format: CompressionFormat | undefined;
  readonly bytes: ByteStream;
  close(): Promise<void>;
}

/** Looks at the first bytes of a stream to see how it is compressed. */
export async function detectStream(stream: ByteStream): Promise<DetectedStream> {
  const iterator = stream[Symbol.asyncIterator]();
  const head: Uint8Array[] = [];
  let size = 0;
  while (size < LONGEST_MAGIC) {
    const next = await iterator.next();
    if (next.done) break;
    head.push(next.value);
    size += next.value.length;
  }
  const close = async (): Promise<void> => void (await iterator.return?.());
  return { format: detectCompression(Buffer.concat(head)), bytes: resumed(head, iterator, close), close };
}

async function* resumed(
  head: readonly Uint8Array[],
  iterator: AsyncIterator<Uint8Array>,
  close: () => Promise<void>,
): ByteStream {
  try {
    yield* head;
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
  } finally {
    await close();
  }
}
