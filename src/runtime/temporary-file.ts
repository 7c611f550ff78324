import { open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomSuffix } from "./files.ts";

/** Bytes kept on disk for a while. Disposing removes the file. */
export interface TemporaryFile extends AsyncDisposable {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

/** Where large temporary files go unless the user says otherwise: on disk, which `/tmp` often is not. */
export function defaultTemporaryDirectory(): string {
  return process.platform === "win32" ? tmpdir() : "/var/tmp";
}

/** Writes a stream to a new file in `directory` that only this user may read. `purpose` is part of its name. */
export async function writeTemporaryFile(
  stream: AsyncIterable<Uint8Array>,
  directory: string,
  purpose: string,
): Promise<TemporaryFile> {
  const path = join(directory, `container_images_${purpose}${randomSuffix()}`);
  const handle = await open(path, "wx", 0o600);
  let size = 0;
  try {
    try {
      for await (const chunk of stream) {
        for (let done = 0; done < chunk.length; ) {
          const { bytesWritten } = await handle.write(chunk, done, chunk.length - done);
          done += bytesWritten;
        }
        size += chunk.length;
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
  return { path, size, [Symbol.asyncDispose]: () => rm(path, { force: true }) };
}

/** Folders of this name, in a directory for an image, hold what is being written; one left by a killed run is nobody's data. */
export const STAGING_PREFIX = ".dir-put-image";
