import { readFile } from "node:fs/promises";
import { inContext } from "../core/errors.ts";
import type { ImageSigner } from "../core/signature.ts";
import type { ImageEnvironment } from "../environment/image-environment.ts";
import type { HttpClient } from "../runtime/http.ts";
import type { SigstoreKey, TransparencyLog } from "../signing/sigstore/image-signer.ts";
import { parseSigningParameters, type SigningParameters } from "../signing/sigstore/signing-parameters.ts";
import type { Invocation } from "./command.ts";
import { askPassphrase, readPassphraseFile } from "./passphrase.ts";
import { readSigstoreKey, sigstoreSigner } from "./signers.ts";

type Surroundings = Pick<Invocation, "stderr" | "signal">;

/** What a `--sign-by-sigstore` file asks for. Logins and certificates are had at once. Signing reference 3.7. */
export async function openParameterSigner(
  surroundings: Surroundings,
  path: string,
  environment: ImageEnvironment,
  asBundle: boolean,
): Promise<ImageSigner> {
  const name = JSON.stringify(path);
  const file = await inContext(`setting up signing using parameter file ${name}: reading ${name}`, () =>
    readFile(path),
  );
  const { key, rekorUrl } = await parseSigningParameters(file, path);
  const openClient = (): Promise<HttpClient> => environment.openServiceClient();
  const opened = await openKey(key, surroundings, openClient);
  const log = rekorUrl === undefined ? undefined : openLog(rekorUrl, openClient);
  return await sigstoreSigner({ key: opened, log }, asBundle);
}

async function openKey(
  key: SigningParameters["key"],
  surroundings: Surroundings,
  openClient: () => Promise<HttpClient>,
): Promise<SigstoreKey> {
  const { signal, stderr } = surroundings;
  if (key.kind === "file") {
    const passphrase =
      key.passphraseFile === undefined
        ? await askPassphrase(surroundings, key.path)
        : await readPassphraseFile(key.passphraseFile);
    return { privateKey: await readSigstoreKey(key.path, passphrase) };
  }
  const { obtainIdToken } = await import("../signing/sigstore/oidc.ts");
  const { requestCertificate } = await import("../signing/sigstore/fulcio.ts");
  const client = await openClient();
  const prompt = (message: string): void => stderr.write(`${message}\n`);
  const idToken = await obtainIdToken(key.identity, { client, signal, prompt });
  const { fulcioUrl } = key;
  const { privateKey, certificate, chain } = await requestCertificate({ fulcioUrl, idToken, client, signal });
  return { privateKey, certificate: { leaf: certificate, chain } };
}

function openLog(rekorUrl: string, openClient: () => Promise<HttpClient>): TransparencyLog {
  return {
    recordSignature: async ({ payload, signature, signer }, { signal }) => {
      const { uploadToRekor } = await import("../signing/sigstore/rekor.ts");
      const client = await openClient();
      return await uploadToRekor({ rekorUrl, client, payload, signature, publicKeyPem: signer, signal });
    },
    recordEnvelope: async (envelope, signer, { signal }) => {
      const { uploadEnvelopeToRekor } = await import("../signing/sigstore/rekor.ts");
      const client = await openClient();
      return await uploadEnvelopeToRekor({ rekorUrl, client, envelope, publicKeyPem: signer, signal });
    },
  };
}
