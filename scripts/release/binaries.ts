import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { run } from "./commands.ts";
import { binaryName, type Target } from "./targets.ts";

/** A binary that was made. */
export interface BuiltBinary {
  readonly target: Target;
  readonly path: string;
}

/** Makes a binary for each target in `directory`; Bun gets the runtimes of other systems as packages of npm. */
export function buildBinaries(
  targets: readonly Target[],
  version: string,
  directory: string,
): readonly BuiltBinary[] {
  mkdirSync(directory, { recursive: true });
  return targets.map((target) => {
    const path = join(directory, binaryName(target, version));
    run("node_modules/.bin/bun", ["scripts/build.ts", target.bun, path]);
    return { target, path };
  });
}
