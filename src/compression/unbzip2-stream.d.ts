/** Gives so many of the next bits; of null it skips to the next whole byte. */
interface BitReader {
  (count: number | null): number;
  /** Bytes of which there were bits. */
  readonly bytesRead: number;
}

declare module "unbzip2-stream/lib/bit_iterator.js" {
  /** The chunks must not be empty. */
  function createBitReader(nextChunk: () => Uint8Array | undefined): BitReader;
  export = createBitReader;
}

declare module "unbzip2-stream/lib/bzip2.js" {
  const decoder: {
    /** The size of blocks, in units of 100 000 bytes. */
    header(bits: BitReader): number;
    /** Unpacks one block, byte by byte, and gives the checksum of all so far, or null at the end. */
    decompress(
      bits: BitReader,
      write: (byte: number) => void,
      block: Int32Array,
      blockSize: number,
      checksum: number,
    ): number | null;
  };
  export = decoder;
}
