import { stat } from "node:fs/promises";
import type { OperationOptions } from "../core/byte-stream.ts";
import { type Credentials, isEmptyCredentials } from "../core/credentials.ts";
import { errorMessage, ImageError, inContext, isAbort } from "../core/errors.ts";
import { type AuthFile, type CredentialTarget, findEntry, parseAuthFile } from "./auth-file-entries.ts";
import { readOptionalFile } from "./configuration-file.ts";
import { getFromHelper } from "./credential-helper.ts";
import type { ConfigurationListener } from "./listener.ts";
import { type AuthFileLocation, authFileLocations, type Environment, runtimeDirectory } from "./locations.ts";

/** The name in `credential-helpers` that stands for the credential files. */
export const AUTH_FILES_HELPER = "containers-auth.json";

export interface CredentialOptions extends OperationOptions, ConfigurationListener {
  readonly environment: Environment;
  /**
   * The only file to read. Undefined means the one of $REGISTRY_AUTH_FILE, or else the usual files; "" means the
   * usual files in any case.
   */
  readonly explicitFile?: string | undefined;
  /** The `credential-helpers` of registries.conf, asked in order; without it the files alone. */
  readonly helpers?: readonly string[] | undefined;
  /** What begins an error; the words of a command that reaches a registry by default. */
  readonly context?: string | undefined;
  /** How long a helper may take, in milliseconds. */
  readonly helperTimeout?: number | undefined;
}

/** Credentials, and the file and key, or the helper, that had them. */
export interface FoundCredentials {
  readonly credentials: Credentials;
  readonly source: string;
}

/**
 * The stored credentials for a registry, or for a repository in it where the files have more specific ones.
 * The first helper that knows some wins; the failure of one counts only if no other knows any.
 * Registry-and-config reference 11.1 and 11.2.
 * @throws {ImageError} CONFIG_INVALID for an unusable file, UNAUTHORIZED for a helper that fails
 */
export async function findCredentials(
  options: CredentialOptions,
  target: CredentialTarget,
): Promise<FoundCredentials | undefined> {
  return inContext(options.context ?? "getting username and password", () => askAll(options, target));
}

async function askAll(
  options: CredentialOptions,
  target: CredentialTarget,
): Promise<FoundCredentials | undefined> {
  const failures: unknown[] = [];
  for (const helper of options.helpers ?? [AUTH_FILES_HELPER]) {
    try {
      const found = await (helper === AUTH_FILES_HELPER
        ? findInFiles(options, target)
        : askHelper(helper, options, target.registry));
      if (found !== undefined) return found;
    } catch (error) {
      if (isAbort(error) || options.signal?.aborted) throw error;
      failures.push(error);
    }
  }
  if (failures.length > 0) throw joinFailures(failures);
  options.debug?.(`No credentials for ${describeTarget(target)} found`);
  return undefined;
}

async function askHelper(
  name: string,
  options: CredentialOptions,
  registry: string,
): Promise<FoundCredentials | undefined> {
  const { environment, signal, helperTimeout } = options;
  const credentials = await getFromHelper(name, registry, { environment, signal, timeout: helperTimeout });
  if (credentials === undefined || isEmptyCredentials(credentials)) {
    options.debug?.(`No credentials for ${registry} in credential helper ${name}`);
    return undefined;
  }
  options.debug?.(`Found credentials for ${registry} in credential helper ${name}`);
  return { credentials, source: `docker-credential-${name}` };
}

async function findInFiles(
  options: CredentialOptions,
  target: CredentialTarget,
): Promise<FoundCredentials | undefined> {
  for (const location of await locateFiles(options)) {
    const bytes = await readFile(location.path);
    if (bytes !== undefined) {
      const found = await findInFile(parseAuthFile(bytes, location), options, target);
      if (found !== undefined) return found;
    }
    options.debug?.(`No credentials matching ${describeTarget(target)} found in ${location.path}`);
  }
  return undefined;
}

