import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { compare, valid } from "semver";
import { compareVersions, parseVersion } from "../../../src/sync/files/version.ts";
import { isInRange, parseVersionRange } from "../../../src/sync/files/version-range.ts";

describe("versions", () => {
  const number = fc.nat({ max: 30 }).map(String);
  const identifier = fc.oneof(number, fc.stringMatching(/^[a-z-][a-z0-9-]{0,3}$/));
  const version = fc
    .tuple(number, number, number, fc.array(identifier, { maxLength: 3 }))
    .map(
      ([major, minor, patch, rest]) =>
        `${major}.${minor}.${patch}${rest.length > 0 ? `-${rest.join(".")}` : ""}`,
    )
    .filter((text) => valid(text) !== null);

  test("come in the order that npm's semver gives them", () => {
    void fc.assert(
      fc.property(version, version, (one, other) => {
        const [a, b] = [parseVersion(one), parseVersion(other)];
        if (a === undefined || b === undefined) throw new Error("no version");
        expect(Math.sign(compareVersions(a, b))).toBe(compare(one, other));
      }),
      { numRuns: 2000 },
    );
  });

  test("may have numbers of any size that skopeo can read", () => {
    const [day, next] = [parseVersion("20240131123000123"), parseVersion("20240131123000124")];
    expect(day && next && compareVersions(day, next)).toBeLessThan(0);
    expect(parseVersion("18446744073709551615")).toBeDefined();
    expect(parseVersion("18446744073709551616")).toBeUndefined();
  });

  for (const text of [
    "latest",
    "",
    "v",
    "1.",
    "1.2.3.4",
    "1.2-",
    "1.2-01",
    "1..2",
    "x",
    "1.x",
    "-1",
    " 1",
    "1 ",
  ]) {
    test(`${JSON.stringify(text)} is none`, () => {
      expect(parseVersion(text)).toBeUndefined();
    });
  }
});

describe("pre-releases count in a range", () => {
  const cases: readonly [range: string, version: string, ...expected: boolean[]][] = [
    // in-range, include, exclude
    [">=1.1", "2.0.0-rc1", false, true, false],
    [">=1.1-0", "2.0.0-rc1", true, true, false],
    [">=1.1-0", "2.0.0", true, true, true],
    [">=1.1 || 3-0", "2.0.0-rc1", false, true, false],
    ["*", "2.0.0-rc1", false, true, false],
    ["<1", "2.0.0-rc1", false, false, false],
  ];
  for (const [range, text, ...expected] of cases) {
    test(`${text} in ${range}`, () => {
      const version = parseVersion(text);
      if (version === undefined) throw new Error("no version");
      const parsed = parseVersionRange(range);
      const rules = ["in-range", "include", "exclude"] as const;
      expect(rules.map((rule) => isInRange(version, parsed, rule))).toEqual(expected);
    });
  }
});

describe("reading a range takes no long time", () => {
  const hostile = [
    `${"1, ".repeat(1000)}!`,
    `${"1 ".repeat(1000)}!`,
    `>=${" ".repeat(4000)}`,
    `1${".1".repeat(2000)}`,
    "1 - ".repeat(1000),
  ];
  for (const text of hostile) {
    test(JSON.stringify(text.slice(0, 20)), () => {
      const start = performance.now();
      expect(() => parseVersionRange(text)).toThrow();
      expect(performance.now() - start).toBeLessThan(500);
    });
  }
});
