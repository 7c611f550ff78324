import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArguments } from "../../src/cli/arguments.ts";
import { commandTable } from "../../src/cli/command-table.ts";
import { globalFlags } from "../../src/cli/flags/global-flags.ts";
import { PAGES, ROOT, readBlocks, readPage } from "./blocks.ts";

/** Most commands take one or two. */
const MOST_ARGUMENTS: Readonly<Record<string, number>> = {
  sync: 3,
  "standalone-sign": 3,
  "standalone-verify": 4,
};

/** The command lines of a page that no test runs. */
function illustrativeLines(page: string): readonly string[] {
  const blocks = readBlocks(page).filter(({ mark }) => mark?.kind === "illustrative");
  const lines = blocks.flatMap(({ text }) => text.replaceAll("\\\n", " ").split("\n"));
  return lines.filter((line) => line.startsWith("skopeo "));
}

/** Splits as a shell does, as far as the pages need it. */
function wordsOf(line: string): readonly string[] {
  const words = line.replace(/\s#\s.*$/, "").match(/'[^']*'|\S+/g) ?? [];
  return words.map((word) => word.replace(/^'(.*)'$/, "$1"));
}

describe("a command line that no test runs is one that the program takes", () => {
  for (const page of PAGES) {
    for (const line of illustrativeLines(page)) {
      test(`${page}: ${line}`, async () => {
        const [, name, ...rest] = wordsOf(line);
        const entry = commandTable.find((command) => command.name === name);
        expect(entry).toBeDefined();
        const { command } = (await entry?.load()) ?? {};
        const { positionals } = parseArguments({ ...command?.flags, ...globalFlags }, rest);
        expect(positionals.length).toBeLessThanOrEqual(MOST_ARGUMENTS[name ?? ""] ?? 2);
      });
    }
  }
});

/** Whether a file or directory exists, and has the heading that an anchor names, as GitHub and GitLab spell it. */
function leadsSomewhere(page: string, target: string): boolean {
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? join(ROOT, page) : resolve(ROOT, page, "..", path);
  if (!existsSync(file)) return false;
  return anchor === undefined || anchorsOf(file).has(anchor);
}

function anchorsOf(file: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  const text = readFileSync(file, "utf8").replaceAll(/^```.*?^```/gms, "");
  for (const [, heading = ""] of text.matchAll(/^#+ (.*)$/gm)) {
    const slug = heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, "")
      .replaceAll(" ", "-");
    let [anchor, times] = [slug, 0];
    while (anchors.has(anchor)) anchor = `${slug}-${++times}`;
    anchors.add(anchor);
  }
  return anchors;
}

describe("every link within the repository leads somewhere", () => {
  const reference = readdirSync(join(ROOT, "docs", "api")).map((name) => `docs/api/${name}`);
  for (const page of [...PAGES, ...reference, "CONTRIBUTING.md", "CHANGELOG.md"]) {
    test(page, () => {
      const targets = [...readPage(page).matchAll(/\]\((?!https?:)([^)]+)/g)].map((match) => match[1] ?? "");
      expect(targets.filter((target) => !leadsSomewhere(page, target))).toEqual([]);
    });
  }
});

test("the npm scripts that the pages name exist", () => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(
    readFileSync(join(ROOT, "package.json"), "utf8"),
  );
  const text = [...PAGES, "CONTRIBUTING.md"].map(readPage).join("\n");
  const named = [...text.matchAll(/npm (?:run (\w+)|(test)\b)/g)].map((match) => match[1] ?? match[2] ?? "");
  expect(new Set(named).size).toBeGreaterThan(3);
  expect([...new Set(named)].filter((name) => scripts[name] === undefined)).toEqual([]);
});

test("the tests that hold the guarantees exist", () => {
  const page = readPage("docs/guarantees.md");
  const rows = [...page.matchAll(/^\| \*\*.*\| (.*?) \|$/gm)].map(([, tests = ""]) => tests);
  const names = rows.flatMap((tests) => [...tests.matchAll(/`([^` ]+)`/g)].map(([, name = ""]) => name));
  expect(names.length).toBeGreaterThan(20);
  const known = readdirSync(join(ROOT, "test"), { recursive: true, encoding: "utf8" });
  const isKnown = (name: string): boolean =>
    known.some((file) => file === name || new Bun.Glob(`${name}.test.ts`).match(file));
  expect(names.filter((name) => !isKnown(name))).toEqual([]);
});
