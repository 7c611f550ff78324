import { test } from "bun:test";
import { accessSync, constants } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

/** Where programs newer than the distribution's may lie besides PATH. */
const NEWER: readonly string[] = [process.env.PEERS_NEWER, join(homedir(), ".cache", "peers-newer")].flatMap(
  (root) => (root ? [join(root, "bin")] : []),
);

/** The path of a program, if this machine has it. */
export function findProgram(name: string, directories: readonly string[] = searchPath()): string | undefined {
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

/** Real skopeo, the newest there is: old releases word many messages otherwise. */
export const newestSkopeo: { readonly path: string; readonly version: string } | undefined =
  findNewestSkopeo();

function findNewestSkopeo(): { path: string; version: string } | undefined {
  const path = findProgram("skopeo", [...NEWER, ...searchPath()]);
  if (path === undefined) return undefined;
  const { stdout } = Bun.spawnSync([path, "--version"]);
  return { path, version: stdout.toString().split(" ")[2]?.trim() ?? "" };
}

/**
 * The path of a program to compare with, if this machine has it. `skopeo` is the newest there is, and `skopeo 1.16` is
 * that too where it is not older than 1.16.
 */
export function peerPath(program: string): string | undefined {
  const [name = "", oldest = "0"] = program.split(" ");
  if (name !== "skopeo") return findProgram(name);
  return newestSkopeo && isAtLeast(newestSkopeo.version, oldest) ? newestSkopeo.path : undefined;
}

function isAtLeast(version: string, oldest: string): boolean {
  return version.localeCompare(oldest, "en", { numeric: true }) >= 0;
}

/**
 * A test that needs other people's programs, named as for `peerPath`. Where one is missing the test is skipped, and
 * says so: the test script shows these lines at its end.
 */
export function peerTest(
  name: string,
  programs: readonly string[],
  run: (paths: readonly string[]) => Promise<void>,
  timeout: number = 60_000,
): void {
  const paths = programs.map(peerPath);
  const missing = programs.filter((_, i) => paths[i] === undefined);
  if (missing.length > 0) console.error(`LEFT OUT for want of ${missing.join(", ")}: ${name}`);
  test.skipIf(missing.length > 0)(name, () => run(paths.map((path) => path ?? "")), timeout);
}

function searchPath(): readonly string[] {
  return [...(process.env.PATH ?? "").split(delimiter), ...NEWER];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
