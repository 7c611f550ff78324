import { type DockerName, parseDockerName } from "../core/docker-name.ts";
import { errorMessage, ImageError, withContext } from "../core/errors.ts";

/**
 * Checks the `[aliases]` of one file: short names without registry, to full repository names. "" takes an alias of an
 * earlier file away. Registry-and-config reference 12.2.
 * @throws {ImageError} CONFIG_INVALID
 */
export function checkAliases(aliases: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  try {
    for (const [shortName, target] of Object.entries(aliases)) {
      checkShortName(shortName);
      if (target !== "") checkTarget(target);
    }
  } catch (error) {
    throw withContext("validating short-name aliases", error);
  }
  return new Map(Object.entries(aliases));
}

function checkShortName(shortName: string): void {
  const name = parseName(shortName, `cannot parse short name: "${shortName}"`);
  const problem = hasRegistry(shortName) ? "registry" : extra(name);
  if (problem !== undefined) throw invalid(`invalid short name "${shortName}": must not contain ${problem}`);
}

function checkTarget(target: string): void {
  const name = parseName(target, `parsing alias "${target}"`);
  if (!hasRegistry(target)) throw invalid(`invalid alias "${target}": must contain registry and repository`);
  const problem = extra(name);
  if (problem !== undefined) throw invalid(`invalid alias "${target}": must not contain ${problem}`);
}

function parseName(text: string, context: string): DockerName {
  if (text === "") throw invalid(`${context}: repository name must have at least one component`);
  try {
    return parseDockerName(text);
  } catch (error) {
    const reason = errorMessage(error).replace(/^invalid reference format: /, "");
    throw new ImageError("CONFIG_INVALID", `${context}: ${reason}`, { cause: error });
  }
}

/** As for image names: what stands before the first slash is a registry if it looks like a host. */
function hasRegistry(text: string): boolean {
  const slash = text.indexOf("/");
  return slash > 0 && /[.:]|^localhost$/.test(text.slice(0, slash));
}

function extra(name: DockerName): string | undefined {
  if (name.digest !== undefined) return "digest";
  return name.tag === undefined ? undefined : "tag";
}

function invalid(message: string): ImageError {
  return new ImageError("CONFIG_INVALID", message);
}
