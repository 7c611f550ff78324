import { constants, type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Bytes read from a file at a time: large enough that a chunk's cost vanishes, small enough for many at once. */
const CHUNK_SIZE: number = 512 * 1024;

/** An open file being read in order. Closing is idempotent. */
export interface FileReader extends AsyncDisposable {
  readonly size: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** Opening a pipe would wait for somebody who writes to it, for ever and past any signal. Not on Windows. */
const WITHOUT_WAITING = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Opens a regular file for one reading from `start` to its end, or for `length` bytes. */
export async function openFile(path: string, start: number = 0, length?: number): Promise<FileReader> {
  const handle = await open(path, WITHOUT_WAITING);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw Object.assign(new Error(`read ${path}: is not a regular file`), { path });
    return {
      size: stat.size,
      bytes: readChunks(handle, start, length ?? stat.size - start),
      [Symbol.asyncDispose]: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** `length` bytes of an open file from `start`; fewer at its end. */
export async function* readChunks(
  handle: FileHandle,
  start: number,
  length: number,
): AsyncIterable<Uint8Array> {
  for (let done = 0; done < length; ) {
    const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK_SIZE, length - done));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, start + done);
    if (bytesRead === 0) return;
    done += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Reads what has no size, such as a pipe, to its end. Each chunk has memory of its own. */
export async function* readStream(path: string): AsyncIterable<Uint8Array> {
  const handle = await open(path, "r");
  try {
    for (;;) {
      const buffer = Buffer.allocUnsafeSlow(CHUNK_SIZE);
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** Whether something is at `path`, and how large it is in bytes. */
export async function fileSize(path: string): Promise<number | undefined> {
  try {
    await using file = await openFile(path);
    return file.size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

export function isMissing(error: unknown): boolean {
  return errorCode(error) === "ENOENT";
}

/** What the system, or a library, calls an error: `ENOENT`. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/**
 * Writes a stream to a temporary file in `directory` (its name begins with `prefix`) and renames it to what
 * `destination` answers once all bytes are there; gives the number of bytes. If anything fails, the temporary file is removed.
 */
export async function writeStream(
  stream: AsyncIterable<Uint8Array>,
  target: { readonly directory: string; readonly prefix: string; readonly destination: () => string },
): Promise<number> {
  const temporary = join(target.directory, `${target.prefix}${randomSuffix()}`);
  const handle = await open(temporary, "wx", 0o644);
  let size = 0;
  try {
    try {
      for await (const chunk of stream) {
        await writeFully(handle, chunk);
        size += chunk.length;
      }
    } finally {
      await handle.close();
    }
    await rename(temporary, target.destination());
    return size;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Replaces a file whole: a reader sees the old content or the new one, also after a crash. */
export async function writeFileAtomically(
  path: string,
  bytes: Uint8Array | string,
  mode: number = 0o644,
): Promise<void> {
  const temporary = `${path}.tmp-${randomSuffix()}`;
  try {
    const handle = await open(temporary, "wx", mode);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Removes what writers of the file at `path` were killed over. The caller holds a lock that all of them take, and so nobody
 * is writing.
 */
export async function removeUnfinished(path: string): Promise<void> {
  await removeAbandoned(dirname(path), [`${basename(path)}.tmp-`], 0);
}

/** Removes the files of a directory whose name begins with one of `prefixes` and that nobody has written to for `age` milliseconds. */
export async function removeAbandoned(
  directory: string,
  prefixes: readonly string[],
  age: number,
): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!prefixes.some((prefix) => name.startsWith(prefix))) continue;
    const path = join(directory, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs >= age) await rm(path, { force: true });
  }
}

export async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o755 });
}

export function randomSuffix(): string {
  return crypto.randomUUID().replaceAll("-", "").slice(0, 12);
}

async function writeFully(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let offset = 0; offset < chunk.length; ) {
    const { bytesWritten } = await handle.write(chunk, offset, chunk.length - offset);
    offset += bytesWritten;
  }
}
