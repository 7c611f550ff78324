/**
 * A version as tags give it, read as leniently as skopeo does: `v1`, `1.2`, `1.2.3-rc.1+build`. Numbers are kept as digits
 * without leading zeros, for dates and times among them have more digits than a number can hold.
 */
export interface Version {
  /** Digits without leading zeros. */
  readonly numbers: readonly [major: string, minor: string, patch: string];
  /** The identifiers behind the dash; none for a release. */
  readonly prerelease: readonly string[];
}

const IDENTIFIERS = "[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*";
const VERSION = new RegExp(
  `^v?(\\d+)(?:\\.(\\d+))?(?:\\.(\\d+))?(?:-(${IDENTIFIERS}))?(?:\\+${IDENTIFIERS})?$`,
);

/** The greatest number that real skopeo can read in a version. */
const LARGEST = "18446744073709551615";

/** The version that a tag is; undefined where it is none. cli.md 6.4. */
export function parseVersion(text: string): Version | undefined {
  const match = VERSION.exec(text);
  if (match === null) return undefined;
  const [, major = "", minor = "0", patch = "0", dashed] = match;
  const prerelease = dashed?.split(".") ?? [];
  if (prerelease.some((identifier) => /^0\d+$/.test(identifier))) return undefined;
  const numbers = [withoutZeros(major), withoutZeros(minor), withoutZeros(patch)] as const;
  if (numbers.some((digits) => compareNumbers(digits, LARGEST) > 0)) return undefined;
  return { numbers, prerelease };
}

/** The order of precedence: negative where `one` comes before `other`. Semantic Versioning 2.0.0, section 11. */
export function compareVersions(one: Version, other: Version): number {
  for (const index of [0, 1, 2] as const) {
    const order = compareNumbers(one.numbers[index], other.numbers[index]);
    if (order !== 0) return order;
  }
  return comparePrereleases(one.prerelease, other.prerelease);
}

/** Compares numbers that are written as digits without leading zeros. */
export function compareNumbers(one: string, other: string): number {
  if (one.length !== other.length) return one.length - other.length;
  return one < other ? -1 : one > other ? 1 : 0;
}

function comparePrereleases(one: readonly string[], other: readonly string[]): number {
  if (one.length === 0 || other.length === 0) return other.length - one.length;
  for (let i = 0; i < Math.min(one.length, other.length); i++) {
    const order = compareIdentifiers(one[i] ?? "", other[i] ?? "");
    if (order !== 0) return order;
  }
  return one.length - other.length;
}

/** Numbers come before words. */
function compareIdentifiers(one: string, other: string): number {
  const areNumbers = [one, other].map((text) => /^\d+$/.test(text));
  if (areNumbers[0] && areNumbers[1]) return compareNumbers(one, other);
  if (areNumbers[0] !== areNumbers[1]) return areNumbers[0] ? -1 : 1;
  return one < other ? -1 : one > other ? 1 : 0;
}

function withoutZeros(digits: string): string {
  return digits.replace(/^0+(?=\d)/, "");
}
