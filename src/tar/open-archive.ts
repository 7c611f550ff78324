import { stat } from "node:fs/promises";
import { decompressed } from "../compression/decompress.ts";
import { detectCompression, detectStream } from "../compression/format.ts";
import type { InflationLimit } from "../compression/inflation-limit.ts";
import type { ByteStream, OperationOptions } from "../core/byte-stream.ts";
import { readStream } from "../runtime/files.ts";
import { openRandomAccess, type RandomAccessFile } from "../runtime/random-access.ts";
import { writeTemporaryFile } from "../runtime/temporary-file.ts";
import { TarArchiveFile } from "./archive-file.ts";
import { bounded, interruptible } from "./guards.ts";

/** How archives are read that have to be written to disk first. */
export interface SpoolOptions {
  readonly temporaryDirectory: string;
  readonly inflationLimit: InflationLimit;
}

/** An archive open for reading; disposing removes what was written to disk for it. */
export interface OpenTarArchive extends AsyncDisposable {
  readonly archive: TarArchiveFile;
}

/**
 * Opens a tar archive, a path or a stream, so that its files can be read in any order. A plain file is read where it is.
 * One that is compressed, a pipe and a stream are written to a temporary file first, decompressed.
 * @throws {ImageError} MANIFEST_INVALID, SIZE_LIMIT; a missing file passes through as ENOENT
 */
export async function openTarArchive(
  input: string | ByteStream,
  spool: SpoolOptions,
  options: OperationOptions = {},
): Promise<OpenTarArchive> {
  if (typeof input !== "string") return await openSpooled(input, "the archive", spool, options);
  const file = await openPlainFile(input);
  if (file === undefined) return await openSpooled(readStream(input), input, spool, options);
  if (detectCompression(await file.read(0, 6)) === undefined) return await openFile(file, [], options);
  await using _ = file;
  const whole = await file.open(0, file.size);
  await using __ = whole;
  return await openSpooled(whole.bytes, input, spool, options);
}

async function openSpooled(
  stream: ByteStream,
  name: string,
  { temporaryDirectory, inflationLimit }: SpoolOptions,
  options: OperationOptions,
): Promise<OpenTarArchive> {
  const { format, bytes } = await detectStream(interruptible(stream, options));
  const plain =
    format === undefined
      ? bounded(bytes, inflationLimit, name)
      : decompressed(bytes, format, name, inflationLimit);
  const temporary = await writeTemporaryFile(plain, temporaryDirectory, "tar");
  try {
    const file = await openRandomAccess(temporary.path);
    if (file === undefined) throw new Error(`${temporary.path} is no file`);
    return await openFile(file, [temporary], options, name);
  } catch (error) {
    await temporary[Symbol.asyncDispose]();
    throw error;
  }
}

/** Opens what is no pipe: to open one and close it again would end its writer. */
async function openPlainFile(path: string): Promise<RandomAccessFile | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || found.isFile()) return await openRandomAccess(path);
  if (!found.isDirectory()) return undefined;
  throw Object.assign(new Error("is a directory"), { code: "EISDIR", syscall: "read", path });
}

async function openFile(
  file: RandomAccessFile,
  others: readonly AsyncDisposable[],
  options: OperationOptions,
  name: string = file.path,
): Promise<OpenTarArchive> {
  try {
    const archive = await TarArchiveFile.read({ ...file, path: name }, options);
    return {
      archive,
      async [Symbol.asyncDispose]() {
        for (const disposable of [file, ...others]) await disposable[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await file[Symbol.asyncDispose]();
    throw error;
  }
}
