import type { ByteStream } from "../core/byte-stream.ts";

/** Reads a stream in pieces of exact lengths. What ends too soon fails with "it ends early". */
export class PieceReader {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(stream: ByteStream) {
    this.#iterator = stream[Symbol.asyncIterator]();
  }

  async isAtEnd(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const next = await this.#iterator.next();
      if (next.done) return true;
      this.#rest = next.value;
    }
    return false;
  }

  /** The next `length` bytes in one piece of memory of their own. */
  async take(length: number): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    for await (const piece of this.pieces(length)) pieces.push(piece);
    return Buffer.concat(pieces, length);
  }

  /** The next `length` bytes as they come. */
  async *pieces(length: number): ByteStream {
    for (let left = length; left > 0; ) {
      if (await this.isAtEnd()) throw new Error("it ends early");
      const piece = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  /** All that is left. */
  async *rest(): ByteStream {
    while (!(await this.isAtEnd())) {
      const piece = this.#rest;
      this.#rest = new Uint8Array();
      yield piece;
    }
  }

  async close(): Promise<void> {
    await this.#iterator.return?.();
  }
}
