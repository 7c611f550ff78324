import { randomUUID } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** As much of an object store as images need. A folder stands for it here; a client of S3 has the same three calls. */
export interface ObjectStore {
  /** The size of an object in bytes; undefined where there is none. */
  head(key: string): Promise<number | undefined>;
  get(key: string): AsyncIterable<Uint8Array>;
  /** The object appears once all its bytes are there. */
  put(key: string, bytes: AsyncIterable<Uint8Array>): Promise<void>;
}

export function folderStore(folder: string): ObjectStore {
  return {
    async head(key) {
      return await stat(join(folder, key)).then(
        ({ size }) => size,
        () => undefined,
      );
    },
    get: (key) => createReadStream(join(folder, key)),
    async put(key, bytes) {
      const path = join(folder, key);
      const temporary = `${path}.${randomUUID()}`;
      await mkdir(dirname(path), { recursive: true });
      try {
        await pipeline(Readable.from(bytes, { objectMode: false }), createWriteStream(temporary));
        await rename(temporary, path);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    },
  };
}
