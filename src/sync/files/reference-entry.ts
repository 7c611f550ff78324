import { type DockerName, parseDockerName } from "../../core/docker-name.ts";
import { errorMessage, ImageError } from "../../core/errors.ts";
import type { MirrorEntry } from "./mirror-entry.ts";

/**
 * The entry for a source on the command line: `nginx:1.27`, `registry/repository@sha256:…`, or a repository with all its
 * tags. cli.md 6.1.
 * @throws {ImageError} INVALID_REFERENCE
 */
export function entryFromReference(typed: string): MirrorEntry {
  const name = parseSource(typed);
  const reference = name.digest ?? name.tag;
  return {
    ...plainEntry(typed, name),
    selection:
      reference === undefined
        ? { references: [], filter: {} }
        : { references: [reference], filter: undefined },
  };
}

/** An entry that asks for nothing special, with all tags. */
export function plainEntry(place: string, { registry, repository }: DockerName): MirrorEntry {
  return {
    place,
    source: { registry, repository },
    access: {},
    destinations: undefined,
    selection: { references: [], filter: {} },
    platforms: undefined,
    referrers: undefined,
    cosignTags: undefined,
    immutable: undefined,
    protect: [],
    prune: undefined,
  };
}

function parseSource(typed: string): DockerName {
  try {
    return parseDockerName(typed);
  } catch (error) {
    throw new ImageError(
      "INVALID_REFERENCE",
      `Cannot obtain a valid image reference for transport "docker" and reference ${JSON.stringify(typed)}: ${errorMessage(error)}`,
      { cause: error },
    );
  }
}
