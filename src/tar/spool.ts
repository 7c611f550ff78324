import { openFile } from "../runtime/files.ts";
import { writeTemporaryFile } from "../runtime/temporary-file.ts";
import { interruptible } from "./guards.ts";
import type { Spool } from "./writer.ts";

/** Keeps contents of unknown size in temporary files in `directory`. */
export function spoolTo(directory: string): Spool {
  return async (content, options) => {
    const temporary = await writeTemporaryFile(interruptible(content, options), directory, "stream-blob");
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
