import { spawnSync } from "node:child_process";
import { join } from "node:path";

export const ROOT: string = join(import.meta.dirname, "..", "..");

/** Runs a program in the repository, or in `cwd`, and gives what it wrote. @throws {Error} with all of it when it fails */
export function run(program: string, words: readonly string[], cwd: string = ROOT): string {
  const { status, stdout, stderr, error } = spawnSync(program, words, { cwd, encoding: "utf8" });
  if (status === 0) return stdout;
  throw new Error(
    `${program} ${words.join(" ")} failed: ${error?.message ?? ""}${stdout ?? ""}${stderr ?? ""}`,
  );
}
