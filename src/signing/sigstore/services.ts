import type { OperationOptions } from "../../core/byte-stream.ts";
import type { HttpClient } from "../../runtime/http.ts";
import type { SigstoreKey, TransparencyLog } from "./image-signer.ts";

/** A service of sigstore. */
export interface SigstoreService {
  /** The address, below which the service's API begins: `https://rekor.sigstore.dev`. */
  readonly url: string;
  /** Gives what sends the requests: `openServiceClient` of an `ImageEnvironment`. Asked when it is needed. */
  readonly openClient: () => Promise<HttpClient>;
}

/** The log of a Rekor server, version 1 of its API. Signing reference 3.5. */
export function rekorLog({ url: rekorUrl, openClient }: SigstoreService): TransparencyLog {
  return {
    recordSignature: async ({ payload, signature, signer }, { signal }) => {
      const { uploadToRekor } = await import("./rekor.ts");
      const client = await openClient();
      return await uploadToRekor({ rekorUrl, client, payload, signature, publicKeyPem: signer, signal });
    },
    recordEnvelope: async (envelope, signer, { signal }) => {
      const { uploadEnvelopeToRekor } = await import("./rekor.ts");
      const client = await openClient();
      return await uploadEnvelopeToRekor({ rekorUrl, client, envelope, publicKeyPem: signer, signal });
    },
  };
}

/**
 * A key for one run, made here and certified by Fulcio for whom an OIDC token is about: what signs without a key of one's own. The
 * token is a secret, and goes to Fulcio only. Signing reference 3.7.
 * @throws {ImageError} UNAUTHORIZED, NETWORK_FAILURE or REGISTRY_FAILURE
 */
export async function requestSigningKey(
  { url: fulcioUrl, openClient }: SigstoreService,
  idToken: string,
  { signal }: OperationOptions = {},
): Promise<SigstoreKey> {
  const { requestCertificate } = await import("./fulcio.ts");
  const client = await openClient();
  const { privateKey, certificate, chain } = await requestCertificate({ fulcioUrl, idToken, client, signal });
  return { privateKey, certificate: { leaf: certificate, chain } };
}
