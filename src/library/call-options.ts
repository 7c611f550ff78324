import type { OperationOptions } from "../core/byte-stream.ts";
import { ImageError } from "../core/errors.ts";
import type { ImageReference } from "../core/image.ts";
import type { ImageAccess } from "../environment/image-access.ts";
import { ImageEnvironment } from "../environment/image-environment.ts";

/** What every function of the library takes. */
export interface CallOptions extends OperationOptions {
  /** What names are resolved in; without it, one that all calls of this process share, with the machine's own configuration. */
  readonly environment?: ImageEnvironment | undefined;
}

/** The options of functions that reach one image or repository. */
export interface AccessOptions extends CallOptions {
  /** Credentials and TLS settings for this image alone; the environment gives them for all. */
  readonly access?: ImageAccess | undefined;
}

/** The name of an image, `docker://registry.example.com/app:1.0`, or what such a name was resolved to. */
export type ImageName = string | ImageReference;

let shared: ImageEnvironment | undefined;

export function environmentOf({ environment }: CallOptions): ImageEnvironment {
  if (environment !== undefined) return environment;
  shared ??= new ImageEnvironment();
  return shared;
}

/** @throws {ImageError} INVALID_REFERENCE */
export async function resolveImage(
  image: ImageName,
  options: CallOptions,
  access: ImageAccess | undefined,
): Promise<ImageReference> {
  return typeof image === "string" ? await environmentOf(options).parseImageName(image, access) : image;
}

/** What a reference can do, or an error that says that it cannot. @throws {ImageError} UNSUPPORTED_OPERATION */
export function required<T>(operation: T | undefined, reference: ImageReference, what: string): T {
  if (operation !== undefined) return operation;
  throw new ImageError("UNSUPPORTED_OPERATION", `${reference.transport.name}: ${what}`);
}
