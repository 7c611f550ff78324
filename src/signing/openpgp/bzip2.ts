/**
 * Each block but the last has 100 000 bytes at least, so that honest content has no more of them than this.
 */
const MOST_BLOCKS = 64;
const BLOCK_UNIT = 100_000;

/**
 * Unpacks bzip2 that is in memory, and stops amid a block when there is too much: a few bytes can be made to stand for
 * gigabytes, and the stream for layers unpacks whole blocks before it can be stopped. What follows the end is ignored.
 * @throws RangeError when there are more than `limit` bytes; another error when it is damaged
 */
export async function unpackBzip2(data: Uint8Array, limit: number): Promise<Uint8Array> {
  const { default: createBitReader } = await import("unbzip2-stream/lib/bit_iterator.js");
  const { default: decoder } = await import("unbzip2-stream/lib/bzip2.js");
  const chunks = [data];
  const bits = createBitReader(() => chunks.shift());
  const output: number[] = [];
  const write = (byte: number): void => {
    if (output.length >= limit) throw new RangeError(`more than ${limit} bytes`);
    output.push(byte);
  };
  const blockSize = decoder.header(bits) * BLOCK_UNIT;
  const block = new Int32Array(blockSize);
  let checksum: number | null = 0;
  for (let count = 0; checksum !== null; count++) {
    if (count > MOST_BLOCKS) throw new Error("too many blocks");
    checksum = decoder.decompress(bits, write, block, blockSize, checksum);
  }
  return Uint8Array.from(output);
}
