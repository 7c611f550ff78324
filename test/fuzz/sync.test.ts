import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseCommaList } from "../../src/cli/comma-list.ts";
import { FlagError } from "../../src/cli/command.ts";
import { parseDuration } from "../../src/cli/duration.ts";
import { readPlatform } from "../../src/cli/flags/copy-options.ts";
import { parseAgeLimit } from "../../src/sync/files/age.ts";
import { convertSyncFile } from "../../src/sync/files/convert.ts";
import { checkTemplate, fillTemplate } from "../../src/sync/files/destination-template.ts";
import { destinationNamer } from "../../src/sync/files/destinations.ts";
import type { MirrorEntry } from "../../src/sync/files/mirror-entry.ts";
import { detectSyncFile, parseMirrorFile } from "../../src/sync/files/mirror-file.ts";
import { entryFromReference } from "../../src/sync/files/reference-entry.ts";
import { parseShortYaml } from "../../src/sync/files/short-yaml.ts";
import { parseSkopeoYaml } from "../../src/sync/files/skopeo-yaml.ts";
import { applyTagFilter } from "../../src/sync/files/tag-filter.ts";
import { compileTagPattern, formatTagPattern, parseTagPattern } from "../../src/sync/files/tag-pattern.ts";
import { compareVersions, parseVersion } from "../../src/sync/files/version.ts";
import { isInRange, parseVersionRange } from "../../src/sync/files/version-range.ts";
import { parsePlan } from "../../src/sync/plan.ts";
import { sampleText } from "./corpus.ts";
import { answersOrRefuses, holds, parsed } from "./fuzz.ts";
import { damagedJson, damagedText, mutatedText } from "./inputs.ts";

const MIRRORS = sampleText("mirror.yaml");
const SKOPEO = sampleText("skopeo-sync.yaml");
const SHORT = sampleText("short.yaml");
const FOREIGN = [sampleText("regsync.yaml"), sampleText("image-syncer.yaml")];
/** What makes parsers of YAML slow, deep or large. */
const ATTACKS = [
  `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [${"*a,".repeat(9)}]\nc: &c [${"*b,".repeat(9)}]\nd: &d [${"*c,".repeat(9)}]\nmirrors: [${"*d,".repeat(9)}]`,
  "{".repeat(500),
  "&a [*a]",
  "? ? ? ? a",
  "<<: {a: b}\n__proto__: {polluted: 1}",
  "- ".repeat(200),
  "version: 1\n---\nversion: 1",
  "%YAML 9.9\n---\na",
]; // prettier-ignore
const TAGS = ["latest", "v1.2.3", "1.0", "3.19", "v2.0.0-rc1", "99999999999999999999.1", "a".repeat(128)];
const variables = { USER_A: "me", PASS: "secret" };

test("files of sync of any kind are told apart and read, and lead to destinations, or are refused", async () => {
  const inputs = fc.oneof(
    damagedText([MIRRORS, SKOPEO, SHORT]),
    damagedText([MIRRORS, SKOPEO, SHORT, ...FOREIGN, ...ATTACKS]),
  );
  await answersOrRefuses(
    inputs,
    async (text) => {
      const entries = await read(text);
      for (const entry of entries) await use(entry);
    },
    { runs: 500 },
  );
});

test("files of other programs are converted to mirror files that can be read, or refused", async () => {
  let count = 0;
  const converted = async (text: string): Promise<void> => {
    const { yaml: written } = await convertSyncFile(text, undefined, { file: "foreign.yaml" });
    count++;
    // A converted file may want what the person who converts it has to see to, and is told to; never another form.
    await parsed(() => parseMirrorFile(written, { file: "mirror.yaml", variables: { A: "b" } }));
  };
  await answersOrRefuses(fc.oneof(mutatedText(FOREIGN), damagedText([...FOREIGN, ...ATTACKS])), converted);
  expect(count).toBeGreaterThan(0);
});

test("references that are typed become entries, or are refused", async () => {
  await answersOrRefuses(
    damagedText(["quay.io/a/b:c", "docker://busybox", "localhost:5000/a"]),
    async (text) => {
      await use(entryFromReference(text));
    },
  );
});

