import { readFile } from "node:fs/promises";
import { errorMessage, ImageError } from "../../core/errors.ts";
import type { MirrorEntry } from "../../sync/files/mirror-entry.ts";
import { parseMirrorFile } from "../../sync/files/mirror-file.ts";

/** What one repository, or an image in it, is to be mirrored to: an entry of a mirror file, whose keys these are. */
export interface Mirror extends MirrorSettings {
  /** `registry.example.com/app` for its tags, with `:tag` or `@digest` for one image. */
  readonly from: string;
}

/** What holds for one mirror, or by default for all. `docs/mirroring.md` explains each. */
export interface MirrorSettings {
  /** `registry.example.com/mirror/{{repository}}`, or `dir:PATH`. */
  readonly to?: string | readonly string[];
  /** Done one after the other to `registry/repository:tag` of the destination; regular expressions in RE2's syntax. */
  readonly rewrite?: readonly { readonly match: string; readonly replace: string }[];
  /** Tags or digests, or a filter over the tags that the repository has; without it all tags. */
  readonly tags?: readonly string[] | MirrorTags;
  /** Which images of an index: `linux/amd64`; all by default. */
  readonly platforms?: "all" | string | readonly string[];
  /** Whether OCI referrers go along: signatures, attestations, SBOMs; true by default. */
  readonly referrers?: boolean;
  /** Whether what cosign keeps under tags goes along; true by default. */
  readonly "cosign-tags"?: boolean;
  /** Tags never move, all or those that a pattern matches: once at the destination, nobody is asked about them. */
  readonly immutable?: boolean | string;
  /** Patterns of tags of the destination that are never deleted. */
  readonly protect?: string | readonly string[];
  /** Whether tags of the destination that nothing is mirrored to may be deleted, if the call prunes. */
  readonly prune?: boolean;
}

/** Patterns are globs, or regular expressions between slashes. */
export interface MirrorTags {
  /** Only tags that one of these matches. */
  readonly include?: string | readonly string[];
  /** No tag that one of these matches. */
  readonly exclude?: string | readonly string[];
  /** Only versions within a range: `>=1.20 <2`. */
  readonly semver?: string;
  /** Which pre-releases are in a range: those of a version that it names, all, or none. */
  readonly prerelease?: "in-range" | "include" | "exclude";
  /** Only images made since: an age such as `30d`, or a date. */
  readonly "newer-than"?: string;
  /** Only images made before: an age such as `30d`, or a date. */
  readonly "older-than"?: string;
  /** So many of what is left. */
  readonly newest?: number;
  /** What makes one newer than another. */
  readonly "newest-by"?: "semver" | "created";
  /** Tags and digests that are taken besides. */
  readonly also?: string | readonly string[];
}

/** What is to be mirrored: as entries, as a document like a mirror file, or the file. */
export type Mirrors =
  | readonly Mirror[]
  | { readonly defaults?: MirrorSettings; readonly mirrors: readonly Mirror[] }
  | { readonly file: string };

/** @throws {ImageError} CONFIG_INVALID, with the place of what is wrong */
export async function readMirrors(
  mirrors: Mirrors,
  variables: Readonly<Record<string, string | undefined>>,
): Promise<readonly MirrorEntry[]> {
  if ("file" in mirrors)
    return await parseMirrorFile(await readText(mirrors.file), { file: mirrors.file, variables });
  const document = "mirrors" in mirrors ? mirrors : { mirrors };
  // JSON is YAML, so that what may stand in a file may stand here, and is checked alike.
  return await parseMirrorFile(JSON.stringify({ version: 1, ...document }, null, 1), {
    file: "mirrors",
    variables: {},
  });
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new ImageError("CONFIG_INVALID", `reading ${path}: ${errorMessage(error)}`, { cause: error });
  }
}
