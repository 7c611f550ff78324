import { type OperationOptions, verified } from "../../core/byte-stream.ts";
import type { Digest } from "../../core/digest.ts";
import { openingAll } from "../../core/disposables.ts";
import { ImageError } from "../../core/errors.ts";
import type { ImageDestination, ImageReference } from "../../core/image.ts";
import { holdFileLock } from "../../runtime/file-lock.ts";
import { createFileSink } from "../../runtime/file-sink.ts";
import { fileSize } from "../../runtime/files.ts";
import { canonicalPath } from "../../runtime/paths.ts";
import { openTarArchive, type SpoolOptions } from "../../tar/open-archive.ts";
import { openPipeArchive, writesToPipe } from "../../tar/pipe-archive.ts";
import { createSeekableTarWriter } from "../../tar/writer.ts";
import { EMPTY_INDEX, type LayoutIndex } from "../oci/layout-index.ts";
import { reachable } from "../oci/reachable.ts";
import { ArchivedLayout } from "./archived-layout.ts";
import { createOciArchiveDestination } from "./destination.ts";
import { LayoutWriter } from "./layout-writer.ts";

/**
 * An archive to write an image to. A file gets its name only when it is complete, in place of one that is there; with
 * `append` the images of that one stay, by the rules of a layout. A pipe or a device is written as it is.
 */
export async function openOciArchiveDestination(
  reference: ImageReference,
  path: string,
  name: string | undefined,
  spool: SpoolOptions & { readonly append: boolean },
  options: OperationOptions = {},
): Promise<ImageDestination> {
  return await openingAll(async (opened) => {
    const dispose = (): Promise<void> => opened[Symbol.asyncDispose]();
    if (await writesToPipe(path)) {
      const pipe = opened.use(await openPipeArchive(path, spool));
      const layout = new LayoutWriter(pipe.tar);
      const commit = async (): Promise<void> => undefined;
      return createOciArchiveDestination({ reference, name, layout, index: EMPTY_INDEX, commit, dispose });
    }
    const target = canonicalPath(path);
    // Also without `append`: an archive that another writer is adding to must not lose the image that comes between.
    opened.use(await holdFileLock(`${target}.lock`, options));
    const { write, truncate, commit } = opened.use(await createFileSink(target));
    const layout = new LayoutWriter(createSeekableTarWriter({ write, truncate }));
    const index = spool.append ? await copyExisting(target, layout, spool, options) : EMPTY_INDEX;
    return createOciArchiveDestination({ reference, name, layout, index, commit, dispose });
  });
}

/** Copies the images of an archive and gives its index. Blobs that no image needs are left behind. */
async function copyExisting(
  path: string,
  target: LayoutWriter,
  spool: SpoolOptions,
  options: OperationOptions,
): Promise<LayoutIndex> {
  if (((await fileSize(path)) ?? 0) === 0) return EMPTY_INDEX;
  await using open = await openTarArchive(path, spool, options);
  const source = new ArchivedLayout(open.archive);
  const index = await source.readIndex();
  for (const digest of await reachable(source, index.manifests)) {
    if (await source.hasBlob(digest)) await copyBlob(source, target, digest, options);
  }
  return index;
}

/** A blob that is not what its name says is left behind, to be written anew by an image that has it. */
async function copyBlob(
  source: ArchivedLayout,
  target: LayoutWriter,
  digest: Digest,
  options: OperationOptions,
): Promise<void> {
  await using blob = await source.openBlob(digest);
  try {
    await target.writeBlob(verified(blob.bytes, digest), { digest, size: blob.size }, options);
  } catch (error) {
    if (!(error instanceof ImageError && error.code === "DIGEST_MISMATCH")) throw error;
  }
}
