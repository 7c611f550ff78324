import { type Digest, digestAlgorithm, isDigest } from "../../core/digest.ts";
import {
  type DockerName,
  dockerPolicyScopes,
  formatFamiliarName,
  parseDockerName,
  repositoryName,
} from "../../core/docker-name.ts";
import { ImageError } from "../../core/errors.ts";

/** An image of a daemon: by a name that has a tag or a digest, but not both, or by its ID, which is sha256. */
export type DaemonReference =
  | { readonly kind: "name"; readonly name: DockerName }
  | { readonly kind: "id"; readonly id: Digest };

/** A reference that an image can be stored under. */
export interface DaemonDestinationReference {
  readonly kind: "name";
  readonly name: DockerName & { readonly tag: string };
}

/** The repository that `sha256:HEX` would be in, if it were a name. */
const RESERVED_REPOSITORY = "docker.io/library/sha256";

/** Parses `NAME:TAG`, `NAME@DIGEST` or an image ID. transports.md 5.1. @throws {ImageError} INVALID_REFERENCE */
export function parseDaemonReference(text: string): DaemonReference {
  if (isDigest(text)) {
    if (digestAlgorithm(text) === "sha256") return { kind: "id", id: text };
    throw invalid(`Invalid docker-daemon: reference ${text}: only digest algorithm sha256 accepted`);
  }
  const name = parseDockerName(text);
  if (repositoryName(name) === RESERVED_REPOSITORY) {
    throw invalid(
      `Invalid docker-daemon: reference ${text}: The sha256 repository name is reserved for (non-shortened) digest references`,
    );
  }
  if (name.tag === undefined && name.digest === undefined) {
    throw invalid(`docker-daemon: reference ${formatFamiliarName(name)} has neither a tag nor a digest`);
  }
  if (name.tag !== undefined && name.digest !== undefined) {
    throw invalid("docker-daemon: references with both a tag and digest are currently not supported");
  }
  return { kind: "name", name };
}

/** The canonical text, which is also what the daemon knows the image by: a familiar name or an ID. */
export function formatDaemonReference(reference: DaemonReference): string {
  return reference.kind === "id" ? reference.id : formatFamiliarName(reference.name);
}

/** @throws {ImageError} INVALID_REFERENCE where no image can be stored: by digest or ID */
export function checkDaemonDestination(
  reference: DaemonReference,
): asserts reference is DaemonDestinationReference {
  if (reference.kind === "name" && reference.name.tag !== undefined) return;
  throw invalid(
    `Invalid destination docker-daemon:${formatDaemonReference(reference)}: a destination must be a name:tag`,
  );
}

/**
 * Scopes of a trust policy that hold for an image, most specific first: those of its name, as a registry's image would
 * have them. An image known by its ID has none. Signing reference 1.4.
 */
export function daemonPolicyScopes(reference: DaemonReference): readonly string[] {
  return reference.kind === "id" ? [] : dockerPolicyScopes(reference.name);
}

function invalid(message: string): ImageError {
  return new ImageError("INVALID_REFERENCE", message);
}
