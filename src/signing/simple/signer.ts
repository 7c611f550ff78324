import type { OperationOptions } from "../../core/byte-stream.ts";
import { ImageError, type ImageErrorCode } from "../../core/errors.ts";
import { manifestDigest } from "../../format/manifest-digest.ts";
import { readSignedMessage } from "../openpgp/message.ts";
import { formatSimplePayload } from "../payload.ts";

/** A key that can sign, wherever it is kept. That it exists and may sign was checked when this was made. */
export interface SimpleSigner {
  /** Of the primary key, upper-case hexadecimal. */
  readonly fingerprint: string;
  /**
   * An OpenPGP message with the payload and one signature over it.
   * @throws {SigningError}
   */
  sign(payload: Uint8Array, options?: OperationOptions): Promise<Uint8Array>;
}

/** Why nothing could be signed. */
export type SigningFailure =
  | "no-gpg"
  | "unknown-key"
  | "ambiguous-key"
  | "unusable-key"
  | "bad-passphrase"
  | "timed-out"
  | "failed";

/** Signing failed. The message has upstream's words where there are any. */
export class SigningError extends ImageError {
  /** What was in the way. */
  readonly failure: SigningFailure;

  constructor(failure: SigningFailure, message: string, options?: ErrorOptions) {
    super(CODES[failure] ?? "CONFIG_INVALID", message, options);
    this.failure = failure;
  }
}

const CODES: Partial<Readonly<Record<SigningFailure, ImageErrorCode>>> = {
  "no-gpg": "UNSUPPORTED_OPERATION",
  failed: "UNSUPPORTED_OPERATION",
};

/** What is signed. */
export interface SigningRequest {
  readonly manifest: Uint8Array;
  /** The reference to sign for, written as it is. */
  readonly dockerReference: string;
  readonly signer: SimpleSigner;
  /** The time to write, in milliseconds since 1970; without it, now. */
  readonly now?: number | undefined;
}

/**
 * Signs an image: the content of a simple signature, as it is stored everywhere. Signing reference 2.
 * @throws {ImageError} SIGNATURE_INVALID when the reference is empty
 * @throws {SigningError}
 */
export async function createSimpleSignature(
  request: SigningRequest,
  options: OperationOptions = {},
): Promise<Uint8Array> {
  const payload = formatSimplePayload({
    manifestDigest: manifestDigest(request.manifest),
    dockerReference: request.dockerReference,
    now: request.now,
  });
  const message = await request.signer.sign(payload, options);
  // A user's settings can make gpg add signatures or armor, and nobody would accept the outcome.
  const written = await readSignedMessage(message);
  if (Buffer.compare(written.payload, payload) !== 0) {
    throw new SigningError("failed", "the signed message has another content than was to be signed");
  }
  return message;
}
