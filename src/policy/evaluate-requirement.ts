import type { OperationOptions } from "../core/byte-stream.ts";
import type { Signature } from "../core/signature.ts";
import type { UnverifiedImage } from "../core/unverified-image.ts";
import type { PolicyRequirement, SignedByRequirement } from "./requirement.ts";
import type { SigstoreRequirement } from "./sigstore-requirement.ts";

/** The image that a requirement is to be met by. */
export interface RequirementContext extends OperationOptions {
  readonly image: UnverifiedImage;
}

/** Whether a requirement is met. */
export type Verdict =
  | {
      readonly accepted: true /** Whether a signature was checked for it. */;
      readonly signatureVerified: boolean;
    }
  | { readonly accepted: false; readonly reason: string };

/** One function per type of requirement. Signing reference 1.6. */
export async function evaluateRequirement(
  requirement: PolicyRequirement,
  context: RequirementContext,
): Promise<Verdict> {
  switch (requirement.type) {
    case "insecureAcceptAnything":
      return { accepted: true, signatureVerified: false };
    case "reject":
      return rejectAll(context);
    case "signedBy":
      return await evaluateSignedBy(requirement, context);
    case "signedBaseLayer":
      return { accepted: false, reason: "signedBaseLayer not implemented yet!" };
    case "sigstoreSigned":
      return await evaluateSigstoreSigned(requirement, context);
  }
}

function rejectAll({ image: { reference } }: RequirementContext): Verdict {
  const image = `${reference.transport.name}:${reference.text}`;
  return { accepted: false, reason: `Running image ${image} is rejected by policy.` };
}

async function evaluateSignedBy(
  { type }: SignedByRequirement,
  context: RequirementContext,
): Promise<Verdict> {
  return await judgeSignatures(type, "OpenPGP", context, ({ kind }) => kind === "simple-signing");
}

async function evaluateSigstoreSigned(
  { type }: SigstoreRequirement,
  context: RequirementContext,
): Promise<Verdict> {
  return await judgeSignatures(type, "sigstore", context, ({ kind }) => kind === "sigstore");
}

/** A signature that cannot be checked is as good as none. Signing reference 1.5. */
async function judgeSignatures(
  type: string,
  kind: string,
  { image, signal }: RequirementContext,
  counts: (signature: Signature) => boolean,
): Promise<Verdict> {
  const signatures = await image.readSignatures({ signal });
  const reason = signatures.some(counts)
    ? `A signature is required by policy (${type}), but this build cannot verify ${kind} signatures`
    : "A signature was required, but no signature exists";
  return { accepted: false, reason };
}
