import type { OperationOptions } from "../core/byte-stream.ts";
import type { RawManifest } from "../core/descriptor.ts";
import type { Signature } from "../core/signature.ts";
import type { CopyRequest } from "./copy-request.ts";
import type { SourceSignatures } from "./source-signatures.ts";

/** Asks whether an image may be used. `isInstance` tells an image of an index, which has signatures of its own. */
export async function admit(
  request: Pick<CopyRequest, "admit" | "source">,
  signatures: SourceSignatures,
  manifest: RawManifest,
  options: OperationOptions,
  isInstance: boolean,
): Promise<void> {
  const image = {
    reference: request.source,
    manifest,
    readSignatures: async (operation: OperationOptions = {}): Promise<readonly Signature[]> =>
      await signatures.read(isInstance ? manifest.digest : undefined, operation),
  };
  await request.admit(image, options);
}