test("patterns of tags are compiled and tried, in little time, or refused", async () => {
  const corpus = [
    "v1.*",
    "{a,b}{c,d}",
    "[!a-c]?",
    "/^v[0-9]+$/",
    "/(a*)*b/",
    "/((a{1,30}){1,30})/",
    `${"*a".repeat(40)}b`,
    "/(?i)\\p{Greek}/",
    "/(?<n>x)/",
  ];
  const subjects = fc.constantFrom(...TAGS, "a".repeat(5_000));
  await answersOrRefuses(fc.tuple(damagedText(corpus), subjects), async ([text, tag]) => {
    const pattern = parseTagPattern(text);
    expect(formatTagPattern(pattern)).toBe(text);
    expect((await compileTagPattern(pattern))(tag)).toBeBoolean();
  });
});

test("versions have a total order, and ranges of them are read or refused", async () => {
  const versions = damagedText([...TAGS, "1.2.3-alpha.1+b", "v0.0.0", "1.2.3-0"]);
  await holds(fc.tuple(versions, versions, versions), (texts) => {
    const [one, two, three] = texts.map(parseVersion);
    if (one === undefined || two === undefined) return;
    expect(compareVersions(one, one)).toBe(0);
    expect(Math.sign(compareVersions(one, two))).toBe(-Math.sign(compareVersions(two, one)) + 0);
    if (three === undefined || compareVersions(one, two) > 0 || compareVersions(two, three) > 0) return;
    expect(compareVersions(one, three)).toBeLessThanOrEqual(0);
  });
  const ranges = damagedText([">=1.2 <3 || ~4.5", "^1.2.3", "1.x", "1.2 - 3.4.5", "*", "!=2"]);
  await answersOrRefuses(fc.tuple(ranges, fc.constantFrom(...TAGS)), ([text, tag]) => {
    const range = parseVersionRange(text);
    const version = parseVersion(tag);
    if (version !== undefined) expect(isInRange(version, range)).toBeBoolean();
  });
});

test("ages, durations, platforms and lists are read or refused", async () => {
  await answersOrRefuses(damagedText(["30d", "1w2d", "2024-01-01", "2024-01-01T00:00:00+02:00"]), (text) => {
    const limit = parseAgeLimit(text, "a:1", "newer-than");
    if (limit.kind === "date") expect(limit.date.getTime()).not.toBeNaN();
  });
  const isGoError = (error: unknown): boolean =>
    error instanceof Error && /^time: |^parse error/.test(error.message);
  await answersOrRefuses(
    damagedText(["1m30s", "1.5h", "-300ms", "1constructor"]),
    (text) => expect(parseDuration(text)).not.toBeNaN(),
    { isRefusal: isGoError },
  );
  await answersOrRefuses(damagedText(["linux/amd64", "linux/arm/v7"]), (text) => readPlatform(text, text), {
    isRefusal: (error) => error instanceof FlagError,
  });
  const isCsvError = (error: unknown): boolean =>
    error instanceof Error && /record on line|parse error|^EOF$/.test(error.message);
  await answersOrRefuses(damagedText(['a,b,"c,d"', '"a""b"']), parseCommaList, { isRefusal: isCsvError });
});

test("templates of destinations are refused, or make names", async () => {
  await answersOrRefuses(
    damagedText([
      "registry.example.com/{{path}}",
      "dir:/srv/{{repository}}:{{tag}}",
      "{{registry}}/a/{{name}}:x",
    ]),
    (template) => {
      checkTemplate(template);
      expect(
        fillTemplate(template, { registry: "docker.io", repository: "library/a", tag: "b" }).name,
      ).not.toContain("{{");
    },
  );
});

test("plans are read or refused", async () => {
  const digest = `sha256:${"a".repeat(64)}`;
  const plan = JSON.stringify({
    version: 1,
    createdAt: "2024-01-01T00:00:00Z",
    images: [{ from: "a", to: "b", action: "add", source: digest, bytes: 5 }],
    deletions: [{ name: "a", digest }],
    expected: { bytes: 1, mounts: 0, requests: 2 },
  }); // prettier-ignore
  await answersOrRefuses(damagedJson([plan]), (bytes) =>
    parsePlan(new TextDecoder().decode(bytes), "plan.json"),
  );
});

async function read(text: string): Promise<readonly MirrorEntry[]> {
  switch (await detectSyncFile(text, "file.yaml")) {
    case "mirror":
      return await parseMirrorFile(text, { file: "file.yaml", variables });
    case "short":
      return await parseShortYaml(text, "file.yaml");
    case "skopeo":
      return (await parseSkopeoYaml(text, "file.yaml")).entries;
  }
}

async function use(entry: MirrorEntry): Promise<void> {
  await applyTagFilter(entry.selection.filter ?? {}, TAGS, {
    now: new Date(0),
    createdAt: async () => new Date(0),
  });
  (await destinationNamer(entry, undefined).catch(() => undefined))?.("latest");
}
