import { type AccessOptions, type ImageName, required, resolveImage } from "./call-options.ts";

import { interruptible } from "./interruption.ts";
import type { OpenImage } from "./opened-image.ts";

/**
 * Opens an image, or an index with images, to look into it.
 * @throws {ImageError} NOT_FOUND
 */
export async function openImage(image: ImageName, options: AccessOptions = {}): Promise<OpenImage> {
  return await interruptible(options, async (inner) => await open(image, inner));
}

async function open(image: ImageName, options: AccessOptions): Promise<OpenImage> {
  const { signal } = options;
  const reference = await resolveImage(image, options, options.access);
  const openSource = required(reference.openSource, reference, "images cannot be read").bind(reference);
  const source = await openSource({ signal });
  try {
    const { OpenImage } = await import("./opened-image.ts");
    return new OpenImage(source, await source.readManifest(undefined, { signal }));
  } catch (error) {
    await source[Symbol.asyncDispose]();
    throw error;
  }
}
