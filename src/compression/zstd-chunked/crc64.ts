/**
 * CRC-64/ISO, of which tar-split keeps one per file. Its polynomial, x^64 + x^4 + x^3 + x + 1, has so few terms that
 * shifting takes the place of tables. The remainder is kept in two halves of 32 bits.
 */
export class Crc64 {
  #high = -1;
  #low = -1;

  update(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const words = bytes.length & ~3;
    let high = this.#high;
    let low = this.#low;
    for (let i = 0; i < words; i += 4) {
      const next = low ^ view.getInt32(i, true);
      low = high ^ (next << 31) ^ (next << 29) ^ (next << 28);
      high = next ^ (next >>> 1) ^ (next >>> 3) ^ (next >>> 4);
    }
    for (let i = words; i < bytes.length; i++) {
      const next = (low ^ view.getUint8(i)) << 24;
      low = (low >>> 8) | (high << 24);
      high = (high >>> 8) ^ next ^ (next >>> 1) ^ (next >>> 3) ^ (next >>> 4);
    }
    this.#high = high;
    this.#low = low;
  }

  /** The sum so far, in eight bytes, the highest first. */
  bytes(): Buffer {
    const sum = Buffer.alloc(8);
    sum.writeInt32BE(~this.#high, 0);
    sum.writeInt32BE(~this.#low, 4);
    return sum;
  }
}
