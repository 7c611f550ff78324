import { readdirSync, readFileSync } from "node:fs";
import { errorMessage, ImageError } from "../core/errors.ts";
import { errorCode } from "../runtime/files.ts";

// Configuration is a handful of small files, most of which do not exist: asking a thread for each costs more than reading.

/**
 * The content of a file; undefined when there is none.
 * @throws {ImageError} CONFIG_INVALID when it exists but cannot be read: what it would say might matter
 */
export async function readOptionalFile(path: string): Promise<Uint8Array | undefined> {
  try {
    return readFileSync(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw unreadable(path, error);
  }
}

/** The content of a file that must be there. @throws {ImageError} CONFIG_INVALID */
export async function readRequiredFile(path: string): Promise<Uint8Array> {
  try {
    return readFileSync(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** Something in a directory. A link counts as what it is, not as what it leads to. */
export interface DirectoryEntry {
  readonly name: string;
  readonly isDirectory: boolean;
}

/**
 * What is in a directory, sorted by name; undefined when there is none or its content may not be seen.
 * @throws {ImageError} CONFIG_INVALID when it is no directory
 */
export async function readOptionalDirectory(path: string): Promise<readonly DirectoryEntry[] | undefined> {
  try {
    const entries = readdirSync(path, { withFileTypes: true });
    return entries
      .map((entry) => ({ name: entry.name, isDirectory: entry.isDirectory() }))
      .sort((one, other) => (one.name < other.name ? -1 : 1));
  } catch (error) {
    if (["ENOENT", "EACCES", "EPERM", "EINVAL"].includes(errorCode(error) ?? "")) return undefined;
    throw unreadable(path, error);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  ENOTDIR: "not a directory",
  EISDIR: "is a directory",
};

/** Runtimes disagree on how they name the failed call, so the words come from the code alone. */
function unreadable(path: string, error: unknown): ImageError {
  const code = errorCode(error) ?? "unknown error";
  const action = code === "EISDIR" ? "read" : "open";
  return new ImageError("CONFIG_INVALID", `${action} ${path}: ${REASONS[code] ?? code}`, { cause: error });
}

/** What is wrong with a YAML file: the parser's words, but where it has come to the end of the stack. */
export function yamlProblem(error: unknown): string {
  return errorCode(error) === "RESOURCE_EXHAUSTION" ? "it is nested too deeply" : errorMessage(error);
}
