import { openFile } from "../runtime/files.ts";
import { writeTemporaryFile } from "../runtime/temporary-file.ts";
import type { Spool } from "./writer.ts";

/** Keeps contents of unknown size in temporary files in `directory`. */
export function spoolTo(directory: string): Spool {
  return async (content, { signal }) => {
    const temporary = await writeTemporaryFile(interruptible(content, signal), directory, "stream-blob");
    const reader = await openFile(temporary.path);
    return {
      size: temporary.size,
      bytes: reader.bytes,
      async [Symbol.asyncDispose]() {
        await reader[Symbol.asyncDispose]();
        await temporary[Symbol.asyncDispose]();
      },
    };
  };
}

async function* interruptible(
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncIterable<Uint8Array> {
  for await (const chunk of content) {
    signal?.throwIfAborted();
    yield chunk;
  }
}
