import type { Environment } from "../config/locations.ts";
import type { OperationOptions } from "../core/byte-stream.ts";
import { ImageError, inContext } from "../core/errors.ts";
import type { ImageReference } from "../core/image.ts";
import type { UnverifiedImage } from "../core/unverified-image.ts";
import { evaluateRequirement } from "./evaluate-requirement.ts";
import { missingPolicyFile, readPolicyFile, type TrustPolicy } from "./policy-file.ts";
import type { PolicyRequirement } from "./requirement.ts";

export interface PolicyOptions {
  readonly environment: Environment;
  /** The policy file of `--policy`; "" counts as not given. */
  readonly file?: string | undefined;
  /** Accept every image, and read no file, not even `file`. */
  readonly insecurePolicy?: boolean | undefined;
  /** Accept only what a signature was verified for, whatever else the policy accepts. */
  readonly requireSigned?: boolean | undefined;
  /** What the want of any policy file means; without it every image is accepted, as with `insecurePolicy`. */
  readonly whenMissing?: "accept" | "fail" | undefined;
  debug?(message: string): void;
}

/** The requirements that are in force, and how strictly. */
export interface PolicyInForce {
  readonly policy: TrustPolicy;
  readonly requireSigned: boolean;
  /** The file that the policy was read from; undefined where there is none, and every image is accepted. */
  readonly path?: string | undefined;
}

const ACCEPT_ANYTHING: TrustPolicy = {
  default: [{ type: "insecureAcceptAnything" }],
  transports: new Map(),
};

/**
 * Reads the trust policy that options and files give. Signing reference 1.1.
 * @throws {ImageError} CONFIG_INVALID
 */
export async function loadPolicy(options: PolicyOptions): Promise<PolicyInForce> {
  const requireSigned = options.requireSigned ?? false;
  if (options.insecurePolicy) {
    if (requireSigned) {
      throw new ImageError("CONFIG_INVALID", "--insecure-policy and --require-signed are mutually exclusive");
    }
    return { policy: ACCEPT_ANYTHING, requireSigned };
  }
  const loaded = await readPolicyFile(options);
  if (loaded !== undefined) {
    options.debug?.(`Using trust policy ${loaded.path}`);
    return { policy: loaded.policy, requireSigned, path: loaded.path };
  }
  if (options.whenMissing === "fail") throw missingPolicyFile(options.environment);
  options.debug?.("No trust policy file found, accepting images without one");
  return { policy: ACCEPT_ANYTHING, requireSigned };
}

/** What evaluating a policy may be told besides. */
export interface EvaluationOptions extends OperationOptions {
  debug?(message: string): void;
}

/**
 * Returns when the policy accepts the image, and fails otherwise. All requirements of the one list that applies must
 * be met; the first that is not gives the reason. Signing reference 1.3 and 1.5.
 * @throws {ImageError} POLICY_REJECTED
 */
export async function evaluatePolicy(
  inForce: PolicyInForce,
  image: UnverifiedImage,
  options: EvaluationOptions = {},
): Promise<void> {
  const { reference } = image;
  const { requirements, section } = chooseRequirements(inForce.policy, reference);
  options.debug?.(
    `Using ${section} of the trust policy for image ${reference.transport.name}:${reference.text}`,
  );
  let isSigned = false;
  for (const requirement of requirements) {
    options.signal?.throwIfAborted();
    // Signatures that cannot be read are no reason to go on without them.
    const verdict = await inContext("Source image rejected", () =>
      evaluateRequirement(requirement, { image, signal: options.signal }),
    );
    if (!verdict.accepted) throw rejection(verdict.reason);
    isSigned ||= verdict.signatureVerified;
  }
  if (inForce.requireSigned && !isSigned) {
    const identity = `${reference.transport.name}:${reference.policyScopes[0] ?? ""}`;
    throw rejection(`No signature verification policy found for image ${identity}`);
  }
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

function rejection(reason: string): ImageError {
  return new ImageError("POLICY_REJECTED", `Source image rejected: ${reason}`);
}
