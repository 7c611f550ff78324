import type { Digest } from "../../core/digest.ts";
import type { ImageReference } from "../../core/image.ts";
import { chooseRequirements, type PolicyInForce, type PolicyJudgement } from "../../policy/policy.ts";
import type { PolicyRequirement } from "../../policy/requirement.ts";
import { requirementText } from "./configuration.ts";

/** What `policy check` found out. */
export interface PolicyReport {
  readonly reference: ImageReference;
  readonly policy: PolicyInForce;
  readonly judgements: readonly ImageJudgement[];
}

export interface ImageJudgement {
  readonly digest: Digest;
  readonly judgement: PolicyJudgement;
}

/** For people. */
export function policyReportText({ reference, policy, judgements }: PolicyReport): string {
  const { requirements, section } = chooseRequirements(policy.policy, reference);
  const lines = [
    `Image        ${nameOf(reference)}`,
    `Policy       ${policy.path ?? "no file: every image is accepted"}`,
    `Applies      ${section}`,
    ...requirements.map((requirement, index) => {
      const line = lineOf(policy, requirement);
      const place = line === undefined ? "" : `line ${line}: `;
      return `${index === 0 ? "Requires" : "and"}`.padEnd(13) + place + requirementText(requirement);
    }),
    ...(policy.requireSigned ? ["and          a signature, by --require-signed"] : []),
    ...judgements.map(
      ({ digest, judgement: { refusedBecause } }) =>
        `${refusedBecause === undefined ? "Accepted" : "Refused"}`.padEnd(13) +
        digest +
        (refusedBecause === undefined ? "" : `: ${refusedBecause}`),
    ),
  ];
  return `${lines.join("\n")}\n`;
}

/** For programs: one object. */
export function policyReportJson({ reference, policy, judgements }: PolicyReport): string {
  const { requirements, section } = chooseRequirements(policy.policy, reference);
  const document = {
    image: nameOf(reference),
    policy: policy.path ?? null,
    section,
    requireSigned: policy.requireSigned,
    requirements: requirements.map((requirement) => ({
      type: requirement.type,
      line: lineOf(policy, requirement) ?? null,
      text: requirementText(requirement),
    })),
    images: judgements.map(({ digest, judgement: { refusedBecause } }) => ({
      digest,
      accepted: refusedBecause === undefined,
      reason: refusedBecause ?? null,
    })),
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function lineOf({ policy }: PolicyInForce, requirement: PolicyRequirement): number | undefined {
  return policy.lines.get(requirement);
}

function nameOf({ transport, text }: ImageReference): string {
  return `${transport.name}:${text}`;
}
