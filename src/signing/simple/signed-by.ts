import type { OperationOptions } from "../../core/byte-stream.ts";
import { errorMessage, ImageError, isAbort } from "../../core/errors.ts";
import type { Signature } from "../../core/signature.ts";
import { type Keyring, readKeyring } from "../openpgp/keyring.ts";
import { verifySignedMessage } from "../openpgp/verify.ts";
import { parseSimplePayload } from "../payload.ts";
import { readKeySource, type SimpleTrust } from "../trust.ts";
import { checkPayload, refusal, type SignatureVerdict, type SignedImage } from "../verdict.ts";

export interface SignedByOptions extends OperationOptions {
  /** When keys and signatures must be valid, in milliseconds since 1970; without it, now. */
  readonly now?: number | undefined;
}

/**
 * Whether one of the OpenPGP signatures meets a `signedBy` requirement. Signatures of other kinds do not count.
 * The reasons are upstream's. Signing reference 1.5 to 1.7.
 */
export async function judgeSignedBy(
  trust: SimpleTrust,
  image: SignedImage,
  signatures: readonly Signature[],
  options: SignedByOptions = {},
): Promise<SignatureVerdict> {
  const keyring = once(() => loadKeyring(trust));
  const reasons: string[] = [];
  for (const signature of signatures) {
    if (signature.kind !== "simple-signing") continue;
    options.signal?.throwIfAborted();
    try {
      await checkSignature(trust, image, signature.bytes, await keyring(), options);
      return { accepted: true };
    } catch (error) {
      if (isAbort(error)) throw error;
      reasons.push(errorMessage(error));
    }
  }
  return refusal(reasons);
}

/** Nothing of the payload is looked at before a trusted key has signed it. */
async function checkSignature(
  trust: SimpleTrust,
  image: SignedImage,
  message: Uint8Array,
  keyring: Keyring,
  options: SignedByOptions,
): Promise<void> {
  const { payload } = await verifySignedMessage(message, keyring, options);
  checkPayload(parseSimplePayload(payload), image, trust.signedIdentity);
}

async function loadKeyring({ keyType, keys }: SimpleTrust): Promise<Keyring> {
  if (keyType !== "GPGKeys") throw invalid(`Unimplemented "keyType" value ${JSON.stringify(keyType)}`);
  const keyring = await readKeyring(await readKeySource(keys));
  if (keyring.keys.length === 0) throw invalid("No public keys imported");
  return keyring;
}

/** Runs `make` when it is first called for. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function invalid(message: string): ImageError {
  return new ImageError("SIGNATURE_INVALID", message);
}
