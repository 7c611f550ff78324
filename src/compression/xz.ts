import type { ByteStream } from "../core/byte-stream.ts";

type Library = typeof import("xz-decompress");

/** Decompresses xz by a decoder in WebAssembly. */
export async function* unxz(stream: ByteStream): ByteStream {
  const { Readable } = await import("node:stream");
  // Node takes the names of this CommonJS module for one default export.
  const loaded: Library & { readonly default?: Library } = await import("xz-decompress");
  const { XzReadableStream } = loaded.default ?? loaded;
  const compressed = Readable.toWeb(Readable.from(stream, { objectMode: false }));
  // Both are web streams of bytes, which are async iterables of their chunks; the types of Node and of the library differ.
  const plain = new XzReadableStream(compressed as unknown as ReadableStream<Uint8Array>);
  try {
    yield* plain as unknown as ByteStream;
  } catch (error) {
    // Where there is no input at all, the decoder stumbles over a chunk that is not there.
    throw error instanceof TypeError ? new Error("it ends early", { cause: error }) : error;
  }
}
