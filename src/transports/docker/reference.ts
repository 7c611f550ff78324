import {
  type DockerName,
  formatDockerName,
  parseDockerName,
  withDefaultTag,
} from "../../core/docker-name.ts";
import { ImageError } from "../../core/errors.ts";

/** Stands for "push by digest only, and make no tag". */
const UNKNOWN_DIGEST = "@@unknown-digest@@";

/** What `docker://` was followed by. */
export interface DockerLocation {
  readonly name: DockerName;
  /** The image has neither tag nor digest: it can be written under its own digest, and not be read. */
  readonly hasUnknownDigest: boolean;
}

/** Parses `//name[:tag|@digest]`. @throws {ImageError} INVALID_REFERENCE */
export function parseDockerLocation(text: string): DockerLocation {
  if (!text.startsWith("//")) {
    throw new ImageError("INVALID_REFERENCE", `docker: image reference ${text} does not start with //`);
  }
  const rest = text.slice(2);
  const hasUnknownDigest = rest.endsWith(UNKNOWN_DIGEST);
  const name = parseDockerName(hasUnknownDigest ? rest.slice(0, -UNKNOWN_DIGEST.length) : rest);
  if (hasUnknownDigest) {
    if (name.tag === undefined && name.digest === undefined) return { name, hasUnknownDigest };
    throw new ImageError(
      "INVALID_REFERENCE",
      `docker: image reference "${rest}" has unknown digest set but it contains either a tag or digest`,
    );
  }
  if (name.tag !== undefined && name.digest !== undefined) {
    throw new ImageError(
      "INVALID_REFERENCE",
      "Docker references with both a tag and digest are currently not supported",
    );
  }
  return { name: withDefaultTag(name), hasUnknownDigest };
}

export function formatDockerLocation(location: DockerLocation): string {
  const familiar = formatDockerName(location.name);
  return location.hasUnknownDigest ? `//${familiar}${UNKNOWN_DIGEST}` : `//${familiar}`;
}
