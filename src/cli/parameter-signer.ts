import { readFile } from "node:fs/promises";
import { inContext } from "../core/errors.ts";
import type { ImageSigner } from "../core/signature.ts";
import type { ImageEnvironment } from "../environment/image-environment.ts";
import type { HttpClient } from "../runtime/http.ts";
import type { SigstoreKey } from "../signing/sigstore/image-signer.ts";
import { rekorLog, requestSigningKey } from "../signing/sigstore/services.ts";
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
  const log = rekorUrl === undefined ? undefined : rekorLog({ url: rekorUrl, openClient });
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
  const client = await openClient();
  const prompt = (message: string): void => stderr.write(`${message}\n`);
  const idToken = await obtainIdToken(key.identity, { client, signal, prompt });
  return await requestSigningKey({ url: key.fulcioUrl, openClient }, idToken, { signal });
}
