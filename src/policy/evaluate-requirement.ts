import type { OperationOptions } from "../core/byte-stream.ts";
import type { ImageReference } from "../core/image.ts";
import type { PolicyRequirement, SignedByRequirement } from "./requirement.ts";
import type { SigstoreRequirement } from "./sigstore-requirement.ts";

/** The image that a requirement is to be met by. */
export interface RequirementContext extends OperationOptions {
  readonly reference: ImageReference;
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
      return evaluateSignedBy(requirement);
    case "signedBaseLayer":
      return { accepted: false, reason: "signedBaseLayer not implemented yet!" };
    case "sigstoreSigned":
      return evaluateSigstoreSigned(requirement);
  }
}

function rejectAll({ reference }: RequirementContext): Verdict {
  const image = `${reference.transport.name}:${reference.text}`;
  return { accepted: false, reason: `Running image ${image} is rejected by policy.` };
}

function evaluateSignedBy(requirement: SignedByRequirement): Verdict {
  return unverifiable(requirement.type, "OpenPGP");
}

function evaluateSigstoreSigned(requirement: SigstoreRequirement): Verdict {
  return unverifiable(requirement.type, "sigstore");
}

/** A signature that cannot be checked is as good as none. */
function unverifiable(type: string, kind: string): Verdict {
  return {
    accepted: false,
    reason: `A signature is required by policy (${type}), but this build cannot verify ${kind} signatures`,
  };
}
