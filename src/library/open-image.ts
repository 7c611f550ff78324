import { type AccessOptions, type ImageName, required, resolveImage } from "./call-options.ts";

import type { OpenImage } from "./opened-image.ts";

/**
 * Opens an image, or an index with images, to look into it.
 * @throws {ImageError} NOT_FOUND
 */
export async function openImage(image: ImageName, options: AccessOptions = {}): Promise<OpenImage> {
  const { signal } = options;
  const reference = await resolveImage(image, options, options.access);
  const open = required(reference.openSource, reference, "images cannot be read").bind(reference);
  const source = await open({ signal });
  try {
    const { OpenImage } = await import("./opened-image.ts");
    return new OpenImage(source, await source.readManifest(undefined, { signal }));
  } catch (error) {
    await source[Symbol.asyncDispose]();
    throw error;
  }
}
