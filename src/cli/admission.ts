import type { CopyRequest } from "../copy/copy-request.ts";
import { evaluatePolicy, loadPolicy } from "../policy/policy.ts";
import type { Invocation } from "./command.ts";

/** Refuses images that the trust policy does not allow. The policy is read at once, so that its faults come first. */
export async function loadAdmission({
  globals,
  log,
}: Pick<Invocation, "globals" | "log">): Promise<Admission> {
  const debug = (message: string): void => log.debug(message);
  const inForce = await loadPolicy({
    file: globals.policyPath,
    insecurePolicy: globals.insecurePolicy,
    requireSigned: globals.requireSigned,
    debug,
  });
  return async (image, options) => await evaluatePolicy(inForce, image, { ...options, debug });
}

type Admission = CopyRequest["admit"];
