import { type Keyring, readKeyring } from "../openpgp/keyring.ts";
import { SigningError } from "../simple/signer.ts";
import { type GpgOptions, runGpg } from "./process.ts";

/**
 * The public keys of the user's keyring that have this ID, 16 hexadecimal digits; none is no error.
 * @throws {SigningError} no-gpg, timed-out, failed
 */
export async function readGpgKeyring(keyId: string, options: GpgOptions): Promise<Keyring> {
  if (!/^[0-9A-F]{16}$/.test(keyId)) throw new SigningError("failed", "invalid key ID");
  const { output } = await runGpg(["--no-armor", "--export", `0x${keyId}`], new Uint8Array(), options);
  return await readKeyring([output]);
}
