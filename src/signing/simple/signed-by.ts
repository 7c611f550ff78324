import { readFile } from "node:fs/promises";
import type { OperationOptions } from "../../core/byte-stream.ts";
import type { DockerName } from "../../core/docker-name.ts";
import { errorMessage, ImageError, isAbort } from "../../core/errors.ts";
import type { Signature } from "../../core/signature.ts";
import { manifestDigest } from "../../format/manifest-digest.ts";
import { acceptsIdentity } from "../identity.ts";
import { type Keyring, readKeyring } from "../openpgp/keyring.ts";
import { verifySignedMessage } from "../openpgp/verify.ts";
import { parseSimplePayload } from "../payload.ts";
import type { KeySource, SimpleTrust } from "../trust.ts";

/** The image that a signature must be for. */
export interface SignedImage {
  /** The bytes that are going to be used. */
  readonly manifest: Uint8Array;
  /** What the image goes by, of an instance what its index goes by; undefined where it has no name. */
  readonly dockerName: DockerName | undefined;
}

export interface SignedByOptions extends OperationOptions {
  /** When keys and signatures must be valid, in milliseconds since 1970; without it, now. */
  readonly now?: number | undefined;
}

export type SignedByVerdict =
  | { readonly accepted: true }
  /** `reason` is the whole text, without what is put before it. */
  | { readonly accepted: false; readonly reason: string };

/** So many reasons are told of signatures that were not accepted. */
const MOST_REASONS = 10;

/**
 * Whether one of the OpenPGP signatures meets a `signedBy` requirement. Signatures of other kinds do not count.
 * The reasons are upstream's. Signing reference 1.5 to 1.7.
 */
export async function judgeSignedBy(
  trust: SimpleTrust,
  image: SignedImage,
  signatures: readonly Signature[],
  options: SignedByOptions = {},
): Promise<SignedByVerdict> {
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
  return { accepted: false, reason: summarize(reasons) };
}

/** The order of the checks is upstream's, and with it the reason when several fail. */
async function checkSignature(
  trust: SimpleTrust,
  image: SignedImage,
  message: Uint8Array,
  keyring: Keyring,
  options: SignedByOptions,
): Promise<void> {
  const { payload } = await verifySignedMessage(message, keyring, options);
  const { manifestDigest: signed, dockerReference } = parseSimplePayload(payload);
  if (signed !== manifestDigest(image.manifest)) {
    throw invalid(`Signature for digest ${signed} does not match`);
  }
  if (!acceptsIdentity(trust.signedIdentity, dockerReference, image.dockerName)) {
    throw invalid(`Signature for identity ${JSON.stringify(dockerReference)} is not accepted`);
  }
}

async function loadKeyring({ keyType, keys }: SimpleTrust): Promise<Keyring> {
  if (keyType !== "GPGKeys") throw invalid(`Unimplemented "keyType" value ${JSON.stringify(keyType)}`);
  const keyring = await readKeyring(await readSources(keys));
  if (keyring.keys.length === 0) throw invalid("No public keys imported");
  return keyring;
}

async function readSources(keys: KeySource): Promise<readonly Uint8Array[]> {
  return keys.kind === "data" ? keys.data : await Promise.all(keys.paths.map((path) => readFile(path)));
}

function summarize(reasons: readonly string[]): string {
  const [first] = reasons;
  if (first === undefined) return "A signature was required, but no signature exists";
  if (reasons.length === 1) return first;
  const told = reasons.slice(0, MOST_REASONS);
  if (reasons.length > told.length) told.push(`and ${reasons.length - told.length} more`);
  return `None of the signatures were accepted, reasons: ${told.join("; ")}`;
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
