import { expect, test } from "bun:test";
import { alignColumns } from "../../../src/cli/render/tab-writer.ts";

const align = (text: string, minimumWidth = 0): string =>
  alignColumns(text, { minimumWidth, padding: 1 }, (bytes) => bytes.length);

const cases: readonly (readonly [name: string, text: string, aligned: string])[] = [
  ["cells are as wide as the widest", "a\tb\naaa\tb\n", "a   b\naaa b\n"],
  ["what follows the last tab is in no column", "a\tbbbbbb\na\tb\tc", "a bbbbbb\na b c"],
  ["a line without a cell ends the column", "aaa\tb\n\na\tb\n", "aaa b\n\na b\n"],
  [
    "a column begins and ends within the one before",
    "a\tb\tc\naaaa\td\na\tbbb\tc\n",
    "a    b c\naaaa d\na    bbb c\n",
  ],
  ["an empty cell is filled up", "\tb\naa\tb\n", "   b\naa b\n"],
  ["a vertical tab ends a cell, too", "a\vb\naaa\vb", "a   b\naaa b"],
  ["a form feed ends all columns", "aaa\tb\fa\tb\n", "aaa b\na b\n"],
  ["escaped text is one cell", "\u00ffa\tb\u00ff\tc\nd\te", "a\tb c\nd   e"],
  ["a cell at the end of the text is not filled up", "a\tb\t", "a b"],
  ["a cell at the end of a line is", "a\tb\t\n", "a b \n"],
];
for (const [name, text, aligned] of cases) test(name, () => expect(align(text)).toBe(aligned));

test("columns have a minimum width", () => expect(align("a\tb", 8)).toBe("a       b"));
