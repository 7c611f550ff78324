import type { ByteStream } from "./byte-stream.ts";

/** Hands chunks from one loop, which gives, to another, which takes them as a stream: one at a time, so that neither runs ahead. */
export class Handover {
  #chunk: Uint8Array | undefined;
  #end: { readonly failure: unknown } | undefined;
  #given: () => void = () => undefined;
  #taken: () => void = () => undefined;

  /** Resolves when the chunk has been taken, which is never if nobody reads on. */
  give(chunk: Uint8Array): Promise<void> {
    this.#chunk = chunk;
    this.#given();
    return new Promise((resolve) => {
      this.#taken = resolve;
    });
  }

  /** Ends the stream behind what was given, with an error if there is one. */
  end(failure?: unknown): void {
    this.#end ??= { failure };
    this.#given();
  }

  /** What was given; to be iterated once. */
  async *chunks(): ByteStream {
    for (;;) {
      const chunk = this.#chunk;
      if (chunk !== undefined) {
        this.#chunk = undefined;
        yield chunk;
        this.#taken();
      } else if (this.#end !== undefined) {
        if (this.#end.failure !== undefined) throw this.#end.failure;
        return;
      } else
        await new Promise<void>((resolve) => {
          this.#given = resolve;
        });
    }
  }
}
