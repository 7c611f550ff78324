import { type ByteStream, coalesced } from "../core/byte-stream.ts";
import { readsConcatenatedZstd } from "../runtime/zlib-traits.ts";
import { PieceReader } from "./piece-reader.ts";
import { through } from "./through.ts";

/**
 * Decompresses zstd, any number of frames; skippable ones, which carry no data, are passed over. The frames are walked
 * through here, because the codecs take data that ends early for complete. RFC 8878, 3.1.
 */
export async function* unzstd(stream: ByteStream, chunkSize: number): ByteStream {
  const { createZstdDecompress } = await import("node:zlib");
  const reader = new PieceReader(stream);
  try {
    if (readsConcatenatedZstd)
      yield* through(coalesced(allFrames(reader)), createZstdDecompress({ chunkSize }));
    else for await (const frame of frames(reader)) yield* through(frame, createZstdDecompress({ chunkSize }));
  } finally {
    await reader.close();
  }
}

async function* allFrames(reader: PieceReader): ByteStream {
  for await (const frame of frames(reader)) yield* frame;
}

/** Each frame must be read to its end before the next is asked for. */
async function* frames(reader: PieceReader): AsyncGenerator<ByteStream> {
  while (!(await reader.isAtEnd())) {
    const magic = await reader.take(4);
    if (isSkippable(magic)) await skip(reader);
    else yield zstdFrame(reader, magic);
  }
}

/** 0x184D2A50 to 0x184D2A5F, little-endian. */
function isSkippable(magic: Buffer): boolean {
  return (magic.readUInt32LE() & 0xfffffff0) >>> 0 === 0x184d2a50;
}

async function skip(reader: PieceReader): Promise<void> {
  const length = (await reader.take(4)).readUInt32LE();
  for await (const _ of reader.pieces(length));
}

const LAST_BLOCK = 1;
const RLE_BLOCK = 1;

/** The bytes of one frame, found by going from block to block. RFC 8878, 3.1.1. */
async function* zstdFrame(reader: PieceReader, magic: Buffer): ByteStream {
  yield magic;
  const [flags = 0] = await reader.take(1);
  yield Uint8Array.of(flags);
  const isSingleSegment = (flags >> 5) & 1;
  const dictionaryId = [0, 1, 2, 4][flags & 3] ?? 0;
  const contentSize = [isSingleSegment, 2, 4, 8][flags >> 6] ?? 0;
  yield await reader.take(1 - isSingleSegment + dictionaryId + contentSize);
  for (let isLast = false; !isLast; ) {
    const header = await reader.take(3);
    yield header;
    const fields = header.readUIntLE(0, 3);
    isLast = (fields & LAST_BLOCK) === 1;
    const type = (fields >> 1) & 3;
    yield* reader.pieces(type === RLE_BLOCK ? 1 : fields >> 3);
  }
  const hasChecksum = ((flags >> 2) & 1) === 1;
  if (hasChecksum) yield await reader.take(4);
}
