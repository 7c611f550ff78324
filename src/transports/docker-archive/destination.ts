import { type CompressionFormat, detectCompression } from "../../compression/format.ts";
import type { OperationOptions } from "../../core/byte-stream.ts";
import { type Disposables, openingAll } from "../../core/disposables.ts";
import type { DockerName } from "../../core/docker-name.ts";
import { errorMessage, ImageError, isAbort } from "../../core/errors.ts";
import type { ImageDestination, ImageReference } from "../../core/image.ts";
import { holdFileLock } from "../../runtime/file-lock.ts";
import { createFileSink } from "../../runtime/file-sink.ts";
import { isMissing } from "../../runtime/files.ts";
import { canonicalPath } from "../../runtime/paths.ts";
import { openRandomAccess } from "../../runtime/random-access.ts";
import { openTarArchive, type SpoolOptions } from "../../tar/open-archive.ts";
import { openPipeArchive, writesToPipe } from "../../tar/pipe-archive.ts";
import { createSeekableTarWriter } from "../../tar/writer.ts";
import { createDockerTarDestination } from "../docker-tar/destination.ts";
import { cannotAdd, ExistingImages } from "../docker-tar/existing-images.ts";

/**
 * An archive to write an image to. A file gets its name only when it is complete. One that holds images already is
 * written anew with all of them; a pipe or a device is written as it is.
 * @throws {ImageError} UNSUPPORTED_OPERATION for a file that is no such archive, which stays as it is
 */
export async function openDockerArchiveDestination(
  reference: ImageReference,
  path: string,
  names: readonly DockerName[],
  spool: SpoolOptions,
  options: OperationOptions = {},
): Promise<ImageDestination> {
  try {
    if (await writesToPipe(path)) return await openPipe(reference, path, names, spool);
    return await openArchiveFile(reference, canonicalPath(path), names, spool, options);
  } catch (error) {
    throw namingArchive(error, path);
  }
}

async function openArchiveFile(
  reference: ImageReference,
  path: string,
  names: readonly DockerName[],
  spool: SpoolOptions,
  options: OperationOptions,
): Promise<ImageDestination> {
  return await openingAll(async (opened) => {
    opened.use(await holdFileLock(`${path}.lock`, options));
    const existing = await openExisting(path, opened, spool, options);
    const sink = opened.use(await createFileSink(path));
    const tar = createSeekableTarWriter(sink);
    await existing?.copyTo(tar);
    return createDockerTarDestination({
      ...{ reference, names, tar, existing },
      layerCompression: "decompress",
      commit: sink.commit,
      dispose: () => opened[Symbol.asyncDispose](),
    });
  });
}

async function openExisting(
  path: string,
  opened: Disposables,
  spool: SpoolOptions,
  options: OperationOptions,
): Promise<ExistingImages | undefined> {
  const format = await checkedFormat(path);
  if (format === "none") return undefined;
  if (format !== "tar") throw cannotAdd(`this archive is compressed with ${format}`);
  try {
    const { archive } = opened.use(await openTarArchive(path, spool, options));
    return await ExistingImages.read(archive);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw cannotAdd(`adding one to it needs an archive of docker save: ${errorMessage(error)}`, error);
  }
}

/** What is in a file, if there is anything. */
async function checkedFormat(path: string): Promise<CompressionFormat | "tar" | "none"> {
  try {
    await using file = await openRandomAccess(path);
    if (file === undefined || file.size === 0) return "none";
    return detectCompression(await file.read(0, 6)) ?? "tar";
  } catch (error) {
    if (isMissing(error)) return "none";
    throw error;
  }
}

async function openPipe(
  reference: ImageReference,
  path: string,
  names: readonly DockerName[],
  spool: SpoolOptions,
): Promise<ImageDestination> {
  const pipe = await openPipeArchive(path, spool);
  return createDockerTarDestination({
    ...{ reference, names, tar: pipe.tar },
    layerCompression: "decompress",
    commit: async () => undefined,
    dispose: async () => await pipe[Symbol.asyncDispose](),
  });
}

/** Locks and temporary files mean nothing to the user, so that system errors about them name the archive. */
function namingArchive(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || error instanceof ImageError || isAbort(error)) return error;
  const about =
    "path" in error ? Object.assign(new Error(error.message), error, { syscall: "open", path }) : error;
  return new ImageError("STORAGE_FAILURE", `opening file ${JSON.stringify(path)}: ${errorMessage(about)}`, {
    cause: error,
  });
}
