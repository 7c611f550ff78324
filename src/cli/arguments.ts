import { parseArgs } from "node:util";
import { FlagError } from "./command.ts";
import type { Flag, FlagTable, FlagValue } from "./flag.ts";
import { isBooleanKind, parseFlagValue } from "./flag-values.ts";
import { quote } from "./go-text.ts";
import { suggest, suggestionText } from "./suggest.ts";

/** A command line taken apart. `given` has only the flags that occur, by their names in the table. */
export interface ParsedArguments {
  readonly given: ReadonlyMap<string, FlagValue>;
  readonly positionals: readonly string[];
}

type Token = ReturnType<typeof tokenize>[number];
type OptionToken = Extract<Token, { kind: "option" }>;

/**
 * Reads flags as pflag does, the library that the Go tools of this family use: flags and other words mix freely
 * until `--`, booleans take a value only behind `=`, and letters can be joined: `-qa`, `-foci`, `-f=oci`.
 * Flags are read from left to right and the first mistake ends it. cli.md 1.4.
 * @throws {FlagError} naming the flag, and what is wrong with it or its value
 */
export function parseArguments(table: FlagTable, words: readonly string[]): ParsedArguments {
  const reader = new FlagReader(table);
  const positionals: string[] = [];
  for (let start = 0; start < words.length; ) start += readWords(reader, words.slice(start), positionals);
  return { given: reader.given, positionals };
}

/**
 * Reads words and says how many: all, unless one has the form `-q=false`. The tokenizer does not know it and takes
 * what follows the `=` for more letters, so that tokens must be made anew from the next word on.
 */
function readWords(reader: FlagReader, words: readonly string[], positionals: string[]): number {
  let word = -1;
  let letter = 0;
  for (const token of tokenize(reader.table, words)) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    letter = token.index === word ? letter + 1 : 0;
    word = token.index;
    if (token.rawName.startsWith("--")) reader.readLong(token);
    else if (reader.readLetter(token, (words[word] ?? "").slice(1 + letter))) return word + 1;
  }
  return words.length;
}

/** Where the command's name stands: the first word that is neither a flag nor the value of one; -1 without any. */
export function findCommand(table: FlagTable, words: readonly string[]): number {
  // Most command lines begin with the command, and tokens take half a millisecond to make.
  if (words[0]?.startsWith("-") === false) return 0;
  return tokenize(table, words).find((token) => token.kind === "positional")?.index ?? -1;
}

function tokenize(table: FlagTable, words: readonly string[]): ReturnType<typeof parseTokens> {
  const options = Object.entries(table).flatMap(([name, flag]) =>
    [name, ...(flag.aliases ?? [])].map((key) => [key, tokenizerOption(flag, key === name)] as const),
  );
  return parseTokens(
    options.filter(([key, { short }]) => words.some((word) => mayName(word, key, short))),
    words,
  );
}

/** Whether a word may hold a flag. The tokenizer takes its time over each flag that it is told of. */
function mayName(word: string, name: string, short: string | undefined): boolean {
  return word.startsWith(`--${name}`) || (short !== undefined && /^-[^-]/.test(word) && word.includes(short));
}

interface TokenizerOption {
  readonly type: "boolean" | "string";
  readonly short?: string;
}

function tokenizerOption(flag: Flag, hasShort: boolean): TokenizerOption {
  const type = isBooleanKind(flag.kind) ? "boolean" : "string";
  return hasShort && flag.short !== undefined ? { type, short: flag.short } : { type };
}

function parseTokens(options: readonly (readonly [string, TokenizerOption])[], words: readonly string[]) {
  return parseArgs({
    args: [...words],
    options: Object.fromEntries(options),
    strict: false,
    allowPositionals: true,
    tokens: true,
  }).tokens;
}

/** Turns option tokens into flag values, one after the other. */
class FlagReader {
  readonly given: Map<string, FlagValue> = new Map();
  readonly table: FlagTable;
  /** The table's names by every name a flag may be given as. */
  readonly #names: Map<string, string> = new Map();

  constructor(table: FlagTable) {
    this.table = table;
    for (const [name, flag] of Object.entries(table)) {
      for (const key of [name, ...(flag.aliases ?? [])]) this.#names.set(key, name);
    }
  }

  readLong(token: OptionToken): void {
    if (token.name.startsWith("-") || token.name.startsWith("=")) {
      const value = token.inlineValue === true ? `=${token.value}` : "";
      throw new FlagError(`bad flag syntax: ${token.rawName}${value}`);
    }
    const name = this.#names.get(token.name);
    if (name === undefined) {
      const message = `unknown flag: --${token.name}`;
      throw new FlagError(message + suggestionText(this.#suggest(token.name)));
    }
    this.#read(name, token.value, `--${token.name}`);
  }

  /** Reads the letter that `rest` of a word begins with, and says whether that was the whole rest as `-q=false`. */
  readLetter(token: OptionToken, rest: string): boolean {
    const name = this.#names.get(token.name);
    const flag = name === undefined ? undefined : this.table[name];
    if (name === undefined || flag === undefined || flag.short !== rest[0]) {
      throw new FlagError(`unknown shorthand flag: '${rest.slice(0, 1)}' in -${rest}`);
    }
    const attached = rest.length > 2 && rest[1] === "=" ? rest.slice(2) : undefined;
    this.#read(name, attached ?? token.value, `'${flag.short}' in -${rest}`);
    return attached !== undefined && isBooleanKind(flag.kind);
  }

  #read(name: string, value: string | undefined, written: string): void {
    const flag = this.table[name];
    if (flag === undefined) return;
    const text = value ?? (isBooleanKind(flag.kind) ? "true" : undefined);
    if (text === undefined) throw new FlagError(`flag needs an argument: ${written}`);
    try {
      this.given.set(name, parseFlagValue(flag, text, this.given.get(name)));
    } catch (error) {
      const label = flag.short === undefined ? `--${name}` : `-${flag.short}, --${name}`;
      const reason = error instanceof Error ? error.message : String(error);
      throw new FlagError(`invalid argument ${quote(text)} for "${label}" flag: ${reason}`, { cause: error });
    }
  }

  #suggest(typed: string): readonly string[] {
    const visible = Object.entries(this.table).filter(([, flag]) => flag.hidden !== true);
    return suggest(
      typed,
      visible.map(([name]) => name),
    ).map((name) => `--${name}`);
  }
}
