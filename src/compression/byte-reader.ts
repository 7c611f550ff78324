import type { ByteStream } from "../core/byte-stream.ts";

/** Reads a stream in pieces of the lengths that are asked for, without copying where it can. */
export class ByteReader {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(stream: ByteStream) {
    this.#iterator = stream[Symbol.asyncIterator]();
  }

  /** The next bytes, one or more but at most `limit`; undefined at the end. */
  async some(limit: number): Promise<Uint8Array | undefined> {
    while (this.#rest.length === 0) {
      const next = await this.#iterator.next();
      if (next.done) return undefined;
      this.#rest = next.value;
    }
    const piece = this.#rest.subarray(0, limit);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }

  /** The next `length` bytes; fewer only where the stream ends. */
  async take(length: number): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    for (let left = length; left > 0; ) {
      const piece = await this.some(left);
      if (piece === undefined) break;
      pieces.push(piece);
      left -= piece.length;
    }
    const [only] = pieces;
    if (only === undefined || pieces.length > 1) return Buffer.concat(pieces);
    return Buffer.from(only.buffer, only.byteOffset, only.length);
  }

  /** Frees the producer. */
  async close(): Promise<void> {
    await this.#iterator.return?.();
  }
}
