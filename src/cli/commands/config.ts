import { hostEnvironment } from "../../config/locations.ts";
import type { StorageChoice } from "../../config/signature-storage.ts";
import type { DockerName } from "../../core/docker-name.ts";
import { ImageError } from "../../core/errors.ts";
import type { ImageReference } from "../../core/image.ts";
import type { RegistryReport } from "../../environment/configuration-report.ts";
import type { PolicyRequirement } from "../../policy/requirement.ts";
import { type Command, defineCommand, type Invocation, UsageError } from "../command.ts";
import type { FlagTableOf } from "../flag.ts";
import {
  type AuthFileFlagTable,
  authFileFlags,
  type RegistryFlagTable,
  readImageAccess,
  registryFlags,
} from "../flags/image-flags.ts";
import { createEnvironment } from "../session.ts";

type Flags = AuthFileFlagTable & RegistryFlagTable & FlagTableOf<{ json: "boolean" }>;

export const command: Command = defineCommand<Flags>({
  name: "config",
  synopsis: "check IMAGE",
  summary: "Show what the configuration makes of an image's name",
  description:
    "For an image it tells what would be used, and which file or variable says so: the name in full, mirrors and rewriting, credentials (never the secret), certificates, the proxy, the place of signatures and the trust policy. No registry is asked; credential helpers and clouds are. A name without a transport is one of a registry. The exit code is 1 if a part of the configuration cannot be used.",
  examples: [
    { purpose: "why a pull goes where it goes", command: "config check docker://docker.io/library/busybox" },
    { purpose: "the same for scripts", command: "config check --json registry.example.com/app:1" },
  ],
  flags: {
    ...authFileFlags,
    ...registryFlags,
    json: { kind: "boolean", group: "Output", summary: "print one JSON object" },
  },
  helpOnMisuse: true,
  run,
});

/** All that is known of an image's name. */
export interface ConfigurationReport {
  /** With its transport. */
  readonly image: string;
  /** Undefined for images that are in no registry. */
  readonly registry: RegistryReport | undefined;
  /** Where its signatures are read and written, by registries.d. */
  readonly signatures: SignaturesReport | undefined;
  readonly policy: PolicyReport;
}

export type SignaturesReport = StorageChoice | { readonly problem: string };

export type PolicyReport =
  | {
      /** Undefined where no policy is read, and every image accepted. */
      readonly file: string | undefined;
      /** The part of the policy that decides, in words. */
      readonly section: string;
      readonly requirements: readonly PolicyRequirement[];
      readonly requireSigned: boolean;
    }
  | { readonly problem: string };

async function run(invocation: Invocation<Flags>): Promise<void> {
  const { flags, stdout } = invocation;
  const [action, typed, ...others] = invocation.arguments;
  if (action !== "check" || typed === undefined || others.length > 0) {
    throw new UsageError('Expected "config check IMAGE"');
  }
  const report = await reportConfiguration(typed, invocation);
  if (flags.json) stdout.write(`${JSON.stringify(report, withoutBytes, 2)}\n`);
  else stdout.write((await import("../render/configuration.ts")).configurationText(report));
  const problems = problemsIn(report);
  if (problems.length > 0) {
    const parts = problems.length === 1 ? "one part" : `${problems.length} parts`;
    throw new ImageError("CONFIG_INVALID", `${parts} of the configuration cannot be used: ${problems[0]}`);
  }
}

async function reportConfiguration(
  typed: string,
  invocation: Invocation<Flags>,
): Promise<ConfigurationReport> {
  const { flags, globals, signal } = invocation;
  const access = readImageAccess(flags, globals);
  const environment = createEnvironment(invocation);
  const name = hasTransport(typed) ? typed : `docker://${typed}`;
  const reference = await environment.parseImageName(name, access);
  const { dockerName } = reference;
  const isInRegistry = reference.transport.name === "docker" && dockerName !== undefined;
  const image = {
    name: dockerName ?? { registry: "", repository: "" },
    typed: name.replace("docker://", ""),
  };
  return {
    image: `${reference.transport.name}:${reference.text}`,
    registry: isInRegistry ? await environment.reportConfiguration(image, access, { signal }) : undefined,
    signatures: isInRegistry ? await reportSignatures(dockerName, invocation) : undefined,
    policy: await reportPolicy(reference, invocation),
  };
}

async function reportSignatures(name: DockerName, { globals }: Invocation<Flags>): Promise<SignaturesReport> {
  const { chooseSignatureStorage, readSignatureStorage } = await import("../../config/signature-storage.ts");
  const environment = hostEnvironment();
  try {
    const storage = await readSignatureStorage(environment, globals.signatureStorageDirectory);
    return chooseSignatureStorage(storage, name, environment);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    return { problem: error.message };
  }
}

function hasTransport(typed: string): boolean {
  return /^(docker:\/\/|(dir|oci|oci-archive|docker-archive|docker-daemon|tarball):)/.test(typed);
}

async function reportPolicy(
  reference: ImageReference,
  { globals }: Invocation<Flags>,
): Promise<PolicyReport> {
  const { chooseRequirements, loadPolicy } = await import("../../policy/policy.ts");
  try {
    const inForce = await loadPolicy({
      environment: hostEnvironment(),
      file: globals.policyPath,
      insecurePolicy: globals.insecurePolicy,
      requireSigned: globals.requireSigned,
    });
    const { requirements, section } = chooseRequirements(inForce.policy, reference);
    return { file: inForce.path, section, requirements, requireSigned: inForce.requireSigned };
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    return { problem: error.message };
  }
}

/** The texts of all parts of a report that could not be read. */
function problemsIn(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  if ("problem" in value && typeof value.problem === "string") return [value.problem];
  return [...new Set(Object.values(value).flatMap(problemsIn))];
}

/** Keys that stand in a policy are as long as they are dull. */
function withoutBytes(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? `${value.length} bytes` : value;
}
