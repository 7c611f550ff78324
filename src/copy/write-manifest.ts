import type { OperationOptions } from "../core/byte-stream.ts";
import type { Descriptor, RawManifest } from "../core/descriptor.ts";
import { ImageError, inContext } from "../core/errors.ts";
import { isIndexType } from "../core/media-type.ts";
import type { CopyContext, InstancePlace } from "./copy-request.ts";

/** A manifest to write, with the config that has to be at the destination before it. */
export interface PreparedManifest {
  readonly manifest: RawManifest;
  /** Absent where the config is there already, or is a part of the manifest. */
  readonly config?: { readonly descriptor: Descriptor; readonly content: Uint8Array } | undefined;
}

/**
 * Writes the manifest of an image in the first of several kinds that the destination takes. images.md 6.
 * @throws {ImageError} REGISTRY_FAILURE with all answers when several kinds were refused
 */
export async function writeManifest(
  context: CopyContext,
  types: readonly string[],
  prepare: (type: string) => Promise<PreparedManifest>,
  place: InstancePlace,
  options: OperationOptions,
): Promise<RawManifest> {
  const rejections: { readonly type: string; readonly error: ImageError }[] = [];
  for (const type of types) {
    try {
      const { manifest, config } = await prepare(type);
      if (config !== undefined) await context.blobs.moveAll([{ role: "config", ...config }], options);
      await putManifest(context, manifest, place, options);
      return manifest;
    } catch (error) {
      if (!(error instanceof ImageError) || !isReasonToGoOn(error, rejections.length)) throw error;
      rejections.push({ type, error });
    }
  }
  const [only] = rejections;
  if (only !== undefined && rejections.length === 1) throw only.error;
  const attempts = rejections.map(({ type, error }) => `${type}(${error.message})`).join(", ");
  throw new ImageError(
    "REGISTRY_FAILURE",
    `Uploading manifest failed, attempted the following formats: ${attempts}`,
  );
}

/** A refused kind leads to the next. An image that can't be converted is an error, unless that was a last resort anyway. */
function isReasonToGoOn(error: ImageError, rejected: number): boolean {
  return error.code === "MANIFEST_REJECTED" || (rejected > 0 && error.code === "MANIFEST_INVALID");
}

async function putManifest(
  context: CopyContext,
  manifest: RawManifest,
  place: InstancePlace,
  options: OperationOptions,
): Promise<void> {
  const { digest, mediaType } = manifest;
  context.report({ kind: "manifest", of: isIndexType(mediaType) ? "index" : "image", digest, mediaType });
  const instance = place.isPartOfIndex ? digest : undefined;
  await inContext("writing manifest", () => context.destination.writeManifest(manifest, instance, options));
}
