import type { ByteStream } from "../core/byte-stream.ts";

type Library = typeof import("unbzip2-stream/lib/bzip2.js");
type BitReader = ReturnType<typeof import("unbzip2-stream/lib/bit_iterator.js")>;

/** The content of a block, in units that the header counts, and its tables: it takes no more when compressed. Bytes. */
const BLOCK_UNIT = 100_000;
const LARGEST_TABLES = 25_000;
const PIECE_SIZE: number = 1024 * 1024;

/**
 * Decompresses bzip2, any number of streams. The pace is the consumer's, by blocks: some hundred bytes can be many of
 * them, and stand for gigabytes. A block comes to 46 MB at most.
 */
export async function* unbzip2(stream: ByteStream): ByteStream {
  const { default: createBitReader } = await import("unbzip2-stream/lib/bit_iterator.js");
  const { default: library } = await import("unbzip2-stream/lib/bzip2.js");
  // The reader takes its first chunk at once, and none that is empty after it.
  const chunks: Uint8Array[] = [new Uint8Array()];
  const bits = createBitReader(() => chunks.shift() ?? endsEarly());
  const decoder = new BlockDecoder(library, bits);
  let size = 0;
  for await (const chunk of stream) {
    if (chunk.length === 0) continue;
    chunks.push(chunk);
    size += chunk.length;
    while (size - bits.bytesRead >= decoder.longestBlock) yield* decoder.next();
  }
  while (size > bits.bytesRead) yield* decoder.next();
  decoder.checkEnd();
}

class BlockDecoder {
  readonly #library: Library;
  readonly #bits: BitReader;
  #block = new Int32Array();
  /** Of the blocks so far; null between streams. */
  #checksum: number | null = null;

  constructor(library: Library, bits: BitReader) {
    this.#library = library;
    this.#bits = bits;
  }

  /** So many bytes have all of the next block. */
  get longestBlock(): number {
    return this.#block.length + LARGEST_TABLES;
  }

  /** Reads the header of a stream, or a block, whose content it gives in pieces. */
  next(): readonly Uint8Array[] {
    try {
      return this.#checksum === null ? this.#readHeader() : this.#readBlock(this.#checksum);
    } catch (error) {
      // What is damaged may lead the decoder to tables that are not there.
      if (error instanceof TypeError) throw new Error("a block is damaged", { cause: error });
      throw error;
    }
  }

  checkEnd(): void {
    if (this.#checksum !== null) endsEarly();
  }

  #readHeader(): readonly Uint8Array[] {
    this.#block = new Int32Array(this.#library.header(this.#bits) * BLOCK_UNIT);
    this.#checksum = 0;
    return [];
  }

  #readBlock(checksum: number): readonly Uint8Array[] {
    const pieces: Uint8Array[] = [];
    let piece = new Uint8Array(PIECE_SIZE);
    let length = 0;
    const write = (byte: number): void => {
      if (length === PIECE_SIZE) {
        pieces.push(piece);
        piece = new Uint8Array(PIECE_SIZE);
        length = 0;
      }
      piece[length++] = byte;
    };
    this.#checksum = this.#library.decompress(this.#bits, write, this.#block, this.#block.length, checksum);
    return length === 0 ? pieces : [...pieces, piece.subarray(0, length)];
  }
}

function endsEarly(): never {
  throw new Error("it ends early");
}
