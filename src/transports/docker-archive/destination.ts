import { stat } from "node:fs/promises";
import type { OperationOptions } from "../../core/byte-stream.ts";
import { type Disposables, openingAll } from "../../core/disposables.ts";
import type { DockerName } from "../../core/docker-name.ts";
import { errorMessage, ImageError } from "../../core/errors.ts";
import type { ImageDestination, ImageReference } from "../../core/image.ts";
import { holdFileLock } from "../../runtime/file-lock.ts";
import { createFileSink } from "../../runtime/file-sink.ts";
import { canonicalPath } from "../../runtime/paths.ts";
import { openTarArchive, type SpoolOptions } from "../../tar/open-archive.ts";
import { openPipeArchive, writesToPipe } from "../../tar/pipe-archive.ts";
import { createSeekableTarWriter } from "../../tar/writer.ts";
import { createDockerTarDestination } from "../docker-tar/destination.ts";
import { ExistingImages } from "../docker-tar/existing-images.ts";

const NO_CHANGES = "docker-archive doesn't support modifying existing images";

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
  if (await writesToPipe(path)) return await openPipe(reference, path, names, spool);
  return await openArchiveFile(reference, canonicalPath(path), names, spool, options);
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
    const sink = opened.use(await createFileSink(path, ".docker-archive-"));
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
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size === 0) return undefined;
  try {
    const { archive } = opened.use(await openTarArchive(path, spool, options));
    return await ExistingImages.read(archive);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw new ImageError(
      "UNSUPPORTED_OPERATION",
      `${NO_CHANGES} (adding one to it needs an archive of docker save: ${errorMessage(error)})`,
      { cause: error },
    );
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
