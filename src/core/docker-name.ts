import { type Digest, parseDigest } from "./digest.ts";
import { ImageError } from "./errors.ts";

/**
 * A docker-style image name, normalised: `docker.io/library/busybox:latest`.
 * `registry` is a host with an optional port, `repository` the path below it.
 */
export interface DockerName {
  /** A host with an optional port: `docker.io`, `localhost:5000`. */
  readonly registry: string;
  /** The path below the registry: `library/busybox`. */
  readonly repository: string;
  /** Without the colon. A name may have both a tag and a digest. */
  readonly tag?: string | undefined;
  /** What the name is pinned to. */
  readonly digest?: Digest | undefined;
}

const COMPONENT = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const LABEL = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const IPV6_LITERAL = "\\[[a-fA-F0-9]*:[a-fA-F0-9:]+\\]";
const DOMAIN = `(?:${LABEL}(?:\\.${LABEL})*|${IPV6_LITERAL})(?::[0-9]+)?`;
const NAME = new RegExp(`^(?:(${DOMAIN})/)(${COMPONENT}(?:/${COMPONENT})*)$`);
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const DIGEST_SHAPE = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;
const MAX_NAME_LENGTH = 255;
const DEFAULT_REGISTRY = "docker.io";

/**
 * Parses and normalises a name with an optional tag and digest; neither is added where it is missing.
 * @throws {ImageError} INVALID_REFERENCE
 */
export function parseDockerName(text: string): DockerName {
  if (/^[0-9a-f]{64}$/.test(text)) {
    throw invalid(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  }
  const { name, tag, digest } = splitReference(text);
  const { registry, repository } = splitRegistry(name);
  if (repository.toLowerCase() !== repository) {
    throw invalid("invalid reference format: repository name must be lowercase");
  }
  if (!NAME.test(`${registry}/${repository}`)) throw invalid("invalid reference format");
  if (registry.length + repository.length + 1 > MAX_NAME_LENGTH) {
    throw invalid(`repository name must not be more than ${MAX_NAME_LENGTH} characters`);
  }
  return { registry, repository, tag, digest };
}

/** The name with tag `latest` where it has neither tag nor digest. */
export function withDefaultTag(name: DockerName): DockerName {
  return name.tag === undefined && name.digest === undefined ? { ...name, tag: "latest" } : name;
}

/** Whether a text may be a tag. Distribution spec 1.1, "Pulling manifests". */
export function isValidTag(tag: string): boolean {
  return TAG.test(tag);
}

/** `host/repository`, without tag and digest. */
export function repositoryName(name: DockerName): string {
  return `${name.registry}/${name.repository}`;
}

/** The name in full, as `parseDockerName` reads it. */
export function formatDockerName(name: DockerName): string {
  return `${repositoryName(name)}${suffix(name)}`;
}

/** The short form people type: without `docker.io/`, and without `library/` before a single component. */
export function formatFamiliarName(name: DockerName): string {
  if (name.registry !== DEFAULT_REGISTRY) return formatDockerName(name);
  const path = name.repository.replace(/^library\/(?=[^/]+$)/, "");
  return `${path}${suffix(name)}`;
}

/** Scopes of a trust policy that hold for an image, most specific first: the image, its repository, parents, host, domains. */
export function dockerPolicyScopes(name: DockerName): readonly string[] {
  const scopes: string[] = [];
  if (name.tag !== undefined || name.digest !== undefined) scopes.push(formatDockerName(name));
  for (let scope = repositoryName(name); ; scope = scope.slice(0, scope.lastIndexOf("/"))) {
    scopes.push(scope);
    if (!scope.includes("/")) break;
  }
  const host = name.registry.replace(/:\d+$/, "");
  for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1))
    scopes.push(`*${host.slice(dot)}`);
  return scopes;
}

function suffix(name: DockerName): string {
  const tag = name.tag === undefined ? "" : `:${name.tag}`;
  return name.digest === undefined ? tag : `${tag}@${name.digest}`;
}

function splitReference(text: string): { name: string; tag?: string; digest?: Digest } {
  const at = text.indexOf("@");
  const digestText = at < 0 ? undefined : text.slice(at + 1);
  const beforeDigest = at < 0 ? text : text.slice(0, at);
  const colon = beforeDigest.indexOf(":", beforeDigest.lastIndexOf("/") + 1);
  const tag = colon < 0 ? undefined : beforeDigest.slice(colon + 1);
  const name = colon < 0 ? beforeDigest : beforeDigest.slice(0, colon);
  if (name === "" || (tag !== undefined && !TAG.test(tag))) throw invalid("invalid reference format");
  if (digestText !== undefined && !DIGEST_SHAPE.test(digestText)) throw invalid("invalid reference format");
  return {
    name,
    ...(tag === undefined ? {} : { tag }),
    ...(digestText === undefined ? {} : { digest: parseNameDigest(digestText) }),
  };
}

function parseNameDigest(text: string): Digest {
  try {
    return parseDigest(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^digest "[^"]*": /, "") : String(error);
    throw invalid(reason);
  }
}

function splitRegistry(name: string): { registry: string; repository: string } {
  const slash = name.indexOf("/");
  const first = name.slice(0, slash);
  const isRegistry = slash > 0 && (/[.:]/.test(first) || first === "localhost");
  const registry = !isRegistry || first === "index.docker.io" ? DEFAULT_REGISTRY : first;
  const rest = isRegistry ? name.slice(slash + 1) : name;
  const repository = registry === DEFAULT_REGISTRY && !rest.includes("/") ? `library/${rest}` : rest;
  return { registry, repository };
}

function invalid(message: string): ImageError {
  return new ImageError("INVALID_REFERENCE", message);
}
