import { ImageError } from "../../core/errors.ts";

/** What is wrong with the bytes that should be a tar archive. */
export function invalidTar(reason: string): ImageError {
  return new ImageError("MANIFEST_INVALID", `the layer is no usable tar archive: ${reason}`);
}
