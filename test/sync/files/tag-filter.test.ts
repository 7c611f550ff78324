import { describe, expect, test } from "bun:test";
import { parseAgeLimit } from "../../../src/sync/files/age.ts";
import type { AgeLimit, TagFilter, TagPattern } from "../../../src/sync/files/mirror-entry.ts";
import { applyTagFilter, needsCreationDates } from "../../../src/sync/files/tag-filter.ts";
import { compileTagPattern, parseTagPattern } from "../../../src/sync/files/tag-pattern.ts";
import { configurationError } from "./failure.ts";

const NOW = new Date("2026-06-30T12:00:00Z");
/** Months in which images were created. */
const CREATED: Readonly<Record<string, string>> = {
  "1.0": "2026-01",
  "1.1": "2026-02",
  "1.2": "2026-06",
  "2.0-rc1": "2026-05",
  "2.0": "2026-05",
  latest: "2026-06",
};
const TAGS = ["latest", ...Object.keys(CREATED).filter((tag) => tag !== "latest"), "undated"];

const patterns = (...texts: string[]): readonly TagPattern[] =>
  texts.map((text, index) => parseTagPattern(text, `m.yaml:${index + 1}`));
const age = (text: string): AgeLimit => parseAgeLimit(text, "m.yaml:7", "age");
const createdAt = async (tag: string): Promise<Date | undefined> =>
  CREATED[tag] === undefined ? undefined : new Date(`${CREATED[tag]}-01T00:00:00Z`);

async function kept(filter: TagFilter, tags: readonly string[] = TAGS): Promise<string> {
  const verdicts = await applyTagFilter(filter, tags, { now: NOW, createdAt });
  expect(verdicts.map(({ tag }) => tag)).toEqual([...tags]);
  return verdicts.flatMap((verdict) => (verdict.kept ? [verdict.tag] : [])).join(" ");
}

describe("a filter keeps", () => {
  const semver = { text: ">=1.1", prerelease: "in-range" } as const;
  const cases: Readonly<Record<string, readonly [TagFilter, string]>> = {
    "all without steps": [{}, TAGS.join(" ")],
    "what any include matches": [{ include: patterns("1.*", "/^lat/") }, "latest 1.0 1.1 1.2"],
    "what no exclude matches": [{ exclude: patterns("*-rc*", "latest", "undated") }, "1.0 1.1 1.2 2.0"],
    "no excluded tag though it is included": [
      { include: patterns("1.*"), exclude: patterns("*.0") },
      "1.1 1.2",
    ],
    "nothing where nothing is included": [{ include: [] }, ""],
    "versions in a range": [{ semver }, "1.1 1.2 2.0"],
    "pre-releases where they are included": [
      { semver: { ...semver, prerelease: "include" } },
      "1.1 1.2 2.0-rc1 2.0",
    ],
    "no pre-releases where they are excluded": [
      { semver: { text: ">=1-0", prerelease: "exclude" } },
      "1.0 1.1 1.2 2.0",
    ],
    "images newer than an age": [
      { newerThan: age("60d") },
      "latest 1.2 2.0-rc1 2.0".replace(" 2.0-rc1 2.0", ""),
    ],
    "images newer than a date": [{ newerThan: age("2026-04-30") }, "latest 1.2 2.0-rc1 2.0"],
    "images older than a date": [{ olderThan: age("2026-02-01T00:00:01Z") }, "1.0 1.1"],
    "a window": [{ newerThan: age("2026-01-15"), olderThan: age("2026-05-15") }, "1.1 2.0-rc1 2.0"],
    "the highest versions": [{ newest: { count: 2, by: "semver" } }, "2.0-rc1 2.0"],
    "the highest of the versions in range": [{ semver, newest: { count: 2, by: "semver" } }, "1.2 2.0"],
    "the images that were created last": [{ newest: { count: 3, by: "created" } }, "latest 1.2 2.0-rc1"],
    "the newest of what is left": [
      { include: patterns("1.*"), olderThan: age("2026-03-01"), newest: { count: 1, by: "created" } },
      "1.1",
    ],
    "all where fewer are left than wanted": [
      { include: patterns("1.*"), newest: { count: 9, by: "semver" } },
      "1.0 1.1 1.2",
    ],
  };
  for (const [name, [filter, expected]] of Object.entries(cases)) {
    test(name, async () => {
      expect(await kept(filter)).toBe(expected);
    });
  }

  test("versions of which each is one number higher in their order, not that of letters", async () => {
    const tags = ["1.9", "1.10", "v1.11", "1.2", "20240131123000123", "20240131123000124"];
    expect(await kept({ newest: { count: 4, by: "semver" } }, tags)).toBe(
      "1.10 v1.11 20240131123000123 20240131123000124",
    );
  });

  test("one of a tag that was listed twice", async () => {
    expect(await applyTagFilter({}, ["a", "a"], { now: NOW })).toHaveLength(1);
  });
});

