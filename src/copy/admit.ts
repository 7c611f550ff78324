import type { OperationOptions } from "../core/byte-stream.ts";
import type { RawManifest } from "../core/descriptor.ts";
import type { ImageSource } from "../core/image.ts";
import type { Signature } from "../core/signature.ts";
import type { CopyRequest } from "./copy-request.ts";

/** Asks whether an image may be used. `isInstance` tells an image of an index, which has signatures of its own. */
export async function admit(
  request: Pick<CopyRequest, "admit" | "source">,
  source: ImageSource,
  manifest: RawManifest,
  options: OperationOptions,
  isInstance: boolean,
): Promise<void> {
  let signatures: Promise<readonly Signature[]> | undefined;
  const image = {
    reference: request.source,
    manifest,
    readSignatures: async (operation: OperationOptions = {}): Promise<readonly Signature[]> => {
      signatures ??= source.readSignatures(isInstance ? manifest.digest : undefined, operation);
      return await signatures;
    },
  };
  await request.admit(image, options);
}
