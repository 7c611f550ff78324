import type { ImageSigner } from "../../core/signature.ts";
import { createSimpleSignature, type SimpleSigner } from "./signer.ts";

/** Signs images with an OpenPGP key. Signing reference 2. */
export function simpleImageSigner(signer: SimpleSigner): ImageSigner {
  return {
    method: "simple signing",
    sign: async (manifest, dockerReference, options) => {
      const request = { manifest: manifest.bytes, dockerReference, signer };
      return { kind: "simple-signing", bytes: await createSimpleSignature(request, options) };
    },
  };
}