function readFile(path: string): Promise<Uint8Array | undefined> {
  return inContext(`reading JSON file "${path}"`, () => readOptionalFile(path));
}

/** A helper that the file names for a registry has the final word on it, as far as this file goes. */
async function findInFile(
  file: AuthFile,
  options: CredentialOptions,
  target: CredentialTarget,
): Promise<FoundCredentials | undefined> {
  const helper = file.helpers.get(target.registry);
  if (helper !== undefined) return askHelper(helper, options, target.registry);
  const entry = findEntry(file, target, options);
  if (entry?.credentials === undefined || isEmptyCredentials(entry.credentials)) {
    return file.store === "" ? undefined : await askStore(file.store, options, target.registry);
  }
  const source = `"${entry.key}" in ${file.location.path}`;
  options.debug?.(`Found credentials for ${describeTarget(target)} under ${source}`);
  await warnOfReaders(file.location.path, options);
  return { credentials: entry.credentials, source };
}

/** Permission bits of those who are neither the owner nor in the file's group. */
const OTHERS_MAY_READ = 0o004;
/** Files that were warned of: one line is enough for a process. */
const warnedOf = new Set<string>();

/** A file with passwords that every user of the machine may read most likely got its mode by mistake. */
async function warnOfReaders(path: string, { environment, warning }: CredentialOptions): Promise<void> {
  if (warning === undefined || environment.platform === "win32" || warnedOf.has(path)) return;
  const { mode } = await stat(path);
  if ((mode & OTHERS_MAY_READ) === 0) return;
  warnedOf.add(path);
  warning(
    `The credentials in ${path} can be read by every user of this machine: chmod 600 keeps them to yourself`,
  );
}

/** The store of the docker command holds Docker Hub's login by its old URL. */
const DOCKER_HUB_SERVER = "https://index.docker.io/v1/";

/**
 * What the docker command keeps in its credential store. skopeo does not look there, so that a store which can't be asked is
 * no failure.
 */
async function askStore(
  name: string,
  options: CredentialOptions,
  registry: string,
): Promise<FoundCredentials | undefined> {
  try {
    return await askHelper(name, options, registry === "docker.io" ? DOCKER_HUB_SERVER : registry);
  } catch (error) {
    if (isAbort(error) || options.signal?.aborted) throw error;
    options.debug?.(`The credential store ${name} can't be asked: ${errorMessage(error)}`);
    return undefined;
  }
}

async function locateFiles(options: CredentialOptions): Promise<readonly AuthFileLocation[]> {
  const { environment } = options;
  const explicit = options.explicitFile ?? environment.env.REGISTRY_AUTH_FILE;
  if (explicit) return [{ path: explicit, legacy: false }];
  return authFileLocations(environment, await hasRuntimeDirectory(options));
}

async function hasRuntimeDirectory(options: CredentialOptions): Promise<boolean> {
  const directory = runtimeDirectory(options.environment);
  if (directory === undefined) return true;
  try {
    await stat(directory);
    return true;
  } catch (error) {
    options.warning?.(
      `"${directory}" directory set by $XDG_RUNTIME_DIR does not exist. Either create the directory or unset ` +
        `$XDG_RUNTIME_DIR.: ${errorMessage(error)}: Trying to pull image in the event that it is a public image.`,
    );
    return false;
  }
}

function describeTarget(target: CredentialTarget): string {
  return target.repository ? `${target.registry}/${target.repository}` : target.registry;
}

function joinFailures(failures: readonly unknown[]): unknown {
  const [first] = failures;
  if (failures.length === 1) return first;
  const list = failures.map((failure) => `\n\t* ${errorMessage(failure)}`).join("");
  const code = first instanceof ImageError ? first.code : "CONFIG_INVALID";
  return new ImageError(code, `errors looking up credentials:${list}\n`, { cause: first });
}
