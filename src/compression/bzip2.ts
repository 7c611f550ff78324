import type { ByteStream } from "../core/byte-stream.ts";

/** The part of the decoder's stream that is used: it works within `write` and `end`, and tells what came out by events. */
interface Decoder {
  on(event: "data", listener: (chunk: Uint8Array) => void): void;
  on(event: "error", listener: (error: unknown) => void): void;
  write(chunk: Uint8Array): boolean;
  end(): void;
}

/** Decompresses bzip2. The pace is the consumer's: what one chunk gives is handed on before the next is read. */
export async function* unbzip2(stream: ByteStream): ByteStream {
  const { default: createDecoder } = await import("unbzip2-stream");
  const decoder: Decoder = createDecoder();
  let output: Uint8Array[] = [];
  let failure: unknown;
  decoder.on("data", (chunk) => void output.push(chunk));
  decoder.on("error", (error) => {
    failure ??= error;
  });
  const drain = function* (): Generator<Uint8Array> {
    // Where its input ends too soon, the decoder stumbles over a chunk that is not there.
    if (failure instanceof TypeError) throw new Error("it ends early", { cause: failure });
    if (failure !== undefined) throw failure;
    yield* output;
    output = [];
  };
  for await (const chunk of stream) {
    decoder.write(chunk);
    yield* drain();
  }
  decoder.end();
  yield* drain();
}
