import { ImageError, type ImageErrorOptions } from "./errors.ts";

/**
 * The store answered, and has no such image: a registry's MANIFEST_UNKNOWN, a tag that an OCI layout does not list.
 * A missing directory, file or repository is not this. A program that ends with it exits with code 2, so whoever
 * wraps it keeps it as the `cause`. cli.md 1.2.
 */
export class ImageNotFoundError extends ImageError {
  constructor(message: string, options?: ImageErrorOptions) {
    super("NOT_FOUND", message, options);
  }
}
