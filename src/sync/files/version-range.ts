import { ImageError } from "../../core/errors.ts";
import { compareNumbers, compareVersions, parseVersion, type Version } from "./version.ts";

/** Versions that are meant: those that fulfil all conditions of any of the groups. */
export type VersionRange = readonly VersionGroup[];

/** Conditions that a version must fulfil all of. */
export interface VersionGroup {
  /** All of them must hold. */
  readonly conditions: readonly VersionCondition[];
  /** Whether one of its versions has a pre-release part: pre-releases count only then. */
  readonly namesPrerelease: boolean;
}

type Operator = VersionCondition["operator"];

/** What a version must be, compared with another: `>=1.2`. */
export interface VersionCondition {
  /** `~` and `^` as in npm. */
  readonly operator: "=" | "!=" | ">" | "<" | ">=" | "<=" | "~" | "^";
  /** What is compared with. */
  readonly version: Version;
  /** How many of its numbers are given; the rest are wildcards or absent. */
  readonly precision: 0 | 1 | 2 | 3;
}

const OPERATORS: Readonly<Record<string, Operator>> = {
  "": "=",
  "=": "=",
  "!=": "!=",
  ">": ">",
  "<": "<",
  ">=": ">=",
  "=>": ">=",
  "<=": "<=",
  "=<": "<=",
  "~": "~",
  "~>": "~",
  "^": "^",
};
const PART = "[0-9xX*|]+";
const IDENTIFIERS = "[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*";
const PARTIAL = `v?${PART}(?:\\.${PART})?(?:\\.${PART})?(?:-${IDENTIFIERS})?(?:\\+${IDENTIFIERS})?`;
const OPERATOR = "=<|=>|<=|>=|!=|~>|=|>|<|~|\\^|";
/** One after the other, so that each is tried once. */
const CONDITION = new RegExp(`(${OPERATOR})\\s*(${PARTIAL})`, "y");
const SEPARATOR = /\s*,\s*|\s+/y;
const SPAN = new RegExp(`\\s*(${PARTIAL})\\s+-\\s+(${PARTIAL})\\s*`, "g");
const NUMBERS = new RegExp(`^v?(${PART})(?:\\.(${PART}))?(?:\\.(${PART}))?(-${IDENTIFIERS})?`);

/** A wildcard is one letter; anything longer must be a number, and is found out not to be one later. */
const WILDCARDS: ReadonlySet<string> = new Set(["x", "X", "*"]);

/** Longer ones are no ranges that anybody wrote; it bounds the work of telling so. */
const LONGEST_RANGE = 4096;

/**
 * Reads a range: `>= 1.2, < 2 || ~3.1`. cli.md 6.4.
 * @throws {ImageError} CONFIG_INVALID in the words of real skopeo
 */
export function parseVersionRange(text: string): VersionRange {
  if (text.length > LONGEST_RANGE) throw improper(`${text.slice(0, 40)}…`);
  return text
    .replaceAll(SPAN, ">= $1, <= $2 ")
    .split("||")
    .map((group) => parseGroup(group));
}

function parseGroup(group: string): VersionGroup {
  const text = group.trim();
  const conditions: VersionCondition[] = [];
  for (let at = 0; ; ) {
    const match = matchAt(CONDITION, text, at);
    if (match === undefined) throw improper(group);
    const [whole, operator = "", version = ""] = match;
    conditions.push(parseCondition(operator, version));
    at += whole.length;
    if (at === text.length) break;
    const separator = matchAt(SEPARATOR, text, at);
    if (separator === undefined) throw improper(group);
    at += separator[0].length;
  }
  return { conditions, namesPrerelease: conditions.some(({ version }) => version.prerelease.length > 0) };
}

function matchAt(expression: RegExp, text: string, at: number): RegExpExecArray | undefined {
  expression.lastIndex = at;
  return expression.exec(text) ?? undefined;
}

