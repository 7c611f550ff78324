import { type AccessOptions, type ImageName, required, resolveImage } from "./call-options.ts";
import { interruptible } from "./interruption.ts";

/**
 * Deletes an image. In a registry the manifest goes, and with it every tag that names it; in a layout, what no other image needs.
 * @throws {ImageError} NOT_FOUND, UNSUPPORTED_OPERATION
 */
export async function deleteImage(image: ImageName, options: AccessOptions = {}): Promise<void> {
  await interruptible(options, async (inner) => {
    const reference = await resolveImage(image, inner, inner.access);
    const remove = required(reference.deleteImage, reference, "images cannot be deleted");
    await remove.call(reference, { signal: inner.signal });
  });
}

/** Deletes the signatures of an image, wherever they are kept, and leaves the image. Gives their number. @throws {ImageError} */
export async function deleteSignatures(image: ImageName, options: AccessOptions = {}): Promise<number> {
  return await interruptible(options, async (inner) => {
    const reference = await resolveImage(image, inner, inner.access);
    const remove = required(reference.deleteSignatures, reference, "signatures cannot be deleted");
    return await remove.call(reference, { signal: inner.signal });
  });
}
