import type { KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { inContext } from "../core/errors.ts";
import type { ImageSigner } from "../core/signature.ts";
import type { ImageEnvironment } from "../environment/image-environment.ts";
import type { SigstoreSignerOptions } from "../signing/sigstore/image-signer.ts";
import type { SimpleSigner } from "../signing/simple/signer.ts";
import type { Invocation } from "./command.ts";
import type { FlagValues } from "./flag.ts";
import type { TransferFlagTable } from "./flags/copy-flags.ts";
import { askPassphrase, readPassphraseFile } from "./passphrase.ts";

type SigningFlags = Pick<
  FlagValues<TransferFlagTable>,
  | "sign-by"
  | "sign-by-key-file"
  | "sign-by-sigstore"
  | "sign-by-sigstore-private-key"
  | "sign-passphrase-file"
  | "sigstore-bundle"
>;
type SigningInvocation = Pick<Invocation, "stderr" | "signal">;

/**
 * What the signing flags ask for. Keys and passphrases are tried at once, so that nothing is copied that cannot be signed
 * then. In the order in which signatures are made. Signing reference 2.4.
 * @throws {ImageError}
 */
export async function openSigners(
  invocation: SigningInvocation,
  flags: SigningFlags,
  environment: ImageEnvironment,
): Promise<readonly ImageSigner[]> {
  const parameters = flags["sign-by-sigstore"];
  const identity = flags["sign-by"];
  const keyFile = flags["sign-by-key-file"];
  const sigstoreKey = flags["sign-by-sigstore-private-key"];
  const passphraseFile = flags["sign-passphrase-file"];
  const signers: ImageSigner[] = [];
  if (parameters !== undefined) {
    const { openParameterSigner } = await import("./parameter-signer.ts");
    signers.push(
      await inContext("Error using --sign-by-sigstore", () =>
        openParameterSigner(invocation, parameters, environment, flags["sigstore-bundle"]),
      ),
    );
  }
  if (identity !== undefined || keyFile !== undefined) {
    const passphrase = passphraseFile === undefined ? undefined : await readPassphraseFile(passphraseFile);
    const { simpleImageSigner } = await import("../signing/simple/image-signer.ts");
    const open = async (): Promise<SimpleSigner> =>
      keyFile === undefined
        ? await openKeyringKey(identity ?? "", passphrase, invocation)
        : await openKeyFile(keyFile, passphrase);
    signers.push(simpleImageSigner(await inContext("creating signature", open)));
  }
  if (sigstoreKey !== undefined) {
    const passphrase =
      passphraseFile === undefined
        ? await askPassphrase(invocation, sigstoreKey)
        : await readPassphraseFile(passphraseFile);
    const privateKey = await readSigstoreKey(sigstoreKey, passphrase);
    signers.push(await sigstoreSigner({ key: { privateKey } }, flags["sigstore-bundle"]));
  }
  return signers;
}

/** A key of the user's GnuPG keyring. */
export async function openKeyringKey(
  identity: string,
  passphrase: string | undefined,
  { signal }: Pick<Invocation, "signal">,
): Promise<SimpleSigner> {
  const { openGpgSigner, tryPassphrase } = await import("../signing/gpg/signer.ts");
  const signer = await openGpgSigner({ identity, passphrase, env: process.env, signal });
  await tryPassphrase(signer, { signal });
  return signer;
}

async function openKeyFile(path: string, passphrase: string | undefined): Promise<SimpleSigner> {
  const { openKeyFileSigner } = await import("../signing/openpgp/key-file-signer.ts");
  return await openKeyFileSigner({ keyFile: await readFile(path), passphrase });
}

/** Signs in the form of skopeo and cosign 2, or of cosign 3. @throws {ImageError} UNSUPPORTED_OPERATION */
export async function sigstoreSigner(
  options: SigstoreSignerOptions,
  asBundle: boolean,
): Promise<ImageSigner> {
  if (asBundle) {
    const { bundleImageSigner } = await import("../signing/bundle/image-signer.ts");
    return bundleImageSigner(options);
  }
  const { sigstoreImageSigner } = await import("../signing/sigstore/image-signer.ts");
  return sigstoreImageSigner(options);
}

/** @throws {ImageError} `reading private key from …` or `initializing private key: …` */
export async function readSigstoreKey(path: string, passphrase: string): Promise<KeyObject> {
  const { readPrivateKeyFile } = await import("../signing/sigstore/private-key-file.ts");
  const file = await inContext(`reading private key from ${path}`, () => readFile(path));
  return await inContext("initializing private key", () => readPrivateKeyFile(file, passphrase));
}
