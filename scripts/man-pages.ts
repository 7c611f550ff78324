import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { commandTable } from "../src/cli/command-table.ts";
import { manPages } from "../src/cli/man/pages.ts";

/** Writes the pages of the manual: `npm run man [-- DIRECTORY]`; into dist/man by default. */
const directory = resolve(process.argv[2] ?? join(import.meta.dirname, "..", "dist", "man"));
mkdirSync(directory, { recursive: true });
const pages = await manPages(commandTable);
for (const [name, text] of pages) writeFileSync(join(directory, name), text);
console.log(`${pages.size} pages in ${directory}`);
