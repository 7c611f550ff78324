import { stat } from "node:fs/promises";
import type { OperationOptions } from "../../core/byte-stream.ts";
import type { Digest } from "../../core/digest.ts";
import { openingAll } from "../../core/disposables.ts";
import type { ImageDestination, ImageReference } from "../../core/image.ts";
import { holdFileLock } from "../../runtime/file-lock.ts";
import { createFileSink } from "../../runtime/file-sink.ts";
import { canonicalPath } from "../../runtime/paths.ts";
import { openTarArchive, type SpoolOptions } from "../../tar/open-archive.ts";
import { openPipeArchive, writesToPipe } from "../../tar/pipe-archive.ts";
import { createSeekableTarWriter, type TarWriter } from "../../tar/writer.ts";
import { EMPTY_INDEX, type LayoutIndex, withoutImage } from "../oci/layout-index.ts";
import { reachable } from "../oci/reachable.ts";
import { ArchivedLayout } from "./archived-layout.ts";
import { createOciArchiveDestination } from "./destination.ts";

/**
 * An archive to write an image to. A file gets its name only when it is complete, in place of one that is there; with
 * `append` the images of that one stay, as far as the new image does not take their name. A pipe or a device is written
 * as it is.
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
      return createOciArchiveDestination({
        ...{ reference, name, tar: pipe.tar, dispose },
        commit: async () => undefined,
      });
    }
    const target = canonicalPath(path);
    opened.use(await holdFileLock(`${target}.lock`, options));
    const sink = opened.use(await createFileSink(target, ".oci-archive-"));
    const tar = createSeekableTarWriter(sink);
    const existing = spool.append ? await copyExisting(target, name, tar, spool, options) : undefined;
    return createOciArchiveDestination({
      ...{ reference, name, tar, dispose, existing },
      commit: sink.commit,
    });
  });
}

/** Copies the blobs of the images that stay. What no image needs any more is left behind. */
async function copyExisting(
  path: string,
  name: string | undefined,
  tar: TarWriter,
  spool: SpoolOptions,
  options: OperationOptions,
): Promise<{ readonly index: LayoutIndex; readonly blobs: ReadonlyMap<Digest, number> }> {
  const blobs = new Map<Digest, number>();
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size === 0) return { index: EMPTY_INDEX, blobs };
  await using open = await openTarArchive(path, spool, options);
  const layout = new ArchivedLayout(open.archive);
  const index = withoutImage(await layout.readIndex(), name);
  for (const digest of await reachable(layout, index.manifests)) {
    if (!(await layout.hasBlob(digest))) continue;
    await using raw = await layout.openRawBlob(digest);
    await tar.writeRaw(raw.bytes);
    blobs.set(digest, await layout.sizeOf(digest));
  }
  return { index, blobs };
}
