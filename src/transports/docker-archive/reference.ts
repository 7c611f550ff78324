import {
  type DockerName,
  formatDockerName,
  parseDockerName,
  withDefaultTag,
} from "../../core/docker-name.ts";
import { errorMessage, ImageError } from "../../core/errors.ts";
import { splitPath } from "../../runtime/paths.ts";

/** Which image of an archive is meant: by name, by position (from 0), or the only one. */
export interface ArchiveLocation {
  readonly path: string;
  readonly name?: DockerName | undefined;
  readonly position?: number | undefined;
}

/** Parses `PATH[:NAME[:TAG]|:@POSITION]`. transports.md 4.1. @throws {ImageError} INVALID_REFERENCE */
export function parseArchiveLocation(text: string): ArchiveLocation {
  if (text === "") {
    throw invalid("docker-archive reference  isn't of the form <path>[:<reference>]");
  }
  const { path, rest } = splitPath(text);
  if (rest === undefined) return { path };
  if (rest.startsWith("@")) return { path, position: parsePosition(rest) };
  return { path, name: parseName(rest) };
}

export function formatArchiveLocation({ path, name, position }: ArchiveLocation): string {
  if (name !== undefined) return `${path}:${formatDockerName(name)}`;
  return position === undefined ? path : `${path}:@${position}`;
}

function parsePosition(text: string): number {
  const digits = text.slice(1);
  if (/^-\d+$/.test(digits)) throw invalid(`Invalid source index ${text}: must not be negative`);
  if (/^\+?\d{1,9}$/.test(digits)) return Number(digits);
  throw invalid(
    `Invalid source index ${text}: strconv.Atoi: parsing ${JSON.stringify(digits)}: invalid syntax`,
  );
}

function parseName(text: string): DockerName {
  const name = withDefaultTag(parse(text));
  if (name.digest === undefined) return name;
  throw invalid(
    name.tag === undefined
      ? `reference does not include a tag: ${formatDockerName(name)}`
      : `docker-archive doesn't support digest references: ${formatDockerName(name)}`,
  );
}

function parse(text: string): DockerName {
  try {
    return parseDockerName(text);
  } catch (error) {
    throw invalid(`docker-archive parsing reference: ${errorMessage(error)}`);
  }
}

function invalid(message: string): ImageError {
  return new ImageError("INVALID_REFERENCE", message);
}
