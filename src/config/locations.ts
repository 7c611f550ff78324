import { posix, win32 } from "node:path";

/** What decides where configuration is found. Injected, so that nothing else reads the process's surroundings. */
export interface Environment {
  /** Variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The home directory of the user. */
  readonly home: string;
  /** As `process.platform` names it. */
  readonly platform: NodeJS.Platform;
  /** The numeric user id; 0 where the system has none. */
  readonly uid: number;
}

/** The environment of this process. */
export function hostEnvironment(): Environment {
  return {
    env: process.env,
    home: homeDirectory(process.env),
    platform: process.platform,
    uid: process.getuid?.() ?? 0,
  };
}

/** The user database is asked only where the environment does not tell, because `node:os` costs start-up time. */
function homeDirectory(env: NodeJS.ProcessEnv): string {
  const told = process.platform === "win32" ? env.USERPROFILE : env.HOME;
  if (told) return told;
  try {
    return process.getBuiltinModule("node:os").userInfo().homedir;
  } catch {
    // A user without an entry, as containers often have, has no files of their own.
    return "/";
  }
}

/** A file with credentials. */
export interface AuthFileLocation {
  readonly path: string;
  /** `.dockercfg`, which is one map from registry to entry. */
  readonly legacy: boolean;
}

/**
 * The credential files to read, in order. The one below $XDG_RUNTIME_DIR is left out where that directory does not
 * exist. Registry-and-config reference 11.2.
 */
export function authFileLocations(
  environment: Environment,
  hasRuntimeDirectory: boolean,
): readonly AuthFileLocation[] {
  const { env, home } = environment;
  const join = pathJoiner(environment);
  const configDirectory = env.XDG_CONFIG_HOME || join(home, ".config");
  const paths = new Set([
    ...(hasRuntimeDirectory ? [defaultAuthFile(environment)] : []),
    join(configDirectory, "containers", "auth.json"),
    join(env.DOCKER_CONFIG || join(home, ".docker"), "config.json"),
  ]);
  return [
    ...[...paths].map((path) => ({ path, legacy: false })),
    { path: join(home, ".dockercfg"), legacy: true },
  ];
}

/** Where credentials are written, and looked for first. Registry-and-config reference 14. */
export function defaultAuthFile(environment: Environment): string {
  const { env, home, uid } = environment;
  const join = pathJoiner(environment);
  if (environment.platform !== "linux") return join(home, ".config", "containers", "auth.json");
  const directory = env.XDG_RUNTIME_DIR;
  return directory ? join(directory, "containers", "auth.json") : `/run/containers/${uid}/auth.json`;
}

/** The directory below which $XDG_RUNTIME_DIR puts credentials, where the variable counts. */
export function runtimeDirectory(environment: Environment): string | undefined {
  return environment.platform === "linux" ? environment.env.XDG_RUNTIME_DIR || undefined : undefined;
}

/** The trust policies: the first that exists is the whole policy. Signing reference 1.1. */
export function policyFileLocations(environment: Environment): readonly string[] {
  return bothLevels(environment, "policy.json");
}

/** The main registries files: the first that exists is used. Registry-and-config reference 12.1. */
export function registriesConfLocations(environment: Environment): readonly [user: string, system: string] {
  return bothLevels(environment, "registries.conf");
}

/** The directories of registries drop-ins; with the user's main file only the first counts. */
export function registriesDropInLocations(environment: Environment): readonly [user: string, system: string] {
  return bothLevels(environment, "registries.conf.d");
}

/** The directories that say where signatures are: the first that exists is used. Registry-and-config reference 13. */
export function signatureStorageLocations(environment: Environment): readonly [user: string, system: string] {
  return bothLevels(environment, "registries.d");
}

/** The certificate directories of a registry, `host[:port]`: the first that exists is used. Reference 2.1. */
export function certificateLocations(environment: Environment, registry: string): readonly string[] {
  const join = pathJoiner(environment);
  const [user, system] = bothLevels(environment, "certs.d");
  const docker = join(systemDirectory(environment), "docker", "certs.d");
  return [user, system, docker].map((directory) => join(directory, registry));
}

/** Where facts are kept that may be lost at any time. XDG Base Directory specification, and its likes elsewhere. */
export function cacheDirectory(environment: Environment): string {
  const { env, home, platform } = environment;
  const join = pathJoiner(environment);
  if (platform === "win32")
    return join(env.LOCALAPPDATA || join(home, "AppData", "Local"), "skopeo", "cache");
  if (platform === "darwin") return join(home, "Library", "Caches", "skopeo");
  return join(env.XDG_CACHE_HOME || join(home, ".cache"), "skopeo");
}

function bothLevels(environment: Environment, name: string): [user: string, system: string] {
  const join = pathJoiner(environment);
  return [
    join(environment.home, ".config", "containers", name),
    join(systemDirectory(environment), "containers", name),
  ];
}

function systemDirectory(environment: Environment): string {
  return environment.platform === "freebsd" ? "/usr/local/etc" : "/etc";
}

function pathJoiner(environment: Environment): (...parts: string[]) => string {
  return environment.platform === "win32" ? win32.join : posix.join;
}
