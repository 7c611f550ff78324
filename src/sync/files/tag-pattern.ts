import { errorMessage, ImageError } from "../../core/errors.ts";
import type { TagPattern } from "./mirror-entry.ts";

/** A tag cannot hold a slash, so that a pattern between two of them is a regular expression: `/^v\d+$/`. */
export function parseTagPattern(text: string, place?: string): TagPattern {
  const inner = /^\/(.*)\/$/s.exec(text)?.[1];
  return inner === undefined ? { kind: "glob", text, place } : { kind: "regex", text: inner, place };
}

/** As it is written in a file. */
export function formatTagPattern({ kind, text }: TagPattern): string {
  return kind === "regex" ? `/${text}/` : text;
}

/**
 * Makes the test of a pattern. Regular expressions are RE2's, in linear time.
 * @throws {ImageError} CONFIG_INVALID
 */
export async function compileTagPattern(pattern: TagPattern): Promise<(tag: string) => boolean> {
  if (pattern.kind === "glob") return compileGlob(pattern.text);
  const expression = await compileRegex(pattern.text);
  return (tag) => expression.test(tag);
}

/** A compiled regular expression. */
export interface Regex {
  /** Whether any part of `text` matches. */
  test(text: string): boolean;
  /** Every match replaced; `$1`, `${1}` and `${name}` stand for groups, `$$` for a dollar. */
  replaceAll(text: string, replacement: string): string;
}

/** @throws {ImageError} CONFIG_INVALID in the words of Go's regexp package */
export async function compileRegex(text: string): Promise<Regex> {
  const { RE2JS } = await import("re2js");
  try {
    const compiled = RE2JS.compile(text);
    const names = compiled.namedGroups();
    const groups = compiled.groupCount() + 1;
    return {
      test: (input) => compiled.test(input),
      replaceAll: (input, replacement) =>
        compiled
          .matcher(input)
          .replaceAll((...parts: unknown[]) => expand(replacement, parts.slice(0, groups), names)),
    };
  } catch (error) {
    // Go quotes what is left of the expression: nothing.
    const message = errorMessage(error).replace(/(trailing backslash at end of expression)$/, "$1: ``");
    throw new ImageError("CONFIG_INVALID", message, { cause: error });
  }
}

function expand(
  replacement: string,
  parts: readonly unknown[],
  names: Readonly<Record<string, number>>,
): string {
  return replacement.replace(/\$(?:(\$)|(\d+)|\{(\w+)\})/g, (_, dollar, digits, name) => {
    if (dollar !== undefined) return "$";
    const index = Number(digits ?? names[name] ?? name);
    const group = Number.isInteger(index) ? parts[index] : undefined;
    return typeof group === "string" ? group : "";
  });
}

const MOST_ALTERNATIVES = 100;

/** `*` any characters, `?` one, `[a-c]` and `[!a-c]` one of a set, `{a,b}` either, `\` takes the meaning away. */
function compileGlob(text: string): (tag: string) => boolean {
  const alternatives = expandBraces(text).map(parseGlob);
  return (tag) => alternatives.some((steps) => matchesGlob(steps, tag));
}

type GlobStep = "any" | { readonly matches: (character: string) => boolean };

function expandBraces(text: string): readonly string[] {
  let found = [text];
  for (;;) {
    const next = found.flatMap((glob) => {
      const match = /^((?:[^\\{]|\\.)*)\{([^{}]*)\}(.*)$/s.exec(glob);
      if (match === null) return [glob];
      const [, before = "", choices = "", after = ""] = match;
      return choices.split(",").map((choice) => `${before}${choice}${after}`);
    });
    if (next.length > MOST_ALTERNATIVES)
      throw new ImageError("CONFIG_INVALID", "the braces have too many alternatives");
    if (next.every((glob, index) => glob === found[index])) return next;
    found = next;
  }
}

function parseGlob(text: string): readonly GlobStep[] {
  const pieces = text.match(/\\.|\[[!^]?\]?[^\]]*\]|[\s\S]/g) ?? [];
  return pieces.map((piece): GlobStep => {
    if (piece === "*") return "any";
    if (piece === "?") return { matches: () => true };
    if (piece.length > 2 && piece.startsWith("[")) return { matches: parseSet(piece.slice(1, -1)) };
    if (piece === "[" || piece === "{" || piece === "}") {
      throw new ImageError("CONFIG_INVALID", `the glob has a ${piece} without its other half`);
    }
    const literal = piece.length === 2 ? piece.slice(1) : piece;
    return { matches: (character) => character === literal };
  });
}

function parseSet(text: string): (character: string) => boolean {
  const isNegated = /^[!^]/.test(text);
  const ranges = [...(isNegated ? text.slice(1) : text).matchAll(/([\s\S])-([\s\S])|([\s\S])/g)].map(
    ([, first, last, single = ""]) => [first ?? single, last ?? single] as const,
  );
  return (character) => ranges.some(([first, last]) => character >= first && character <= last) !== isNegated;
}

/** The last star takes what it must, no star is ever tried again: at most length × length steps. */
function matchesGlob(steps: readonly GlobStep[], tag: string): boolean {
  let at = 0;
  let star = -1;
  let resume = 0;
  for (let index = 0; index < tag.length; ) {
    const step = steps[at];
    if (step === "any") {
      star = at++;
      resume = index;
    } else if (step?.matches(tag[index] ?? "")) {
      at++;
      index++;
    } else if (star >= 0) {
      at = star + 1;
      index = ++resume;
    } else return false;
  }
  return steps.slice(at).every((step) => step === "any");
}
