import type { OperationOptions } from "./byte-stream.ts";
import type { RawManifest } from "./descriptor.ts";
import type { ImageReference } from "./image.ts";
import type { Signature } from "./signature.ts";

/** An image, or an instance of an index, of which nothing but the digest of the manifest has been checked. */
export interface UnverifiedImage {
  /** Of an instance, that of its index. */
  readonly reference: ImageReference;
  /** The top-level manifest, or that of an instance, whose digest was checked. */
  readonly manifest: RawManifest;
  /** The image's own signatures, which are read when they are first asked for. */
  readSignatures(options?: OperationOptions): Promise<readonly Signature[]>;
}
