import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Completion } from "./complete.ts";

/** Beginnings of image names, and what they are. */
const TRANSPORTS: Readonly<Record<string, string>> = {
  "dir:": "an image as plain files in a directory",
  "docker-archive:": "an image in a file as docker save writes it",
  "docker-daemon:": "an image of a Docker daemon",
  "docker://": "an image in a registry",
  "oci-archive:": "an image in a tar of one",
  "oci:": "an image in an OCI image layout",
  "tarball:": "tar files as the layers of an image, to read from",
};
const IN_FILES = /^(dir|oci|oci-archive|docker-archive|tarball):(.*)$/s;
const IMAGE_COMMANDS: ReadonlySet<string> = new Set([
  "copy",
  "delete",
  "inspect",
  "list-tags",
  "config",
  "policy",
  "serve",
]);

export function takesImages(command: string): boolean {
  return IMAGE_COMMANDS.has(command);
}

/** How an image is named, or, once that is clear, the files that it may be in. */
export async function completeImage(typed: string): Promise<Completion> {
  const [, transport = "", path] = IN_FILES.exec(typed) ?? [];
  if (path !== undefined) return { candidates: await pathsFrom(`${transport}:`, path), goesOn: true };
  const candidates = Object.entries(TRANSPORTS)
    .filter(([value]) => value.startsWith(typed))
    .map(([value, summary]) => ({ value, summary }));
  return { candidates, goesOn: true };
}

async function pathsFrom(prefix: string, typed: string): Promise<Completion["candidates"]> {
  const directory = typed.endsWith("/") ? typed : dirname(typed);
  const start = typed.endsWith("/") ? "" : basename(typed);
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries
      .filter(({ name }) => name.startsWith(start) && (start !== "" || !name.startsWith(".")))
      .map((entry) => ({
        value: `${prefix}${shown(typed, directory, entry.name)}${entry.isDirectory() ? "/" : ""}`,
      }))
      .sort((a, b) => (a.value < b.value ? -1 : 1));
  } catch {
    // What cannot be read has nothing to offer.
    return [];
  }
}

/** A name without a directory stays without. */
function shown(typed: string, directory: string, name: string): string {
  return directory === "." && !typed.startsWith("./") ? name : join(directory, name);
}
