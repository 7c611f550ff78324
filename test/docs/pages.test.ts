import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../support/peers.ts";
import { PAGES, ROOT, readBlocks } from "./blocks.ts";
import { isRun, runPage } from "./run-page.ts";
import { SETUPS } from "./setups.ts";

/** Every block of commands in the pages runs, word for word, unless its mark says what else there is. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  "docs/signing.md": ["gpg"],
};
/** Commands of the repository, for a checkout: the script that passes everything runs what they run. */
const TIMEOUT = 60_000;
const OF_THE_REPOSITORY = /^npm (?:ci|run|test)\b/m;

for (const page of PAGES) {
  const blocks = readBlocks(page).filter((block) => isRun(block) && !OF_THE_REPOSITORY.test(block.text));
  if (blocks.length === 0) continue;
  const missing = (NEEDED[page] ?? []).filter((program) => findProgram(program) === undefined);
  if (missing.length > 0)
    console.error(`LEFT OUT for want of ${missing.join(", ")}: the commands of ${page}`);
  test.skipIf(missing.length > 0)(
    `the commands of ${page} do what it says`,
    async () => {
      await runPage(page, SETUPS[page]);
    },
    TIMEOUT,
  );
}

describe("blocks", () => {
  test("of commands are marked as such, so that they are found", () => {
    const blocks = PAGES.flatMap(readBlocks);
    expect(blocks.filter(({ language }) => /^(bash|shell|console|)$/.test(language))).toEqual([]);
    const isCommand = ({ text }: { text: string }): boolean => /^\$ |^skopeo /m.test(text);
    expect(blocks.filter((block) => block.language === "text" && isCommand(block))).toEqual([]);
  });

  test("that others run name a file which names their command", () => {
    for (const { mark, text, page, line } of PAGES.flatMap(readBlocks)) {
      if (mark?.kind !== "tested-by") continue;
      const content = existsSync(join(ROOT, mark.path)) ? readFileSync(join(ROOT, mark.path), "utf8") : "";
      const words = text.trim().split(/\s+/).slice(-1);
      expect([`${page}:${line}`, words.every((word) => content.includes(word))]).toEqual([
        `${page}:${line}`,
        true,
      ]);
    }
  });

  test("with setups are those of pages that there are", () => {
    expect(Object.keys(SETUPS).filter((page) => !PAGES.includes(page))).toEqual([]);
  });
});
