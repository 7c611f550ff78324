import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseDockerName, repositoryName } from "../core/docker-name.ts";
import { errorMessage, ImageError } from "../core/errors.ts";
import { defaultAuthFile, type Environment, runtimeDirectory } from "./locations.ts";

/** A file that logins are written to. `docker` keeps everything else that the file of the docker command holds. */
export interface AuthFileTarget {
  readonly path: string;
  readonly format: "containers" | "docker";
  /** The user named it, as against one of the usual places. */
  readonly isExplicit: boolean;
}

/** The files that the user names. */
export interface AuthFileChoice {
  readonly authFile?: string | undefined;
  readonly compatAuthFile?: string | undefined;
}

/**
 * The one file that `login` and `logout` change. cli.md 7.3.
 * @throws {ImageError} CONFIG_INVALID when two are named, or the runtime directory does not exist
 */
export function chooseAuthFile(
  { authFile, compatAuthFile }: AuthFileChoice,
  environment: Environment,
): AuthFileTarget {
  if (authFile && compatAuthFile) {
    throw new ImageError(
      "CONFIG_INVALID",
      "options for paths to the credential file and to the Docker-compatible credential file can not be set simultaneously",
    );
  }
  const { REGISTRY_AUTH_FILE, DOCKER_CONFIG } = environment.env;
  if (authFile) return { path: authFile, format: "containers", isExplicit: true };
  if (compatAuthFile) return { path: compatAuthFile, format: "docker", isExplicit: true };
  if (REGISTRY_AUTH_FILE) return { path: REGISTRY_AUTH_FILE, format: "containers", isExplicit: true };
  if (DOCKER_CONFIG) return { path: join(DOCKER_CONFIG, "config.json"), format: "docker", isExplicit: false };
  checkRuntimeDirectory(environment);
  return { path: defaultAuthFile(environment), format: "containers", isExplicit: false };
}

function checkRuntimeDirectory(environment: Environment): void {
  const directory = runtimeDirectory(environment);
  if (directory === undefined || existsSync(directory)) return;
  throw new ImageError(
    "CONFIG_INVALID",
    `"${directory}" directory set by $XDG_RUNTIME_DIR does not exist. Either create the directory or unset ` +
      `$XDG_RUNTIME_DIR.: faccessat ${directory}: no such file or directory`,
  );
}

/** Whether this is the docker command's own file, which it would not find in another format. */
export function isDockerOwnFile(path: string, environment: Environment): boolean {
  return path === join(environment.home, ".docker", "config.json") && dirname(path) !== ".";
}

/** What a login is for. */
export interface LoginTarget {
  /** As it is stored: `host`, or `host/namespace`. */
  readonly key: string;
  /** `host[:port]` */
  readonly registry: string;
  /** The namespace or repository below it. */
  readonly repository: string | undefined;
}

/**
 * Reads the argument of `login` and `logout`. A URL counts for its host alone. cli.md 7.2.
 * @throws {ImageError} INVALID_REFERENCE
 */
export function parseLoginTarget(text: string): LoginTarget {
  const withoutScheme = text.replace(/^https?:\/\//, "");
  const isUrl = withoutScheme !== text;
  const key = isUrl ? withoutScheme.replace(/\/.*$/s, "") : withoutScheme;
  const slash = key.indexOf("/");
  if (slash < 0) return { key, registry: key, repository: undefined };
  checkNamespace(key);
  return { key, registry: key.slice(0, slash), repository: key.slice(slash + 1) };
}

function checkNamespace(key: string): void {
  const name = parseNamespace(key);
  if (name.tag === undefined && name.digest === undefined) return;
  const suffix = name.tag === undefined ? `@${name.digest}` : `:${name.tag}`;
  throw new ImageError(
    "INVALID_REFERENCE",
    `reference "${repositoryName(name)}${suffix}" contains tag or digest`,
  );
}

function parseNamespace(key: string): ReturnType<typeof parseDockerName> {
  try {
    return parseDockerName(key);
  } catch (error) {
    throw new ImageError("INVALID_REFERENCE", `parse reference from "${key}": ${errorMessage(error)}`, {
      cause: error,
    });
  }
}
