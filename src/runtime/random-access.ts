import { type FileHandle, open } from "node:fs/promises";
import { type FileReader, readChunks } from "./files.ts";

/** A file whose parts are read in any order, also several at a time. */
export interface RandomAccessFile extends AsyncDisposable {
  readonly path: string;
  /** Bytes, when it was opened. */
  readonly size: number;
  /** Up to `length` bytes from `start`; fewer at the end of the file. */
  read(start: number, length: number): Promise<Buffer>;
  /** Opens `length` bytes from `start` as a stream, which ends with this object. */
  open(start: number, length: number): Promise<FileReader>;
}

/** Opens a regular file; anything else, such as a pipe or a directory, gives undefined. */
export async function openRandomAccess(path: string): Promise<RandomAccessFile | undefined> {
  const handle = await open(path, "r");
  try {
    const stat = await handle.stat();
    if (stat.isFile()) return randomAccess(handle, path, stat.size);
  } catch (error) {
    await handle.close();
    throw error;
  }
  await handle.close();
  return undefined;
}

function randomAccess(handle: FileHandle, path: string, size: number): RandomAccessFile {
  return {
    path,
    size,
    async read(start, length) {
      const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(length, size - start)));
      let done = 0;
      while (done < buffer.length) {
        const { bytesRead } = await handle.read(buffer, done, buffer.length - done, start + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return buffer.subarray(0, done);
    },
    // Of the same open file: another one may be at its path by now.
    open: async (start, length) => ({
      size: length,
      bytes: readChunks(handle, start, length),
      async [Symbol.asyncDispose]() {},
    }),
    [Symbol.asyncDispose]: () => handle.close(),
  };
}
