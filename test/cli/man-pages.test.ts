import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandTable } from "../../src/cli/command-table.ts";
import { manPages } from "../../src/cli/man/pages.ts";
import { temporary } from "../support/images.ts";
import { findProgram } from "../support/peers.ts";
import { run } from "../support/run.ts";

const pages = await manPages(commandTable);
const directory = temporary("man");
for (const [name, text] of pages) writeFileSync(join(directory, name), text);

/** A page has no date, so that the same program gives the same pages. */
const ALLOWED = /missing date|Tlint|STYLE/;

describe("the manual", () => {
  test("has a page for the program and for each command that is listed", () => {
    const names = commandTable.filter(({ hidden }) => hidden !== true).map(({ name }) => `skopeo-${name}.1`);
    expect([...pages.keys()].toSorted()).toEqual(["skopeo.1", ...names].toSorted());
  });

  test("has every flag that is not hidden", async () => {
    for (const { name, load, hidden } of commandTable) {
      if (hidden === true) continue;
      const text = pages.get(`skopeo-${name}.1`)?.replaceAll("\\-", "-") ?? "";
      for (const [flag, { hidden: isHidden }] of Object.entries((await load()).command.flags))
        expect([flag, text.includes(`--${flag}\\fR`)]).toEqual([flag, isHidden !== true]);
    }
  });

  for (const [program, words] of [
    ["groff", ["-ww", "-man", "-Tutf8", "-z"]],
    ["mandoc", ["-Tlint", "-Wwarning"]],
  ] as const) {
    const path = findProgram(program);
    if (path === undefined) console.error(`LEFT OUT for want of ${program}: its opinion of the manual`);
    test.skipIf(path === undefined)(`has nothing that ${program} complains about`, async () => {
      for (const name of pages.keys()) {
        const { stdout, stderr } = await run([path ?? "", ...words, join(directory, name)]);
        const complaints = `${stdout}${stderr}`
          .split("\n")
          .filter((line) => line !== "" && !ALLOWED.test(line));
        expect(complaints).toEqual([]);
      }
    });
  }
});
