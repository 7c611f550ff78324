import type { ByteStream, OperationOptions } from "../core/byte-stream.ts";
import { ImageError } from "../core/errors.ts";
import { BLOCK_SIZE, encodeHeader, encodeLateHeader, paddingAfter } from "./header.ts";

/** A file to put into an archive. */
export interface NewFile {
  /**
   * A function is asked once the content is complete, for a name that comes from its digest. If it gives none, the file
   * is left out.
   */
  readonly name: string | (() => string | undefined);
  /** Bytes, if they are known before the content has been read. */
  readonly size: number | undefined;
  readonly mode: number;
}

/** Writes a tar archive, one entry after another. */
export interface TarWriter {
  /** Writes a file and gives its size in bytes. If its content fails, an archive in a file is as it was before. */
  writeFile(file: NewFile, content: ByteStream, options?: OperationOptions): Promise<number>;
  writeDirectory(name: string, mode: number): Promise<void>;
  writeSymlink(name: string, target: string): Promise<void>;
  /** Copies an entry of another archive with its headers, as the bytes it consists of. */
  writeRaw(bytes: ByteStream): Promise<void>;
  /** Ends the archive. */
  finish(): Promise<void>;
}

/** A place for bytes at any position, such as a file. */
export interface SeekableSink {
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Drops everything from `position` on. */
  truncate(position: number): Promise<void>;
}

/** A place for bytes one after another, such as a pipe. */
export interface PipeSink {
  write(bytes: Uint8Array): Promise<void>;
}

/** Keeps a stream of unknown length until it has ended, to tell its size. */
export type Spool = (
  content: ByteStream,
  options: OperationOptions,
) => Promise<AsyncDisposable & { readonly size: number; readonly bytes: ByteStream }>;

const END_OF_ARCHIVE: Uint8Array = new Uint8Array(2 * BLOCK_SIZE);

/**
 * An archive in a file. A content of unknown size streams straight into it: its header is written once the size is
 * known, in the place that was left free.
 */
export function createSeekableTarWriter(sink: SeekableSink): TarWriter {
  let end = 0;
  const append = async (bytes: Uint8Array): Promise<void> => {
    await sink.write(bytes, end);
    end += bytes.length;
  };
  return {
    async writeFile(file, content, options = {}) {
      const start = end;
      const undo = async (): Promise<void> => {
        end = start;
        await sink.truncate(start);
      };
      try {
        const guess = typeof file.name === "string" ? file.name : PLACEHOLDER;
        const room = headerOf(file, guess, file.size ?? 0).length;
        end += room;
        const size = await writeContent(append, content, file.size, options);
        const name = nameOf(file);
        if (name === undefined) {
          await undo();
          return size;
        }
        const header = headerOf(file, name, size, file.size === undefined ? encodeLateHeader : encodeHeader);
        if (header.length !== room) throw longName(name);
        await sink.write(header, start);
        return size;
      } catch (error) {
        await undo();
        throw error;
      }
    },
    ...entryWriters(append),
  };
}

/** An archive in a pipe. A content of unknown size or name is spooled first, for its header stands before it. */
export function createPipeTarWriter(sink: PipeSink, spool: Spool): TarWriter {
  const append = sink.write;
  const writeKnown = async (header: Buffer, content: ByteStream, size: number, options: OperationOptions) => {
    await append(header);
    return await writeContent(append, content, size, options);
  };
  return {
    async writeFile(file, content, options = {}) {
      if (typeof file.name === "string" && file.size !== undefined) {
        return await writeKnown(headerOf(file, file.name, file.size), content, file.size, options);
      }
      await using spooled = await spool(content, options);
      const { size } = spooled;
      if (file.size !== undefined && file.size !== size) throw sizeMismatch(file.size);
      const name = nameOf(file);
      if (name === undefined) return size;
      return await writeKnown(headerOf(file, name, size), spooled.bytes, size, options);
    },
    ...entryWriters(append),
  };
}

function entryWriters(
  append: (bytes: Uint8Array) => Promise<void>,
): Pick<TarWriter, "writeDirectory" | "writeSymlink" | "writeRaw" | "finish"> {
  return {
    writeDirectory: async (name, mode) =>
      await append(encodeHeader({ name: `${name}/`, type: "directory", size: 0, mode })),
    writeSymlink: async (name, linkName) =>
      await append(encodeHeader({ name, type: "symlink", size: 0, mode: 0, linkName })),
    async writeRaw(bytes) {
      let size = 0;
      for await (const chunk of bytes) {
        await append(chunk);
        size += chunk.length;
      }
      // The last entry of an archive that has been cut off may lack its padding.
      if (paddingAfter(size) > 0) await append(new Uint8Array(paddingAfter(size)));
    },
    finish: async () => await append(END_OF_ARCHIVE),
  };
}

/** Stands for a name that is not known yet: names made of digests are ASCII and fit into one block. */
const PLACEHOLDER = "name";

function headerOf({ mode }: NewFile, name: string, size: number, encode = encodeHeader): Buffer {
  return encode({ name, type: "file", size, mode });
}

function nameOf({ name }: NewFile): string | undefined {
  return typeof name === "string" ? name : name();
}

async function writeContent(
  append: (bytes: Uint8Array) => Promise<void>,
  content: ByteStream,
  expected: number | undefined,
  options: OperationOptions,
): Promise<number> {
  let size = 0;
  for await (const chunk of content) {
    options.signal?.throwIfAborted();
    size += chunk.length;
    if (expected !== undefined && size > expected) throw sizeMismatch(expected);
    await append(chunk);
  }
  if (expected !== undefined && size !== expected) throw sizeMismatch(expected);
  if (paddingAfter(size) > 0) await append(new Uint8Array(paddingAfter(size)));
  return size;
}

function sizeMismatch(expected: number): ImageError {
  return new ImageError(
    "SIZE_MISMATCH",
    `a file for an archive has not the ${expected} bytes it should have`,
  );
}

function longName(name: string): ImageError {
  return new ImageError(
    "STORAGE_FAILURE",
    `the name ${JSON.stringify(name)} is too long for the header kept free for it`,
  );
}