function parseCondition(operator: string, text: string): VersionCondition {
  const [, major, minor, patch, prerelease = ""] = NUMBERS.exec(text) ?? [];
  const parts = [major, minor, patch];
  const wildcard = parts.findIndex((part) => part === undefined || WILDCARDS.has(part));
  const precision = wildcard === 0 ? 0 : wildcard === 1 ? 1 : wildcard === 2 ? 2 : 3;
  const known = parts.slice(0, precision);
  const version = parseVersion(`${known.join(".") || "0"}${prerelease}`);
  if (version === undefined) throw new ImageError("CONFIG_INVALID", "constraint parser error");
  return { operator: OPERATORS[operator] ?? "=", version, precision };
}

function improper(text: string): ImageError {
  return new ImageError("CONFIG_INVALID", `improper constraint: ${text}`);
}

/** Whether `version` is meant. Pre-releases count as the range says, unless told otherwise. */
export function isInRange(
  version: Version,
  range: VersionRange,
  prereleases: "in-range" | "include" | "exclude" = "in-range",
): boolean {
  const isPrerelease = version.prerelease.length > 0;
  if (isPrerelease && prereleases === "exclude") return false;
  return range.some(({ conditions, namesPrerelease }) => {
    if (isPrerelease && prereleases === "in-range" && !namesPrerelease) return false;
    return conditions.every((condition) => fulfils(version, condition));
  });
}

function fulfils(version: Version, condition: VersionCondition): boolean {
  const { operator, version: limit, precision } = condition;
  const order = compareVersions(version, limit);
  switch (operator) {
    case "=":
      return precision === 3
        ? order === 0
        : order >= 0 && (precision === 0 || sharesNumbers(version, limit, precision));
    case "!=":
      return differs(version, condition, order);
    case ">":
      // A partial version stands for all that begin with it, so that >1 begins at 2.
      return order > 0 && (precision === 0 || precision === 3 || !sharesNumbers(version, limit, precision));
    case "<":
      return order < 0;
    case ">=":
      return order >= 0;
    case "<=":
      if (precision === 3) return order <= 0;
      return compareUpTo(version, limit, precision === 0 ? 2 : precision) <= 0;
    case "~":
      return order >= 0 && isWithinTilde(version, limit, precision);
    case "^":
      return order >= 0 && isWithinCaret(version, limit, precision);
  }
}

/** `!=1.2` means none of 1.2; of a pre-release it means the same pre-release. */
function differs(version: Version, { version: limit, precision }: VersionCondition, order: number): boolean {
  if (precision === 3 || precision === 0) return order !== 0;
  if (!sharesNumbers(version, limit, precision)) return true;
  if (precision === 1) return false;
  if (version.prerelease.length === 0 && limit.prerelease.length === 0) return false;
  return compareVersions({ ...version, numbers: limit.numbers }, limit) !== 0;
}

function isWithinTilde(version: Version, limit: Version, precision: number): boolean {
  const isZero = limit.numbers.every((number) => number === "0");
  if (precision === 0 || (isZero && precision === 3)) return true;
  return sharesNumbers(version, limit, precision === 1 ? 1 : 2);
}

/** Up to the first number that is not zero nothing may change. */
function isWithinCaret(version: Version, limit: Version, precision: number): boolean {
  const [major, minor] = limit.numbers;
  if (major !== "0" || precision === 1) return sharesNumbers(version, limit, 1);
  if (minor !== "0" || precision === 2) return sharesNumbers(version, limit, 2);
  return sharesNumbers(version, limit, 3);
}

function sharesNumbers(one: Version, other: Version, count: number): boolean {
  return compareUpTo(one, other, count) === 0;
}

/** Compares the first numbers only. */
function compareUpTo(one: Version, other: Version, count: number): number {
  for (const index of [0, 1, 2] as const) {
    if (index >= count) break;
    const order = compareNumbers(one.numbers[index], other.numbers[index]);
    if (order !== 0) return order;
  }
  return 0;
}
