import type { PrivateKey } from "openpgp";
import { errorMessage, ImageError } from "../../core/errors.ts";
import { SigningError, type SimpleSigner } from "../simple/signer.ts";
import { splitKeys, toBinary } from "./keyring.ts";

/** A private key in a file, and what is needed to use it. */
export interface KeyFileOptions {
  /** The file's content: exported keys, binary or armored. */
  readonly keyFile: Uint8Array;
  /** Of a protected key. */
  readonly passphrase?: string | undefined;
  /** Which key of several: a fingerprint, the end of one, or a part of a user ID. */
  readonly identity?: string | undefined;
}

/**
 * A signer with an exported private key, which needs no gpg. The passphrase is tried at once.
 * @throws {SigningError}
 */
export async function openKeyFileSigner(options: KeyFileOptions): Promise<SimpleSigner> {
  const { identity = "", keyFile, passphrase } = options;
  const locked = chooseKey(await readPrivateKeys(keyFile), identity);
  const key = locked.isDecrypted() ? locked : await unlock(locked, passphrase);
  await checkUsable(key);
  return {
    fingerprint: key.getFingerprint().toUpperCase(),
    sign: async (payload, { signal } = {}) => {
      signal?.throwIfAborted();
      return await signPayload(key, payload);
    },
  };
}

async function readPrivateKeys(keyFile: Uint8Array): Promise<readonly PrivateKey[]> {
  const { readPrivateKey } = await import("openpgp");
  const keys: PrivateKey[] = [];
  for (const binaryKey of (await toBinary(keyFile)).flatMap(splitKeys)) {
    try {
      keys.push(await readPrivateKey({ binaryKey }));
    } catch {
      // Public keys, and kinds that are not supported, cannot sign.
    }
  }
  return keys;
}

function chooseKey(keys: readonly PrivateKey[], identity: string): PrivateKey {
  const [key, ...others] = keys.filter((each) => isNamed(each, identity));
  if (key === undefined) {
    const message =
      identity === "" ? "the file has no private key" : `key ${JSON.stringify(identity)} not found`;
    throw new SigningError("unknown-key", message);
  }
  if (others.length > 0) throw new SigningError("ambiguous-key", "Ambiguous name");
  return key;
}

/** As gpg finds keys: by at least eight digits of a fingerprint, or by a part of a user ID. */
function isNamed(key: PrivateKey, identity: string): boolean {
  const wanted = identity.toLowerCase();
  const digits = /^(?:0x)?([0-9a-f]{8,})$/.exec(wanted)?.[1];
  return (
    (digits !== undefined && key.getKeys().some((each) => each.getFingerprint().endsWith(digits))) ||
    key.getUserIDs().some((user) => user.toLowerCase().includes(wanted))
  );
}

async function unlock(key: PrivateKey, passphrase: string | undefined): Promise<PrivateKey> {
  const { decryptKey } = await import("openpgp");
  try {
    return await decryptKey({ privateKey: key, passphrase: passphrase ?? "" });
  } catch (error) {
    if (!/Incorrect key passphrase/.test(errorMessage(error))) throw unusable(error);
    const message = passphrase === undefined ? "the key needs a passphrase" : "Bad passphrase";
    throw new SigningError("bad-passphrase", message, { cause: error });
  }
}

/** Keys may have expired, or lack the secret part of what would sign, of which only signing tells. */
async function checkUsable(key: PrivateKey): Promise<void> {
  try {
    await key.getSigningKey();
    await signPayload(key, new Uint8Array());
  } catch (error) {
    throw unusable(error);
  }
}

function unusable(error: unknown): SigningError {
  return new SigningError("unusable-key", `Unusable secret key: ${errorMessage(error)}`, { cause: error });
}

async function signPayload(key: PrivateKey, payload: Uint8Array): Promise<Uint8Array> {
  const { createMessage, sign } = await import("openpgp");
  try {
    const message = await createMessage({ binary: payload, format: "binary" });
    return await sign({ message, signingKeys: key, format: "binary" });
  } catch (error) {
    if (error instanceof ImageError) throw error;
    throw new SigningError("failed", errorMessage(error), { cause: error });
  }
}
