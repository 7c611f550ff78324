import type { ByteStream } from "../../core/byte-stream.ts";

/** Content that is read when it is needed, which may be more than once; each time it must be the same `size` bytes. */
export interface FileContent {
  /** Bytes. */
  readonly size: number;
  /** Begins to read. */
  open(): ByteStream;
}

/** The content of a file on disk. @throws {Error} the system's, when it cannot be read */
export async function contentOfFile(path: string): Promise<FileContent> {
  const { openFile } = await import("../../runtime/files.ts");
  const { size, ...first } = await openFile(path);
  await first[Symbol.asyncDispose]();
  return { size, open: () => readAgain(path) };
}

async function* readAgain(path: string): ByteStream {
  const { openFile } = await import("../../runtime/files.ts");
  await using file = await openFile(path);
  yield* file.bytes;
}
