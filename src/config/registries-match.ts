import { type DockerName, formatDockerName, parseDockerName, repositoryName } from "../core/docker-name.ts";
import { ImageError, withContext } from "../core/errors.ts";
import type { RegistriesConf } from "./registries-conf.ts";
import type { Mirror, Registry } from "./registries-conf-rules.ts";

/** A place that an image may be read from. */
export interface RegistryEndpoint {
  /** The name to ask for there. */
  readonly name: DockerName;
  /** Whether TLS is not verified there and plain HTTP allowed, unless the user says otherwise. */
  readonly insecure: boolean;
  /** Whether it stands in for the registry that was named. */
  readonly mirror: boolean;
}

/** An endpoint that must not be contacted, and why. */
export interface BlockedEndpoint {
  readonly name: DockerName;
  readonly mirror: boolean;
  readonly message: string;
}

/** Where to look for an image. */
export interface EndpointChoice {
  /** To be tried in order: mirrors, then the registry itself. None of them is blocked. */
  readonly endpoints: readonly RegistryEndpoint[];
  /** What was left out, in the same order, for the error when nothing else works. */
  readonly refused: readonly BlockedEndpoint[];
  /** Set when no endpoint is left: why the registry itself must not be contacted. */
  readonly blocked?: string | undefined;
}

/** What applies to writing to a registry or deleting from it: mirrors and rewriting do not. */
export interface RegistryLookup {
  readonly insecure: boolean;
  readonly blockedMessage?: string | undefined;
}

/**
 * The endpoints to read `name` from. A mirror or a location may itself lie in a blocked registry; then it is left
 * out, while a blocked registry with usable mirrors is still read through them.
 * Registry-and-config reference 12.3.
 * @throws {ImageError} INVALID_REFERENCE when the name with its prefix replaced is no image name
 */
export function resolveEndpoints(conf: RegistriesConf, name: DockerName): EndpointChoice {
  const match = findRegistry(conf, name);
  const endpoints =
    match === undefined ? [{ name, insecure: false, mirror: false }] : listEndpoints(match, name);
  const checked = endpoints.map((endpoint) => ({
    endpoint,
    message: lookupRegistry(conf, endpoint.name).blockedMessage,
  }));
  const usable = checked.flatMap(({ endpoint, message }) => (message === undefined ? [endpoint] : []));
  const refused = checked.flatMap(({ endpoint, message }) =>
    message === undefined ? [] : [{ name: endpoint.name, mirror: endpoint.mirror, message }],
  );
  const blocked = usable.length === 0 ? refused.at(-1)?.message : undefined;
  return { endpoints: usable, refused, blocked };
}

/** The table that applies to a name. */
export function findTable(conf: RegistriesConf, name: DockerName): Registry | undefined {
  return findRegistry(conf, name)?.registry;
}

/** What applies to a name as it stands. Registry-and-config reference 12.3. */
export function lookupRegistry(conf: RegistriesConf, name: DockerName): RegistryLookup {
  const registry = findTable(conf, name);
  if (registry === undefined) return { insecure: false };
  return {
    insecure: registry.insecure,
    blockedMessage: registry.blocked ? `registry ${registry.prefix} is blocked in ${conf.origin}` : undefined,
  };
}

/** The table that applies, and how many characters of the name its prefix covers. */
interface RegistryMatch {
  readonly registry: Registry;
  readonly length: number;
}

/** The longest prefix decides, and of equally long ones the first. Tags and digests take no part. */
function findRegistry(conf: RegistriesConf, name: DockerName): RegistryMatch | undefined {
  const text = repositoryName(name);
  let best: RegistryMatch | undefined;
  for (const registry of conf.registries) {
    const length = matchPrefix(registry.prefix, text);
    if (length === undefined || registry.prefix.length <= (best?.registry.prefix.length ?? 0)) continue;
    best = { registry, length };
  }
  return best;
}

/** How many characters of `text` the prefix covers; undefined when it does not match. */
function matchPrefix(prefix: string, text: string): number | undefined {
  if (prefix.startsWith("*.")) return matchWildcard(prefix.slice(1), text);
  if (!text.startsWith(prefix)) return undefined;
  return text.length === prefix.length || "/:@".includes(text.charAt(prefix.length))
    ? prefix.length
    : undefined;
}

/** A wildcard covers the host, without its port. */
function matchWildcard(suffix: string, text: string): number | undefined {
  const host = /^[^/:]*/.exec(text)?.[0] ?? "";
  return host.endsWith(suffix) && host.length > suffix.length ? host.length : undefined;
}

function listEndpoints(match: RegistryMatch, name: DockerName): readonly RegistryEndpoint[] {
  const { registry } = match;
  const mirrors = registry.mirrors.filter((mirror) => mayPull(mirror, name));
  return [
    ...mirrors.map((mirror) => ({ ...mirror, mirror: true })),
    { location: registry.location, insecure: registry.insecure, mirror: false },
  ].map(({ location, insecure, mirror }) => ({
    name: relocate(name, match.length, location),
    insecure,
    mirror,
  }));
}

function mayPull(mirror: Mirror, name: DockerName): boolean {
  if (mirror.pull === "all") return true;
  return (mirror.pull === "digest-only") === (name.digest !== undefined);
}

function relocate(name: DockerName, length: number, location: string): DockerName {
  if (location === "") return name;
  const text = `${location}${formatDockerName(name).slice(length)}`;
  try {
    const relocated = parseDockerName(text);
    if (formatDockerName(relocated) === text) return relocated;
  } catch (error) {
    throw withContext("rewriting reference", error);
  }
  throw new ImageError("INVALID_REFERENCE", "rewriting reference: repository name must be canonical");
}
