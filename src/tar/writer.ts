import type { ByteStream, OperationOptions } from "../core/byte-stream.ts";
import { ImageError } from "../core/errors.ts";
import { BLOCK_SIZE, encodeHeader, paddingAfter } from "./header.ts";

/** A file to put into an archive. */
export interface NewFile {
  /** A function is asked once the content is complete, for a name that comes from its digest. */
  readonly name: string | (() => string);
  /** Bytes, if they are known before the content has been read. */
  readonly size: number | undefined;
  readonly mode: number;
}

/** Writes a tar archive, one entry after another. */
export interface TarWriter {
  /** Writes a file and gives its size in bytes. If its content fails, the archive is as it was before. */
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
      try {
        const room = headerOf(file, file.size ?? 0, PLACEHOLDER).length;
        end += room;
        const size = await writeContent(append, content, file.size, options);
        const header = headerOf(file, size);
        if (header.length !== room) throw longName(file);
        await sink.write(header, start);
        return size;
      } catch (error) {
        end = start;
        await sink.truncate(start);
        throw error;
      }
    },
    ...entryWriters(append),
  };
}

/** An archive in a pipe. A content of unknown size is spooled first, for its header stands before it. */
export function createPipeTarWriter(sink: PipeSink, spool: Spool): TarWriter {
  const append = sink.write;
  const writeKnown = async (file: NewFile, content: ByteStream, size: number, options: OperationOptions) => {
    await append(headerOf(file, size));
    return await writeContent(append, content, size, options);
  };
  return {
    async writeFile(file, content, options = {}) {
      if (file.size !== undefined) return await writeKnown(file, content, file.size, options);
      await using spooled = await spool(content, options);
      return await writeKnown(file, spooled.bytes, spooled.size, options);
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
      for await (const chunk of bytes) await append(chunk);
    },
    finish: async () => await append(END_OF_ARCHIVE),
  };
}

/** Stands for a name that is not known yet: names made of digests are ASCII and fit into one block. */
const PLACEHOLDER = "name";

function headerOf(file: NewFile, size: number, unknownName?: string): Buffer {
  const name = typeof file.name === "string" ? file.name : (unknownName ?? file.name());
  return encodeHeader({ name, type: "file", size, mode: file.mode });
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

function longName({ name }: NewFile): ImageError {
  return new ImageError(
    "STORAGE_FAILURE",
    `the name ${JSON.stringify(typeof name === "string" ? name : name())} is too long for the header kept free for it`,
  );
}
