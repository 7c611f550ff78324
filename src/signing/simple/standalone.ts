import type { Digest } from "../../core/digest.ts";
import { formatDockerName, parseDockerName } from "../../core/docker-name.ts";
import { ImageError, inContext } from "../../core/errors.ts";
import { manifestDigest } from "../../format/manifest-digest.ts";
import { readGpgKeyring } from "../gpg/keyring.ts";
import type { GpgOptions } from "../gpg/process.ts";
import { type Keyring, readKeyring } from "../openpgp/keyring.ts";
import { readSignedMessage } from "../openpgp/message.ts";
import { readIssuer, type VerifiedMessage, verifySignedMessage } from "../openpgp/verify.ts";
import { parseSimplePayload } from "../payload.ts";
import { createSimpleSignature, type SigningRequest } from "./signer.ts";

/** What `standalone-verify` is told. */
export interface StandaloneVerifyRequest extends GpgOptions {
  readonly manifest: Uint8Array;
  /** The reference that the signature must be for. */
  readonly dockerReference: string;
  /** Fingerprints in upper case, separated by commas, or `any`. */
  readonly fingerprints: string;
  /** An OpenPGP message, also armored. */
  readonly signature: Uint8Array;
  /** The content of a `--public-key-file`; without it, the user's keyring is asked. */
  readonly publicKeys?: Uint8Array | undefined;
  /** When keys and signature must be valid, in milliseconds since 1970; without it, now. */
  readonly now?: number | undefined;
}

/** What `standalone-verify` tells. */
export interface StandaloneVerifyResult {
  /** Of the key that signed where that one was listed, else of its primary key. */
  readonly fingerprint: string;
  readonly digest: Digest;
}

/**
 * The content of a signature file, as `standalone-sign` writes it. The reference is not checked. CLI reference 10.1.
 * @throws {ImageError} with `Error creating signature: ` before its reason
 */
export async function standaloneSign(
  request: SigningRequest,
  options: Pick<GpgOptions, "signal"> = {},
): Promise<Uint8Array> {
  return await inContext("Error creating signature", () => createSimpleSignature(request, options));
}

/**
 * Verifies a signature file, as `standalone-verify` does. CLI reference 10.2.
 * @throws {ImageError} with `Error verifying signature: ` before its reason; CONFIG_INVALID for `any` without keys
 */
export async function standaloneVerify(request: StandaloneVerifyRequest): Promise<StandaloneVerifyResult> {
  if (request.fingerprints === "any" && request.publicKeys === undefined) {
    throw new ImageError("CONFIG_INVALID", "Cannot use any fingerprint without a public key file");
  }
  return await inContext("Error verifying signature", () => verify(request));
}

async function verify(request: StandaloneVerifyRequest): Promise<StandaloneVerifyResult> {
  const expected = formatDockerName(parseDockerName(request.dockerReference));
  const message = await unarmored(request.signature);
  const keyring = await findKeyring(message, request);
  const verified = await verifySignedMessage(message, keyring, request);
  const fingerprint = acceptedFingerprint(verified, request.fingerprints);
  const { manifestDigest: digest, dockerReference } = parseSimplePayload(verified.payload);
  if (digest !== manifestDigest(request.manifest)) {
    throw invalid(`Signature for docker digest ${JSON.stringify(digest)} does not match`);
  }
  if (normalized(dockerReference) !== expected) {
    const [signed, wanted] = [dockerReference, request.dockerReference].map((text) => JSON.stringify(text));
    throw invalid(`Docker reference ${signed} does not match ${wanted}`);
  }
  return { fingerprint, digest };
}

async function findKeyring(message: Uint8Array, request: StandaloneVerifyRequest): Promise<Keyring> {
  if (request.publicKeys !== undefined) return await readKeyring([request.publicKeys]);
  return await readGpgKeyring(await readIssuer(await readSignedMessage(message)), request);
}

function acceptedFingerprint(verified: VerifiedMessage, fingerprints: string): string {
  const { primaryFingerprint, signingFingerprint } = verified;
  if (fingerprints === "any") return primaryFingerprint;
  const listed = fingerprints.split(",");
  const found = [signingFingerprint, primaryFingerprint].find((each) => listed.includes(each));
  if (found !== undefined) return found;
  throw invalid(`signature by key ${signingFingerprint} of ${primaryFingerprint} is not accepted`);
}

/** GPG reads armor here, unlike where signatures are stored. */
async function unarmored(signature: Uint8Array): Promise<Uint8Array> {
  const text = new TextDecoder("latin1").decode(signature.subarray(0, 64));
  if (!text.trimStart().startsWith("-----BEGIN PGP MESSAGE-----")) return signature;
  const { unarmor } = await import("openpgp");
  try {
    const { data } = await unarmor(new TextDecoder().decode(signature));
    if (data instanceof Uint8Array) return data;
  } catch (error) {
    throw new ImageError("SIGNATURE_INVALID", "No data: the armor is damaged", { cause: error });
  }
  throw invalid("No data");
}

function normalized(reference: string): string {
  try {
    return formatDockerName(parseDockerName(reference));
  } catch (error) {
    const message = `Invalid docker reference ${JSON.stringify(reference)} in signature`;
    throw new ImageError("SIGNATURE_INVALID", message, { cause: error });
  }
}

function invalid(message: string): ImageError {
  return new ImageError("SIGNATURE_INVALID", message);
}
