import type { CopyRequest } from "../copy/copy-request.ts";
import type { ImageEnvironment } from "../environment/image-environment.ts";
import type { PolicyInForce } from "../policy/policy.ts";

/**
 * Which images may be used: those that the machine's `policy.json` allows, any, those that a loaded policy allows, or those for
 * which a function does not throw.
 */
export type PolicyChoice = "machine" | "accept-anything" | PolicyInForce | CopyRequest["admit"];

/** @throws {ImageError} CONFIG_INVALID for a policy file that cannot be read */
export async function admissionOf(
  choice: PolicyChoice | undefined,
  { environment }: ImageEnvironment,
): Promise<CopyRequest["admit"]> {
  if (typeof choice === "function") return choice;
  if (choice === "accept-anything") return async () => undefined;
  const { evaluatePolicy, loadPolicy } = await import("../policy/policy.ts");
  const policy = choice === undefined || choice === "machine" ? await loadPolicy({ environment }) : choice;
  return async (image, options) => await evaluatePolicy(policy, image, options);
}
