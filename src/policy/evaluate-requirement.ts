import type { OperationOptions } from "../core/byte-stream.ts";
import type { UnverifiedImage } from "../core/unverified-image.ts";
import type { SigstoreTrust, SimpleTrust } from "../signing/trust.ts";
import type { SignatureVerdict, SignedImage } from "../signing/verdict.ts";
import type { PolicyRequirement } from "./requirement.ts";

/** The image that a requirement is to be met by. */
export interface RequirementContext extends OperationOptions {
  readonly image: UnverifiedImage;
  /** Milliseconds since 1970, for what expires; without it, now. */
  readonly now?: number | undefined;
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

async function evaluateSignedBy(trust: SimpleTrust, context: RequirementContext): Promise<Verdict> {
  const signatures = await context.image.readSignatures(context);
  const { judgeSignedBy } = await import("../signing/simple/signed-by.ts");
  return toVerdict(await judgeSignedBy(trust, signedImage(context), signatures, context));
}

async function evaluateSigstoreSigned(trust: SigstoreTrust, context: RequirementContext): Promise<Verdict> {
  const signatures = await context.image.readSignatures(context);
  const { judgeSigstoreSigned } = await import("../signing/sigstore/signed-by.ts");
  return toVerdict(await judgeSigstoreSigned(trust, signedImage(context), signatures, context));
}

function signedImage({ image: { manifest, reference } }: RequirementContext): SignedImage {
  return { manifest: manifest.bytes, dockerName: reference.dockerName };
}

function toVerdict(verdict: SignatureVerdict): Verdict {
  return verdict.accepted ? { accepted: true, signatureVerified: true } : verdict;
}
