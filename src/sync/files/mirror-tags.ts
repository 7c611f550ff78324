import { errorMessage } from "../../core/errors.ts";
import { parseAgeLimit } from "./age.ts";
import { fileError } from "./file-error.ts";
import type {
  AgeLimit,
  NewestTags,
  SemverRange,
  TagFilter,
  TagPattern,
  TagSelection,
} from "./mirror-entry.ts";
import { readReferences } from "./short-yaml.ts";
import { compileTagPattern, parseTagPattern } from "./tag-pattern.ts";
import { parseVersionRange } from "./version-range.ts";
import type { YamlMap, YamlNode } from "./yaml-tree.ts";
import { readKnownKeys, readList, readText, readWord, valueAt } from "./yaml-values.ts";

const TAG_KEYS: readonly string[] = [
  "include",
  "exclude",
  "semver",
  "prerelease",
  "newest",
  "newest-by",
  "newer-than",
  "older-than",
  "also",
];

const MOST_NEWEST = 1_000_000;

/**
 * Signatures, attestations and SBOMs, and lists of referrers, stand among the tags of a repository. They belong to images and
 * go along with them, or stay behind.
 */
const COMPANIONS: readonly TagPattern[] = ["sha256-*.{sig,att,sbom}", `sha256-${"?".repeat(64)}`].map(
  (text) => ({
    kind: "glob",
    text,
    place: "always: such tags belong to images",
  }),
);

/** All tags, but those that belong to images. */
export const ALL_TAGS: TagSelection = { references: [], filter: { exclude: COMPANIONS } };

/**
 * The `tags` of an entry: a list of literals, or the steps of a filter.
 * @throws {ImageError} CONFIG_INVALID
 */
export async function readTags(node: YamlNode): Promise<TagSelection> {
  if (node.kind !== "map") {
    const references = readReferences(node, "tags");
    if (references.length > 0) return { references, filter: undefined };
    throw fileError(node.place, "tags is an empty list; leave it out for all tags");
  }
  const map = readKnownKeys(node, "tags", TAG_KEYS);
  const also = valueAt(map, "also");
  if (map.entries.size === (also === undefined ? 0 : 1)) {
    const instead =
      also === undefined ? "leave it out for all tags" : "write tags: [latest] for these tags only";
    throw fileError(node.place, `tags has no filter (include, semver, newest …); ${instead}`);
  }
  return {
    references: also === undefined ? [] : readReferences(also, "also"),
    filter: await readFilter(map),
  };
}

async function readFilter(map: YamlMap): Promise<TagFilter> {
  const include = await readPatterns(valueAt(map, "include"), "include");
  const exclude = await readPatterns(valueAt(map, "exclude"), "exclude");
  const semver = readRange(map);
  const newerThan = readAge(valueAt(map, "newer-than"), "newer-than");
  const olderThan = readAge(valueAt(map, "older-than"), "older-than");
  const newest = readNewest(map);
  const allExcluded = include === undefined ? [...(exclude ?? []), ...COMPANIONS] : exclude;
  return {
    ...(include === undefined ? {} : { include }),
    ...(allExcluded === undefined ? {} : { exclude: allExcluded }),
    ...(semver === undefined ? {} : { semver }),
    ...(newerThan === undefined ? {} : { newerThan }),
    ...(olderThan === undefined ? {} : { olderThan }),
    ...(newest === undefined ? {} : { newest }),
  };
}

async function readPatterns(
  node: YamlNode | undefined,
  what: string,
): Promise<readonly TagPattern[] | undefined> {
  if (node === undefined) return undefined;
  return await Promise.all(readList(node, what).map((item) => readPattern(item, what)));
}

/** A glob, or a regular expression between slashes. @throws {ImageError} CONFIG_INVALID */
export async function readPattern(node: YamlNode, what: string): Promise<TagPattern> {
  const pattern = parseTagPattern(readText(node, what), node.place);
  try {
    await compileTagPattern(pattern);
  } catch (error) {
    throw fileError(node.place, `${what}: ${errorMessage(error)}`);
  }
  return pattern;
}

function readRange(map: YamlMap): SemverRange | undefined {
  const range = valueAt(map, "semver");
  const rule = valueAt(map, "prerelease");
  const prerelease =
    rule === undefined ? "in-range" : readWord(rule, "prerelease", ["in-range", "include", "exclude"]);
  if (range === undefined) {
    return rule === undefined ? undefined : { text: "*", prerelease, place: rule.place };
  }
  const text = readText(range, "semver");
  try {
    parseVersionRange(text);
  } catch (error) {
    throw fileError(
      range.place,
      `semver: ${errorMessage(error)}; a range looks like ">=1.20, <2" or "~1.4 || ^2.1"`,
    );
  }
  return { text, prerelease, place: range.place };
}

function readAge(node: YamlNode | undefined, what: string): AgeLimit | undefined {
  return node === undefined ? undefined : parseAgeLimit(readText(node, what), node.place, what);
}

function readNewest(map: YamlMap): NewestTags | undefined {
  const node = valueAt(map, "newest");
  const order = valueAt(map, "newest-by");
  if (node === undefined) {
    if (order === undefined) return undefined;
    throw fileError(order.place, "newest-by needs newest, the number of tags to keep");
  }
  const isNumber = node.kind === "scalar" && node.isPlain && /^[1-9]\d*$/.test(node.text);
  const count = isNumber ? Number(node.text) : 0;
  if (count < 1 || count > MOST_NEWEST) throw fileError(node.place, "newest must be a whole number from 1");
  const by = order === undefined ? "semver" : readWord(order, "newest-by", ["semver", "created"]);
  return { count, by, place: node.place };
}
