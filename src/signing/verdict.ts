import type { DockerName } from "../core/docker-name.ts";
import { ImageError } from "../core/errors.ts";
import { manifestDigest } from "../format/manifest-digest.ts";
import { acceptsIdentity } from "./identity.ts";
import type { SignaturePayload } from "./payload.ts";
import type { IdentityRule } from "./trust.ts";

/** The image that a signature must be for. */
export interface SignedImage {
  /** The bytes that are going to be used. */
  readonly manifest: Uint8Array;
  /** What the image goes by, of an instance what its index goes by; undefined where it has no name. */
  readonly dockerName: DockerName | undefined;
}

/** Whether signatures meet what is asked of them. */
export type SignatureVerdict =
  | { readonly accepted: true }
  /** `reason` is the whole text, without what is put before it. */
  | { readonly accepted: false; readonly reason: string };

/** So many reasons are told of signatures that were not accepted. */
const MOST_REASONS = 10;

/**
 * Whether a payload, which a trusted key has signed, is about this image. The order of the checks is upstream's.
 * @throws {ImageError} SIGNATURE_INVALID
 */
export function checkPayload(
  payload: Pick<SignaturePayload, "manifestDigest" | "dockerReference">,
  image: SignedImage,
  rule: IdentityRule,
): void {
  if (payload.manifestDigest !== manifestDigest(image.manifest)) {
    throw invalid(`Signature for digest ${payload.manifestDigest} does not match`);
  }
  if (!acceptsIdentity(rule, payload.dockerReference, image.dockerName)) {
    throw invalid(`Signature for identity ${JSON.stringify(payload.dockerReference)} is not accepted`);
  }
}

/** Why none of the signatures counts; `others` tells of those that were of no interest. Signing reference 1.5. */
export function refusal(reasons: readonly string[], others = ""): SignatureVerdict {
  const [first] = reasons;
  if (first === undefined) {
    return { accepted: false, reason: `A signature was required, but no signature exists${others}` };
  }
  if (reasons.length === 1) return { accepted: false, reason: first };
  const told = reasons.slice(0, MOST_REASONS);
  if (reasons.length > told.length) told.push(`and ${reasons.length - told.length} more`);
  return { accepted: false, reason: `None of the signatures were accepted, reasons: ${told.join("; ")}` };
}

function invalid(message: string): ImageError {
  return new ImageError("SIGNATURE_INVALID", message);
}