describe("the reason is a sentence", () => {
  const filter: TagFilter = {
    include: patterns("*.*", "/^lat/"),
    exclude: patterns("*.0-rc*"),
    semver: { text: ">=1.1", prerelease: "in-range", place: "m.yaml:5" },
    newerThan: { ...age("2026-01-15"), place: "m.yaml:6" },
    newest: { count: 1, by: "semver", place: "m.yaml:8" },
  };
  const cases: Readonly<Record<string, string>> = {
    undated: 'left out because no include matches: "*.*" (m.yaml:1), "/^lat/" (m.yaml:2)',
    "2.0-rc1": 'left out by exclude "*.0-rc*" (m.yaml:1)',
    latest: 'left out by semver ">=1.1" (m.yaml:5): it is no version',
    "1.0": 'left out by semver ">=1.1" (m.yaml:5)',
    "2.1-beta": 'left out by semver ">=1.1" (m.yaml:5): it is a pre-release, and the range names none',
    "9.9": "left out by newer-than 2026-01-15 (m.yaml:6): its date of creation is not known",
    "1.2": "left out by newest 1 by semver (m.yaml:8): it is number 2",
    "2.0":
      'kept: include "*.*" (m.yaml:1) matches, semver ">=1.1" (m.yaml:5) takes it, created 2026-05-01T00:00:00.000Z is newer-than 2026-01-15 (m.yaml:6), number 1 of the newest 1 by semver (m.yaml:8)',
  };
  for (const [tag, expected] of Object.entries(cases)) {
    test(`${tag} is ${expected.split(" ").slice(0, 2).join(" ")}`, async () => {
      const verdicts = await applyTagFilter(filter, [...TAGS, "9.9", "2.1-beta"], { now: NOW, createdAt });
      expect(verdicts.find((verdict) => verdict.tag === tag)?.reason).toBe(expected);
    });
  }

  test("of no steps at all", async () => {
    expect(await applyTagFilter({}, ["a"], { now: NOW })).toEqual([
      { tag: "a", kept: true, reason: "kept: all tags are" },
    ]);
  });
});

