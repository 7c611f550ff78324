import { ImageError, withContext } from "../../core/errors.ts";
import { readParameterFile } from "./parameter-file.ts";
import { checkUrl } from "./parameter-url.ts";

/** What a parameter file asks for. Paths are relative to the current directory. Signing reference 3.7. */
export interface SigningParameters {
  readonly key: KeyParameters | FulcioParameters;
  /** The log that every signature is recorded in. */
  readonly rekorUrl?: string | undefined;
}

/** A key from a file. */
export interface KeyParameters {
  readonly kind: "file";
  readonly path: string;
  /** Its first line is the passphrase; without it somebody is asked. */
  readonly passphraseFile?: string | undefined;
}

/** A key that is made for one run, and certified. */
export interface FulcioParameters {
  readonly kind: "fulcio";
  readonly fulcioUrl: string;
  readonly identity: IdentityParameters;
}

/** Where the ID token comes from. */
export type IdentityParameters =
  | { readonly mode: "staticToken"; readonly idToken: string }
  | {
      readonly mode: "deviceGrant" | "interactive";
      readonly issuerUrl: string;
      readonly clientId: string;
      /** "" where there is none. */
      readonly clientSecret: string;
    };

const NO_KEY =
  "no private key source provided (neither a private key nor Fulcio) when preparing to create sigstore signatures";
const TWO_KEYS = "multiple private key sources specified when preparing to create sigstore signatures";

/**
 * Reads the file of `--sign-by-sigstore`.
 * @param path shown in errors about the file's form, as `setting up signing using parameter file "…": parsing "…": …`
 * @throws {ImageError} CONFIG_INVALID
 */
export async function parseSigningParameters(bytes: Uint8Array, path?: string): Promise<SigningParameters> {
  const file = await readParameterFile(bytes).catch((error: unknown) => {
    if (path === undefined) throw error;
    const name = JSON.stringify(path);
    throw withContext(`setting up signing using parameter file ${name}: parsing ${name}`, error);
  });
  const fulcio = file.fulcio && fulcioParameters(file.fulcio);
  if (file.rekorURL) checkUrl("rekorURL", file.rekorURL);
  if (file.privateKeyFile && fulcio) throw invalid(TWO_KEYS);
  const key = file.privateKeyFile
    ? keyParameters(file.privateKeyFile, file.privateKeyPassphraseFile)
    : fulcio;
  if (key === undefined) throw invalid(NO_KEY);
  return { key, ...(file.rekorURL ? { rekorUrl: file.rekorURL } : {}) };
}

function keyParameters(path: string, passphraseFile: string | undefined): KeyParameters {
  return { kind: "file", path, ...(passphraseFile ? { passphraseFile } : {}) };
}

function fulcioParameters(fulcio: Readonly<Record<string, string>>): FulcioParameters {
  const { fulcioURL } = fulcio;
  if (!fulcioURL) throw invalid("missing fulcioURL");
  checkUrl("fulcioURL", fulcioURL);
  return { kind: "fulcio", fulcioUrl: fulcioURL, identity: identityParameters(fulcio) };
}

function identityParameters(fulcio: Readonly<Record<string, string>>): IdentityParameters {
  const { oidcMode: mode, oidcIDToken, oidcIssuerURL, oidcClientID, oidcClientSecret } = fulcio;
  if (mode === "staticToken") {
    if (!oidcIDToken) throw invalid("missing oidcToken");
    return { mode, idToken: oidcIDToken };
  }
  if (!oidcIssuerURL) throw invalid("missing oidcIssuerURL");
  checkUrl("oidcIssuerURL", oidcIssuerURL);
  if (!mode) throw invalid("missing oidcMode");
  if (mode !== "deviceGrant" && mode !== "interactive") {
    throw invalid(`unknown oidcMode value ${JSON.stringify(mode)}`);
  }
  return {
    mode,
    issuerUrl: oidcIssuerURL,
    clientId: oidcClientID ?? "",
    clientSecret: oidcClientSecret ?? "",
  };
}

function invalid(message: string): ImageError {
  return new ImageError("CONFIG_INVALID", message);
}
