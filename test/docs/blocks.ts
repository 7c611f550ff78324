import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

export const ROOT: string = resolve(import.meta.dir, "../..");

/** The pages for users, by their paths in the repository. */
export const PAGES: readonly string[] = [
  "README.md",
  "examples/README.md",
  ...readdirSync(join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

/** What a comment in front of a block says about it. Readers of the page do not see it. */
export type Mark =
  /** It cannot run here; its command lines are parsed all the same. */
  | { readonly kind: "illustrative" }
  /** A file of this repository runs it. */
  | { readonly kind: "tested-by"; readonly path: string }
  /** A server: it goes on while the blocks after it run. */
  | { readonly kind: "in-background" }
  /** It ends with this code, which the page explains. */
  | { readonly kind: "exit-code"; readonly code: number };

/** A fenced block of a page. */
export interface Block {
  readonly page: string;
  /** Where its fence begins, from 1. */
  readonly line: number;
  readonly language: string;
  /** What stands behind the language: the name of the file that the block shows. */
  readonly file: string | undefined;
  readonly text: string;
  readonly mark: Mark | undefined;
  /** What the page shows of the output: a block of text that follows at once. */
  readonly output: string | undefined;
}

/** All blocks of a page, in order. */
export function readBlocks(page: string): readonly Block[] {
  const text = readPage(page);
  const found = [...text.matchAll(/(?:^<!-- (.*?) -->\n)?^```(\w*)(?: (\S+))?\n(.*?)^```$/gms)];
  return found.map((match, i) => {
    const [whole, mark, language = "", file, body = ""] = match;
    const next = found[i + 1];
    const end = match.index + whole.length;
    const follows = next?.[2] === "text" && text.slice(end, next.index).trim() === "";
    return {
      page,
      line: text.slice(0, match.index).split("\n").length,
      ...{ language, file, text: body },
      mark: mark === undefined ? undefined : parseMark(mark, page),
      output: follows ? next?.[4] : undefined,
    };
  });
}

export function readPage(page: string): string {
  return readFileSync(join(ROOT, page), "utf8");
}

/** @throws where a mark is none of those that there are, such as one with a slip of the pen */
function parseMark(text: string, page: string): Mark {
  const [, path] = /^tested by (\S+)$/.exec(text) ?? [];
  const [, code] = /^exit code (\d+)$/.exec(text) ?? [];
  if (text === "illustrative") return { kind: "illustrative" };
  if (text === "in the background") return { kind: "in-background" };
  if (path !== undefined) return { kind: "tested-by", path };
  if (code !== undefined) return { kind: "exit-code", code: Number(code) };
  throw new Error(`${page} has a block marked <!-- ${text} -->, which means nothing`);
}