describe("dates of creation", () => {
  test("are needed for ages and the last created only", () => {
    expect(needsCreationDates({})).toBe(false);
    expect(needsCreationDates({ newest: { count: 1, by: "semver" }, include: [] })).toBe(false);
    expect(needsCreationDates({ newest: { count: 1, by: "created" } })).toBe(true);
    expect(needsCreationDates({ newerThan: age("1d") })).toBe(true);
    expect(needsCreationDates({ olderThan: age("1d") })).toBe(true);
  });

  test("are asked of those that are left, once each and some at a time", async () => {
    const asked: string[] = [];
    let running = 0;
    let most = 0;
    const tags = Array.from({ length: 500 }, (_, index) => `v${index}`);
    const filter: TagFilter = {
      exclude: patterns("*0"),
      newerThan: age("2000-01-01"),
      newest: { count: 5, by: "created" },
    };
    const slow = async (tag: string): Promise<Date> => {
      asked.push(tag);
      most = Math.max(most, ++running);
      await Bun.sleep(0);
      running--;
      return new Date(Number(tag.slice(1)) * 1000 + 1e12);
    };
    const verdicts = await applyTagFilter(filter, tags, { now: NOW, createdAt: slow });
    expect(verdicts.filter((verdict) => verdict.kept).map(({ tag }) => tag)).toEqual(
      "v495 v496 v497 v498 v499".split(" "),
    );
    expect(asked.toSorted()).toEqual(tags.filter((tag) => !tag.endsWith("0")).toSorted());
    expect(most).toBeLessThanOrEqual(32);
  });

  test("that cannot be had end it", async () => {
    const failing = async (): Promise<Date> => {
      throw new Error("gone");
    };
    await expect(
      applyTagFilter({ newerThan: age("1d") }, ["a"], { now: NOW, createdAt: failing }),
    ).rejects.toThrow("gone");
  });

  const ages: Readonly<Record<string, number>> = {
    "90d": 90 * 864e5,
    "1w12h": 7.5 * 864e5,
    "30m": 18e5,
    "45s": 45e3,
  };
  for (const [text, milliseconds] of Object.entries(ages)) {
    test(`${text} is an age`, () => {
      expect(age(text)).toMatchObject({ kind: "age", milliseconds });
    });
  }
  const dates: Readonly<Record<string, string>> = {
    "2026-01-31": "2026-01-31T00:00:00.000Z",
    "2026-01-31T12:30": "2026-01-31T12:30:00.000Z",
    "2026-01-31 12:30:15+02:00": "2026-01-31T10:30:15.000Z",
    "2026-01-31t12:30:15z": "2026-01-31T12:30:15.000Z",
  };
  for (const [text, expected] of Object.entries(dates)) {
    test(`${text} is a date`, () => {
      const limit = age(text);
      expect(limit.kind === "date" && limit.date.toISOString()).toBe(expected);
    });
  }
  for (const text of [
    "",
    "90",
    "d",
    "1y",
    "1.5d",
    "-1d",
    "2026-13-01",
    "2026-01-32",
    "yesterday",
    "99999999999999w",
  ]) {
    test(`${JSON.stringify(text)} is neither`, async () => {
      expect(await configurationError((async () => age(text))())).toStartWith(
        "m.yaml:7: age must be an age such as 90d",
      );
    });
  }
});

describe("patterns", () => {
  const cases: readonly [pattern: string, matching: string, others: string][] = [
    ["1.2", "1.2", "1.20 11.2 1x2"],
    ["1.*", "1. 1.2 1.2-rc", "1 11.2 x1.2"],
    ["*", "a 1.2", ""],
    ["v?.?", "v1.2 va.b", "v12 v1.23 v."],
    ["[0-9]*", "1 9x", "v1"],
    ["[!0-9v]*", "a", "1 v1"],
    ["[a-c-]x", "ax -x", "dx"],
    ["{1,2}.{x,y*}", "1.x 2.y 1.yz", "1.z 3.x"],
    ["a{,b}c", "ac abc", "abbc"],
    ["*a*b*", "ab xaxbx", "ba"],
    ["\\*", "*", "a"],
    ["/^v\\d+$/", "v1 v22", "v v1.0 xv1"],
    ["/rc/", "1-rc1 rc", "1"],
    ["/(?i)RC$/", "1-rc", "rc1"],
  ];
  for (const [pattern, matching, others] of cases) {
    test(pattern, async () => {
      const matches = await compileTagPattern(parseTagPattern(pattern));
      expect(matching.split(" ").filter((tag) => !matches(tag))).toEqual([]);
      expect(others.split(" ").filter((tag) => tag !== "" && matches(tag))).toEqual([]);
    });
  }

  for (const pattern of ["[a", "a{b", "a}b", "/(/", "/(?=a)/", "{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"]) {
    test(`${pattern} is none`, async () => {
      await configurationError(compileTagPattern(parseTagPattern(pattern)));
    });
  }

  test("that are made to take long take none", async () => {
    const tag = "a".repeat(128);
    for (const pattern of [`${"*a".repeat(60)}b`, "/^(a+)+$|(a|a)*b/", "/(a*)*(a*)*c/"]) {
      const matches = await compileTagPattern(parseTagPattern(pattern));
      const start = performance.now();
      for (let i = 0; i < 100; i++) matches(tag);
      expect(performance.now() - start).toBeLessThan(1000);
    }
  });
});
