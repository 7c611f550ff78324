import type { ZstdCompress } from "node:zlib";

/** Characters that are gathered before they are compressed. */
const BATCH_SIZE: number = 64 * 1024;

/** A text compressed; `size` is the bytes that it had before. */
export interface CompressedText {
  readonly bytes: Buffer;
  readonly size: number;
}

/** A text compressed into one zstd frame while it grows: only the compressed bytes are held. */
export class CompressedDocument {
  readonly #codec: ZstdCompress;
  readonly #compressed: Uint8Array[] = [];
  readonly #ended: Promise<void>;
  #pending = "";
  /** Bytes of text, those pending left out. */
  #size = 0;

  private constructor(codec: ZstdCompress) {
    this.#codec = codec;
    codec.on("data", (bytes: Uint8Array) => void this.#compressed.push(bytes));
    this.#ended = new Promise((resolve, reject) => {
      codec.on("end", resolve);
      codec.on("error", reject);
    });
    // Whoever asks for the end is told.
    this.#ended.catch(() => undefined);
  }

  static async create(level: number): Promise<CompressedDocument> {
    const { createZstdCompress, constants } = await import("node:zlib");
    return new CompressedDocument(
      createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: level } }),
    );
  }

  append(text: string): void {
    this.#pending += text;
  }

  /** Compresses what was appended, once it is worth it. */
  async settle(): Promise<void> {
    if (this.#pending.length >= BATCH_SIZE) await this.#flush();
  }

  /** Ends the text. An empty one is no bytes at all. */
  async finish(): Promise<CompressedText> {
    await this.#flush();
    if (this.#size === 0) return { bytes: Buffer.alloc(0), size: 0 };
    this.#codec.end();
    await this.#ended;
    return { bytes: Buffer.concat(this.#compressed), size: this.#size };
  }

  abandon(): void {
    this.#codec.destroy();
  }

  async #flush(): Promise<void> {
    if (this.#pending === "") return;
    const bytes = Buffer.from(this.#pending);
    this.#pending = "";
    this.#size += bytes.length;
    await new Promise<void>((resolve, reject) => {
      this.#codec.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }
}
