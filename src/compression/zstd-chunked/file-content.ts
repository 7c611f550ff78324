import { createDigester, type Digest, type Digester } from "../../core/digest.ts";
import { type ChunkPart, ContentSplitter } from "./content-splitter.ts";
import { Crc64 } from "./crc64.ts";
import type { FrameWriter } from "./frame-writer.ts";

/** A piece of a file that can be fetched by itself. Offsets and sizes are in bytes. */
export interface FileChunk {
  /** Where in the blob its frames begin; known when they have been written. */
  readonly place: { readonly offset: number };
  /** Where in the file it begins. */
  readonly start: number;
  readonly size: number;
  readonly digest: Digest;
  readonly isHole: boolean;
}

/** What is to be known about the content of a file that is not empty. */
export interface FileContent {
  readonly digest: Digest;
  /** Where in the blob its frames end; known when they have been written. */
  readonly endOffset: number;
  readonly chunks: readonly FileChunk[];
}

/** Writes the content of one file in frames of its own, a new one for each chunk, and finds out what is to be known about it. */
export class FileContentWriter {
  readonly #frames: FrameWriter;
  readonly #splitter = new ContentSplitter();
  readonly #digester = createDigester();
  readonly #crc = new Crc64();
  readonly #chunks: FileChunk[] = [];
  #chunk: OpenChunk | undefined;
  #size = 0;

  constructor(frames: FrameWriter) {
    this.#frames = frames;
    frames.cut();
  }

  write(bytes: Uint8Array): void {
    this.#digester.update(bytes);
    this.#crc.update(bytes);
    for (const part of this.#splitter.push(bytes)) this.#add(part);
  }

  /** Ends the file and gives its CRC-64. `onPlaced` is told the rest once all frames of the content have been written. */
  finish(onPlaced: (content: FileContent) => void): Buffer {
    for (const part of this.#splitter.finish()) this.#add(part);
    const digest = this.#digester.digest();
    this.#frames.mark((endOffset) => onPlaced({ digest, endOffset, chunks: this.#chunks }));
    return this.#crc.bytes();
  }

  #add({ bytes, isHole, isLast }: ChunkPart): void {
    this.#chunk ??= this.#begin();
    const { place, start, digester } = this.#chunk;
    this.#frames.write(bytes);
    digester.update(bytes);
    this.#size += bytes.length;
    if (!isLast) return;
    this.#frames.cut();
    this.#chunks.push({ place, start, size: this.#size - start, digest: digester.digest(), isHole });
    this.#chunk = undefined;
  }

  #begin(): OpenChunk {
    const place = { offset: 0 };
    this.#frames.mark((position) => {
      place.offset = position;
    });
    return { place, start: this.#size, digester: createDigester() };
  }
}

interface OpenChunk extends Pick<FileChunk, "place" | "start"> {
  readonly digester: Digester;
}
