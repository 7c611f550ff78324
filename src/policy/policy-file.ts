import { readOptionalFile, readRequiredFile } from "../config/configuration-file.ts";
import { type Environment, policyFileLocations } from "../config/locations.ts";
import { ImageError, inContext, withContext } from "../core/errors.ts";
import { parseStrictJson } from "../core/strict-json.ts";
import { invalid, readMembers, readObject } from "./json-members.ts";
import { isPossibleScope } from "./policy-scopes.ts";
import { type PolicyRequirement, parseRequirement } from "./requirement.ts";

/** Which requirements images must meet. Signing reference 1.2. */
export interface TrustPolicy {
  /** For images that no scope covers; never empty. */
  readonly default: readonly PolicyRequirement[];
  /** By the name of a transport, then by scope; "" covers the whole transport. The lists are never empty. */
  readonly transports: ReadonlyMap<string, ReadonlyMap<string, readonly PolicyRequirement[]>>;
  /** The line of the file, from 1, where a requirement begins. */
  readonly lines: WeakMap<object, number>;
}

type Lines = WeakMap<object, number>;

export interface PolicyFileOptions {
  readonly environment: Environment;
  /** The only file to read, which must exist; "" counts as not given. */
  readonly file?: string | undefined;
}

/** A policy, and the file that it was read from. */
export interface LoadedPolicy {
  readonly policy: TrustPolicy;
  readonly path: string;
}

/**
 * Reads the first policy file that exists; undefined when there is none. Signing reference 1.1.
 * @throws {ImageError} CONFIG_INVALID
 */
export async function readPolicyFile(options: PolicyFileOptions): Promise<LoadedPolicy | undefined> {
  return inContext("Error loading trust policy", async () => {
    const { environment, file: explicit } = options;
    if (explicit) return load(explicit, await readRequiredFile(explicit));
    for (const path of policyFileLocations(environment)) {
      const bytes = await readOptionalFile(path);
      if (bytes !== undefined) return load(path, bytes);
    }
    return undefined;
  });
}

/** The error for the want of any policy file, naming those that were looked for. */
export function missingPolicyFile(environment: Environment): ImageError {
  const paths = policyFileLocations(environment).map((path) => JSON.stringify(path));
  return new ImageError(
    "CONFIG_INVALID",
    `Error loading trust policy: no policy.json file found at any of the following: ${paths.join(", ")}`,
  );
}

function load(path: string, bytes: Uint8Array): LoadedPolicy {
  try {
    return { policy: parsePolicy(bytes), path };
  } catch (error) {
    throw withContext(`invalid policy in ${JSON.stringify(path)}`, error);
  }
}

/**
 * Parses a policy as a whole and strictly: what is not understood cannot be enforced. Signing reference 1.2.
 * @throws {ImageError} CONFIG_INVALID
 */
export function parsePolicy(bytes: Uint8Array): TrustPolicy {
  const lines: Lines = new WeakMap();
  const members = readMembers(parseStrictJson(bytes, { lines }), ["default", "transports"]);
  const transports = members.has("transports") ? readObject(members.value("transports")) : {};
  const policy: TrustPolicy = {
    default: members.has("default") ? parseRequirements(members.value("default"), lines) : [],
    transports: new Map(
      Object.entries(transports).map(([transport, scopes]) => [
        transport,
        parseScopes(transport, scopes, lines),
      ]),
    ),
    lines,
  };
  if (!members.has("default")) throw invalid("Default policy is missing");
  return policy;
}

function parseScopes(
  transport: string,
  value: unknown,
  lines: Lines,
): ReadonlyMap<string, readonly PolicyRequirement[]> {
  const scopes = Object.entries(readObject(value)).map(
    ([scope, requirements]): [string, readonly PolicyRequirement[]] => {
      if (scope !== "" && !isPossibleScope(transport, scope)) {
        const error = invalid(`Unknown key ${JSON.stringify(scope)}`);
        throw atLine(error, isObject(requirements) ? lines.get(requirements) : undefined);
      }
      return [scope, parseRequirements(requirements, lines)];
    },
  );
  return new Map(scopes);
}

function parseRequirements(value: unknown, lines: Lines): readonly PolicyRequirement[] {
  const list = value ?? [];
  if (!Array.isArray(list)) throw invalid(`JSON array of policy requirements expected, got ${typeof list}`);
  if (list.length === 0) throw invalid("List of verification policy requirements must not be empty");
  return list.map((element: unknown) => {
    const line = isObject(element) ? lines.get(element) : undefined;
    try {
      const requirement = parseRequirement(element);
      if (line !== undefined) lines.set(requirement, line);
      return requirement;
    } catch (error) {
      throw atLine(error, line);
    }
  });
}

/** Tells where the object begins that has a fault. */
function atLine(error: unknown, line: number | undefined): unknown {
  if (line === undefined || !(error instanceof ImageError)) return error;
  return new ImageError(error.code, `${error.message} (line ${line})`, { cause: error });
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
