import { realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

/** An absolute path without symbolic links. What does not exist yet is taken as it stands. */
export function canonicalPath(path: string): string {
  const absolute = resolve(path === "" ? "." : path);
  try {
    return realpathSync(absolute);
  } catch {
    const parent = dirname(absolute);
    return parent === absolute ? absolute : join(canonicalPath(parent), basename(absolute));
  }
}

/** A path and its parents, the longest first and without the root: scopes of a trust policy. */
export function parentPaths(path: string): readonly string[] {
  const paths: string[] = [];
  for (let current = path; dirname(current) !== current; current = dirname(current)) paths.push(current);
  return paths;
}

/** Splits `PATH[:REST]` at the first colon; the one after a Windows drive letter belongs to the path. */
export function splitPath(text: string): { readonly path: string; readonly rest: string | undefined } {
  const isDrive = process.platform === "win32" && /^[A-Za-z]:[\\/]/.test(text);
  const colon = text.indexOf(":", isDrive ? 2 : 0);
  return colon < 0
    ? { path: text, rest: undefined }
    : { path: text.slice(0, colon), rest: text.slice(colon + 1) };
}
