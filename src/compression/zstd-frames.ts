import { type ByteStream, coalesced } from "../core/byte-stream.ts";
import { readsConcatenatedZstd } from "../runtime/zlib-traits.ts";
import { ByteReader } from "./byte-reader.ts";
import { through } from "./through.ts";

/**
 * Decompresses zstd, any number of frames; skippable ones, which carry no data, are passed over. The frames are walked
 * through here, because the codecs take data that ends early for complete. RFC 8878, 3.1.
 */
export async function* unzstd(stream: ByteStream, chunkSize: number): ByteStream {
  const { createZstdDecompress } = await import("node:zlib");
  const reader = new ByteReader(stream);
  try {
    if (readsConcatenatedZstd)
      yield* through(coalesced(allFrames(reader)), createZstdDecompress({ chunkSize }));
    else for await (const frame of frames(reader)) yield* through(frame, createZstdDecompress({ chunkSize }));
  } finally {
    await reader.close();
  }
}

async function* allFrames(reader: ByteReader): ByteStream {
  for await (const frame of frames(reader)) yield* frame;
}

/** Each frame must be read to its end before the next is asked for. */
async function* frames(reader: ByteReader): AsyncGenerator<ByteStream> {
  for (let magic = await reader.take(4); magic.length > 0; magic = await reader.take(4)) {
    if (magic.length < 4) throw endsEarly();
    if (isSkippable(magic)) await skip(reader);
    else yield zstdFrame(reader, magic);
  }
}

/** 0x184D2A50 to 0x184D2A5F, little-endian. */
function isSkippable(magic: Buffer): boolean {
  return (magic.readUInt32LE() & 0xfffffff0) >>> 0 === 0x184d2a50;
}

async function skip(reader: ByteReader): Promise<void> {
  const length = (await takeAll(reader, 4)).readUInt32LE();
  for await (const _ of pieces(reader, length));
}

async function takeAll(reader: ByteReader, length: number): Promise<Buffer> {
  const bytes = await reader.take(length);
  if (bytes.length < length) throw endsEarly();
  return bytes;
}

async function* pieces(reader: ByteReader, length: number): ByteStream {
  for (let left = length; left > 0; ) {
    const piece = await reader.some(left);
    if (piece === undefined) throw endsEarly();
    left -= piece.length;
    yield piece;
  }
}

function endsEarly(): Error {
  return new Error("it ends early");
}

const LAST_BLOCK = 1;
const RLE_BLOCK = 1;

/** The bytes of one frame, found by going from block to block. RFC 8878, 3.1.1. */
async function* zstdFrame(reader: ByteReader, magic: Buffer): ByteStream {
  yield magic;
  const [flags = 0] = await takeAll(reader, 1);
  yield Uint8Array.of(flags);
  const isSingleSegment = (flags >> 5) & 1;
  const dictionaryId = [0, 1, 2, 4][flags & 3] ?? 0;
  const contentSize = [isSingleSegment, 2, 4, 8][flags >> 6] ?? 0;
  yield await takeAll(reader, 1 - isSingleSegment + dictionaryId + contentSize);
  for (let isLast = false; !isLast; ) {
    const header = await takeAll(reader, 3);
    yield header;
    const fields = header.readUIntLE(0, 3);
    isLast = (fields & LAST_BLOCK) === 1;
    const type = (fields >> 1) & 3;
    yield* pieces(reader, type === RLE_BLOCK ? 1 : fields >> 3);
  }
  const hasChecksum = ((flags >> 2) & 1) === 1;
  if (hasChecksum) yield await takeAll(reader, 4);
}
