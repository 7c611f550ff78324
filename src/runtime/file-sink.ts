import { chmod, type FileHandle, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { randomSuffix } from "./files.ts";

/** A file being written at any position, under a temporary name until `commit`. Disposing without it removes it. */
export interface FileSink extends AsyncDisposable {
  write(bytes: Uint8Array, position: number): Promise<void>;
  truncate(length: number): Promise<void>;
  /** Gives the file its name, in place of what had it. */
  commit(): Promise<void>;
}

/**
 * Begins a file that will be at `path`, with the permissions of one that is there, if so. The caller holds a lock on the
 * path: what others began there and were killed over is removed.
 */
export async function createFileSink(path: string, mode: number = 0o644): Promise<FileSink> {
  const prefix = `.${basename(path)}.part-`;
  const directory = dirname(path);
  for (const name of await readdir(directory)) {
    if (name.startsWith(prefix)) await rm(join(directory, name), { force: true });
  }
  const temporary = join(directory, `${prefix}${randomSuffix()}`);
  const handle = await open(temporary, "wx", mode);
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await handle.close();
  };
  let isCommitted = false;
  return {
    write: async (bytes, position) => await writeAt(handle, bytes, position),
    truncate: async (length) => await handle.truncate(length),
    async commit() {
      await close();
      await keepPermissions(path, temporary);
      await rename(temporary, path);
      isCommitted = true;
    },
    async [Symbol.asyncDispose]() {
      await close();
      if (!isCommitted) await rm(temporary, { force: true });
    },
  };
}

async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

async function keepPermissions(path: string, temporary: string): Promise<void> {
  const existing = await stat(path).catch(() => undefined);
  if (existing !== undefined) await chmod(temporary, existing.mode & 0o777);
}
