import type { ImageSigner } from "../../core/signature.ts";
import { BUNDLE } from "../../core/sigstore-types.ts";
import { type SigstoreSignerOptions, signerPem } from "../sigstore/image-signer.ts";
import { readPemBlocks } from "../sigstore/pem.ts";
import { bundleManifest, createBundle } from "./create-bundle.ts";
import { REFERENCE_ANNOTATION } from "./dsse.ts";

/**
 * Signs images as cosign does since version 3: the signature is a bundle in a manifest that refers to the image. The name of
 * the image, for which bundles have no place of their own, is an annotation of what is signed.
 */
export function bundleImageSigner({ key, log }: SigstoreSignerOptions): ImageSigner {
  const { privateKey } = key;
  const [certificate] = key.certificate === undefined ? [] : readPemBlocks(key.certificate.leaf);
  return {
    method: "a sigstore bundle",
    sign: async ({ digest, mediaType, bytes }, dockerReference, options = {}) => {
      const { bundle } = await createBundle({
        ...{ manifestDigest: digest, privateKey, certificate: certificate?.bytes },
        annotations: { [REFERENCE_ANNOTATION]: dockerReference },
        record: log && ((envelope) => log.recordEnvelope(envelope, signerPem(key), options)),
      });
      const subject = { mediaType, digest, size: bytes.length };
      const { manifest, config, annotations } = bundleManifest({ bundle, subject });
      return {
        ...{ kind: "sigstore", mimeType: BUNDLE, payload: bundle, annotations },
        referrer: { manifest, config },
      };
    },
  };
}
