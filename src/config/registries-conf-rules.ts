import { ImageError } from "../core/errors.ts";
import { type RawMirror, type RawRegistry, withoutTrailingSlashes } from "./registries-conf-schema.ts";

/** How to reach the names that begin with `prefix`. */
export interface Registry {
  /** `host[:port][/path]`, or `*.domain` for all hosts below a domain. */
  readonly prefix: string;
  /** What takes the prefix's place; "" leaves a name as it is, for wildcards only. */
  readonly location: string;
  readonly insecure: boolean;
  /** Names that lead to here are refused. */
  readonly blocked: boolean;
  /** To be tried before `location`, in order. */
  readonly mirrors: readonly Mirror[];
}

export interface Mirror {
  readonly location: string;
  readonly insecure: boolean;
  /** For which names it may be used. */
  readonly pull: PullFromMirror;
}

export type PullFromMirror = "all" | "digest-only" | "tag-only";

/** What to do with a short name that no alias knows. */
export type ShortNameMode = "enforcing" | "permissive" | "disabled";

const LABEL = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const HOST = new RegExp(`^${LABEL}(?:\\.${LABEL})*(?::[0-9]+)?$`);

/**
 * The checked `[[registry]]` tables of one file. Of several with one prefix the first counts.
 * Registry-and-config reference 12.2.
 * @throws {ImageError} CONFIG_INVALID
 */
export function checkRegistries(tables: readonly RawRegistry[]): readonly Registry[] {
  const registries = tables.map(checkRegistry);
  checkAgreement(registries);
  const byPrefix = new Map(registries.toReversed().map((registry) => [registry.prefix, registry]));
  return [...byPrefix.values()];
}

/** @throws {ImageError} CONFIG_INVALID */
export function checkSearchRegistries(entries: readonly string[]): readonly string[] {
  return entries.map((entry) => {
    const registry = checkLocation(entry);
    if (!HOST.test(registry)) throw invalid(`Invalid unqualified-search-registries entry "${entry}"`);
    return registry;
  });
}

/** "" means that the file does not tell. @throws {ImageError} CONFIG_INVALID */
export function checkShortNameMode(mode: string): ShortNameMode | undefined {
  switch (mode) {
    case "":
      return undefined;
    case "enforcing":
    case "permissive":
    case "disabled":
      return mode;
    default:
      throw invalid(`invalid short-name mode: "${mode}"`);
  }
}

function checkRegistry(table: RawRegistry): Registry {
  const location = checkLocation(table.location);
  const prefix = checkPrefix(checkLocation(table.prefix), location);
  if (table["pull-from-mirror"] !== "") {
    throw invalid(`pull-from-mirror must not be set for a non-mirror registry "${prefix}"`);
  }
  const mirrors = table.mirror.map((mirror) => checkMirror(mirror, table, prefix));
  return { prefix, location, insecure: table.insecure, blocked: table.blocked, mirrors };
}

function checkPrefix(prefix: string, location: string): string {
  const isWildcard = prefix.startsWith("*.");
  if (prefix === "") {
    if (location === "") throw invalid("invalid condition: both location and prefix are unset");
    return location;
  }
  if (location === "" && !isWildcard) {
    throw invalid("invalid condition: location is unset and prefix is not in the format: *.example.com");
  }
  if (isWildcard && /[/@:]/.test(prefix)) {
    throw invalid(
      `Wildcarded prefix should be in the format: *.example.com. Current prefix "${prefix}" is incorrectly formatted`,
    );
  }
  return prefix;
}

function checkMirror(mirror: RawMirror, table: RawRegistry, prefix: string): Mirror {
  const location = checkLocation(mirror.location);
  if (location === "") throw invalid("invalid condition: mirror location is unset");
  const pull = mirror["pull-from-mirror"];
  const digestOnly = table["mirror-by-digest-only"];
  if (digestOnly && pull !== "") {
    throw invalid(
      `cannot set mirror usage mirror-by-digest-only for the registry ("${prefix}") and pull-from-mirror for ` +
        `per-mirror ("${location}") at the same time`,
    );
  }
  return {
    location,
    insecure: mirror.insecure,
    pull: digestOnly ? "digest-only" : checkPull(pull, location),
  };
}

function checkPull(pull: string, location: string): PullFromMirror {
  switch (pull) {
    case "":
      return "all";
    case "all":
    case "digest-only":
    case "tag-only":
      return pull;
    default:
      throw invalid(`unsupported pull-from-mirror value "${pull}" for mirror "${location}"`);
  }
}

function checkLocation(location: string): string {
  if (/^https?:\/\//.test(location)) {
    throw invalid(`invalid location '${location}': URI schemes are not supported`);
  }
  return withoutTrailingSlashes(location);
}

/** Tables for one location would contradict each other if they differed in what protects it. */
function checkAgreement(registries: readonly Registry[]): void {
  const first = new Map<string, Registry>();
  for (const registry of registries) {
    if (registry.location === "") continue;
    const other = first.get(registry.location) ?? registry;
    first.set(registry.location, other);
    for (const setting of ["insecure", "blocked"] as const) {
      if (other[setting] === registry[setting]) continue;
      throw invalid(
        `registry '${registry.location}' is defined multiple times with conflicting '${setting}' setting`,
      );
    }
  }
}

function invalid(message: string): ImageError {
  return new ImageError("CONFIG_INVALID", message);
}
