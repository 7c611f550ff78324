import type { ByteStream, OperationOptions } from "../../core/byte-stream.ts";
import { ByteReader } from "../byte-reader.ts";
import { invalidTar } from "./invalid-tar.ts";
import { parsePaxRecords } from "./pax-records.ts";
import { type Extensions, type TarEntry, toTarEntry } from "./tar-entry.ts";
import { parseTarHeader, type TarHeader, untilNul } from "./tar-header.ts";
import { textOf } from "./text.ts";

/**
 * A piece of an archive. All bytes of the archive are either in `raw` (headers, padding, and what follows the last entry)
 * or in `content`. An `entry` comes after its headers and before its content, and `entry-end` after that.
 */
export type TarPart =
  | { readonly kind: "raw"; readonly bytes: Uint8Array }
  | { readonly kind: "entry"; readonly entry: TarEntry }
  | { readonly kind: "content"; readonly bytes: Uint8Array }
  | { readonly kind: "entry-end"; readonly entry: TarEntry };

const BLOCK_SIZE = 512;
/** Names and pax headers beyond this, in bytes, are no names but an attack on memory. */
const EXTENSION_LIMIT: number = 1024 * 1024;
/** Bytes of a piece of content or of the end. */
const PIECE_SIZE: number = 1024 * 1024;

/**
 * Takes an archive apart while it passes; joining the bytes of all parts gives it back. An archive may lack its end, and
 * anything may follow that. POSIX.1-2017, pax, "ustar Interchange Format".
 * @throws {ImageError} MANIFEST_INVALID when it is no tar archive, is cut off, or has entries that no layer may have
 */
export async function* tarParts(tar: ByteStream, options: OperationOptions = {}): AsyncGenerator<TarPart> {
  const reader = new ByteReader(tar);
  try {
    yield* new TarSplitter(reader, options).parts();
  } finally {
    await reader.close();
  }
}

class TarSplitter {
  readonly #reader: ByteReader;
  readonly #options: OperationOptions;
  /** Of the bytes read so far. */
  #offset = 0;

  constructor(reader: ByteReader, options: OperationOptions) {
    this.#reader = reader;
    this.#options = options;
  }

  async *parts(): AsyncGenerator<TarPart> {
    let extensions: Extensions = {};
    for (let block = await this.#block(); block !== undefined; block = await this.#block()) {
      yield { kind: "raw", bytes: block };
      if (isZero(block)) {
        yield* this.#end();
        return;
      }
      const header = parseTarHeader(block, this.#offset - BLOCK_SIZE);
      if (EXTENSION_TYPES.has(header.type)) {
        const content = await this.#extension(header);
        yield { kind: "raw", bytes: content };
        extensions = { ...extensions, ...this.#extended(header.type, content.subarray(0, header.size)) };
        continue;
      }
      const entry = toTarEntry(header, extensions);
      extensions = {};
      yield { kind: "entry", entry };
      yield* this.#content(entry);
      yield { kind: "entry-end", entry };
      yield* this.#padding(entry.contentSize);
    }
  }

  /** The next block; undefined where the archive ends without saying so. */
  async #block(): Promise<Buffer | undefined> {
    this.#options.signal?.throwIfAborted();
    const start = this.#offset;
    const block = await this.#take(BLOCK_SIZE);
    if (block.length === 0) return undefined;
    if (block.length < BLOCK_SIZE) {
      throw invalidTar(start === 0 ? "it is too short" : `it ends early within a header, at byte ${start}`);
    }
    return block;
  }

  async #extension({ size }: TarHeader): Promise<Buffer> {
    if (size > EXTENSION_LIMIT) throw invalidTar(`a name or pax header in it has ${size} bytes`);
    const length = size + paddingAfter(size);
    const content = await this.#take(length);
    if (content.length < length)
      throw invalidTar(`it ends early within an extended header, at byte ${this.#offset}`);
    return content;
  }

  #extended(type: string, content: Buffer): Extensions {
    if (type === "L") return { longName: untilNul(content) };
    if (type === "K") return { longLinkName: untilNul(content) };
    const pax = parsePaxRecords(content);
    if (pax === undefined) throw invalidTar(`its pax header before byte ${this.#offset} is corrupt`);
    return { pax };
  }

  async *#content({ name, contentSize }: TarEntry): AsyncGenerator<TarPart> {
    for (let left = contentSize; left > 0; ) {
      this.#options.signal?.throwIfAborted();
      const bytes = await this.#reader.some(Math.min(left, PIECE_SIZE));
      if (bytes === undefined) {
        throw invalidTar(
          `it ends early: its entry ${JSON.stringify(textOf(name))} should have ${contentSize} bytes, but the last ${left} are missing`,
        );
      }
      left -= bytes.length;
      this.#offset += bytes.length;
      yield { kind: "content", bytes };
    }
  }

  async *#padding(size: number): AsyncGenerator<TarPart> {
    const length = paddingAfter(size);
    if (length === 0) return;
    const bytes = await this.#take(length);
    if (bytes.length < length)
      throw invalidTar(`it ends early within the padding of an entry, at byte ${this.#offset}`);
    yield { kind: "raw", bytes };
  }

  /** The second of two blocks of zeros, where there is one, and whatever follows. */
  async *#end(): AsyncGenerator<TarPart> {
    const second = await this.#block();
    if (second === undefined) return;
    if (!isZero(second))
      throw invalidTar(`its header at byte ${this.#offset - BLOCK_SIZE} follows a block of zeros`);
    yield { kind: "raw", bytes: second };
    for (;;) {
      this.#options.signal?.throwIfAborted();
      const bytes = await this.#reader.some(PIECE_SIZE);
      if (bytes === undefined) return;
      yield { kind: "raw", bytes };
    }
  }

  async #take(length: number): Promise<Buffer> {
    const bytes = await this.#reader.take(length);
    this.#offset += bytes.length;
    return bytes;
  }
}

/** A pax header, and GNU's long names and link targets. */
const EXTENSION_TYPES: ReadonlySet<string> = new Set(["x", "L", "K"]);

function paddingAfter(size: number): number {
  return (BLOCK_SIZE - (size % BLOCK_SIZE)) % BLOCK_SIZE;
}

const ZERO_BLOCK: Buffer = Buffer.alloc(BLOCK_SIZE);

function isZero(block: Buffer): boolean {
  return block.equals(ZERO_BLOCK);
}
