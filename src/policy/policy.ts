import { type Environment, hostEnvironment } from "../config/locations.ts";
import type { OperationOptions } from "../core/byte-stream.ts";
import { ImageError, inContext } from "../core/errors.ts";
import type { ImageReference } from "../core/image.ts";
import type { UnverifiedImage } from "../core/unverified-image.ts";
import { evaluateRequirement, type Verdict } from "./evaluate-requirement.ts";
import type { TrustPolicy } from "./policy-file.ts";
import type { PolicyRequirement } from "./requirement.ts";

/** Which policy to load. */
export interface PolicyOptions {
  /** Where files are looked for; without it, that of this process. */
  readonly environment?: Environment | undefined;
  /** The policy file of `--policy`; "" counts as not given. */
  readonly file?: string | undefined;
  /** Accept every image, and read no file, not even `file`. */
  readonly insecurePolicy?: boolean | undefined;
  /** Accept only what a signature was verified for, whatever else the policy accepts. */
  readonly requireSigned?: boolean | undefined;
  /** What the want of any policy file means; without it every image is accepted, as with `insecurePolicy`. */
  readonly whenMissing?: "accept" | "fail" | undefined;
  /** Told which file is used. */
  debug?(message: string): void;
}

/** The requirements that are in force, and how strictly. */
export interface PolicyInForce {
  /** As the file says it. */
  readonly policy: TrustPolicy;
  /** Accept only what a signature was verified for, whatever else the policy accepts. */
  readonly requireSigned: boolean;
  /** The file that the policy was read from; undefined where there is none, and every image is accepted. */
  readonly path?: string | undefined;
}

const ACCEPT_ANYTHING: TrustPolicy = {
  default: [{ type: "insecureAcceptAnything" }],
  transports: new Map(),
  lines: new WeakMap(),
};

/**
 * Reads the trust policy that options and files give. Signing reference 1.1.
 * @throws {ImageError} CONFIG_INVALID
 */
export async function loadPolicy(options: PolicyOptions = {}): Promise<PolicyInForce> {
  const requireSigned = options.requireSigned ?? false;
  if (options.insecurePolicy) {
    if (requireSigned) {
      throw new ImageError("CONFIG_INVALID", "--insecure-policy and --require-signed are mutually exclusive");
    }
    return { policy: ACCEPT_ANYTHING, requireSigned };
  }
  const { missingPolicyFile, readPolicyFile } = await import("./policy-file.ts");
  const environment = options.environment ?? hostEnvironment();
  const loaded = await readPolicyFile({ environment, file: options.file });
  if (loaded !== undefined) {
    options.debug?.(`Using trust policy ${loaded.path}`);
    return { policy: loaded.policy, requireSigned, path: loaded.path };
  }
  if (options.whenMissing === "fail") throw missingPolicyFile(environment);
  options.debug?.("No trust policy file found, accepting images without one");
  return { policy: ACCEPT_ANYTHING, requireSigned };
}

/** What judging an image may be told besides. */
export interface JudgementOptions extends OperationOptions {
  /** The time by which keys and certificates are judged, in milliseconds since 1970; without it, now. */
  readonly now?: number | undefined;
}

/** What evaluating a policy may be told besides. */
export interface EvaluationOptions extends JudgementOptions {
  /** Told of each requirement, and what became of it. */
  debug?(message: string): void;
}

/** What one requirement makes of an image. */
export interface RequirementVerdict {
  /** As the policy has it. */
  readonly requirement: PolicyRequirement;
  /** Whether the image meets it. */
  readonly verdict: Verdict;
}

/** What a policy makes of an image. */
export interface PolicyJudgement {
  /** Which list of requirements applies: the default, or that of a transport and scope. */
  readonly section: string;
  /** In the order of the policy; those after the first that is not met are left out. */
  readonly verdicts: readonly RequirementVerdict[];
  /** Why the image is refused; undefined where it is accepted. */
  readonly refusedBecause: string | undefined;
}

/**
 * Asks the requirements of the one list that applies: all must be met. Signing reference 1.3 and 1.5.
 * @throws {ImageError} when signatures cannot be read
 */
export async function judgeImage(
  { policy, requireSigned }: PolicyInForce,
  image: UnverifiedImage,
  options: JudgementOptions = {},
): Promise<PolicyJudgement> {
  const { reference } = image;
  const { requirements, section } = chooseRequirements(policy, reference);
  const verdicts: RequirementVerdict[] = [];
  for (const requirement of requirements) {
    options.signal?.throwIfAborted();
    const verdict = await evaluateRequirement(requirement, { image, ...options });
    verdicts.push({ requirement, verdict });
    if (!verdict.accepted) return { section, verdicts, refusedBecause: verdict.reason };
  }
  const isSigned = verdicts.some(({ verdict }) => verdict.accepted && verdict.signatureVerified);
  if (isSigned || !requireSigned) return { section, verdicts, refusedBecause: undefined };
  const identity = `${reference.transport.name}:${reference.policyScopes[0] ?? ""}`;
  const refusedBecause = `No signature verification policy found for image ${identity}`;
  return { section, verdicts, refusedBecause };
}

/**
 * Returns when the policy accepts the image, and fails otherwise.
 * @throws {ImageError} POLICY_REJECTED; or another one, when signatures cannot be read
 */
export async function evaluatePolicy(
  inForce: PolicyInForce,
  image: UnverifiedImage,
  options: EvaluationOptions = {},
): Promise<void> {
  const { transport, text } = image.reference;
  // Signatures that cannot be read are no reason to go on without them.
  const { section, refusedBecause } = await inContext("Source image rejected", () =>
    judgeImage(inForce, image, options),
  );
  options.debug?.(`Used ${section} of the trust policy for image ${transport.name}:${text}`);
  if (refusedBecause === undefined) return;
  throw new ImageError("POLICY_REJECTED", `Source image rejected: ${refusedBecause}`);
}

/** The list that applies to an image, and what it is called in messages. */
export interface ChosenRequirements {
  readonly requirements: readonly PolicyRequirement[];
  readonly section: string;
}

/** The most specific scope that the policy knows decides alone. */
export function chooseRequirements(policy: TrustPolicy, reference: ImageReference): ChosenRequirements {
  const transport = reference.transport.name;
  const scopes = policy.transports.get(transport);
  for (const scope of [...reference.policyScopes, ""]) {
    const requirements = scopes?.get(scope);
    if (requirements !== undefined) return { requirements, section: `section "${scope}" for ${transport}` };
  }
  return { requirements: policy.default, section: "default section" };
}
