import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { contentOfFile, type NewFile } from "../../src/index.ts";
import type { BuiltBinary } from "./binaries.ts";
import { ROOT } from "./commands.ts";
import type { Release } from "./release.ts";

/** Where a package keeps what comes along with the binary, below its prefix. */
export interface Places {
  readonly zsh: string;
}

/** A file that is small enough to be in memory. */
interface SmallFile {
  readonly path: string;
  readonly content: Buffer;
}

/** The binary, as `bin/skopeo`. */
export async function binaryFile({ target, path }: BuiltBinary): Promise<NewFile> {
  const name = target.os === "win32" ? "skopeo.exe" : "skopeo";
  return { path: `bin/${name}`, mode: 0o755, content: await contentOfFile(path) };
}

/** Pages of the manual, and completions for the shells of Unix. */
export function sharedFiles({ directory }: Release, { zsh }: Places): readonly SmallFile[] {
  const pages = readdirSync(join(directory, "man")).toSorted();
  return [
    ...pages.map((page) => ({
      path: `share/man/man1/${page}`,
      content: readFileSync(join(directory, "man", page)),
    })),
    ...[
      ["skopeo", "share/bash-completion/completions/skopeo"] as const,
      ["_skopeo", `${zsh}/_skopeo`] as const,
      ["skopeo.fish", "share/fish/vendor_completions.d/skopeo.fish"] as const,
    ].map(([name, path]) => ({ path, content: readFileSync(join(directory, "completions", name)) })),
  ];
}

export function licenseFile(): SmallFile {
  return { path: "LICENSE", content: readFileSync(join(ROOT, "LICENSE")) };
}

/** The files below a prefix, all of one time, after the directories that they lie in. */
export function below(prefix: string, files: readonly NewFile[], modified: Date): readonly NewFile[] {
  const moved = files.map((file) => ({ ...file, path: posix.join(prefix, file.path), modified }));
  const directories = new Set(moved.flatMap(({ path }) => ancestors(path)));
  return [
    ...[...directories].toSorted().map((path) => ({ type: "directory" as const, path, modified })),
    ...moved,
  ];
}

function ancestors(path: string): readonly string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, i) => parts.slice(0, i + 1).join("/"));
}
