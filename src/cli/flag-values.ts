import { parseCommaList } from "./comma-list.ts";
import { parseDuration } from "./duration.ts";
import type { Flag, FlagKind, FlagKindValues, FlagTable, FlagValue, FlagValues } from "./flag.ts";
import { quote } from "./go-text.ts";

const BOOLEANS: Readonly<Record<string, boolean>> = {
  "1": true,
  t: true,
  T: true,
  true: true,
  TRUE: true,
  True: true,
  "0": false,
  f: false,
  F: false,
  false: false,
  FALSE: false,
  False: false,
};

/** Whether a flag of this kind stands alone, and takes a value only behind `=`. */
export function isBooleanKind(kind: FlagKind): boolean {
  return kind === "boolean" || kind === "optional-boolean" || kind === "inline-string" || kind === "help";
}

/**
 * Reads one occurrence of a flag. `previous` is what earlier ones gave: lists grow, everything else is replaced.
 * @throws {Error} naming what is wrong with the value; the caller adds which flag it was given to
 */
export function parseFlagValue(flag: Flag, text: string, previous: FlagValue): FlagValue {
  switch (flag.kind) {
    case "boolean":
    case "optional-boolean":
      return parseBoolean(text);
    case "help":
      return text === "all" ? text : parseBoolean(text);
    case "string":
      return text === "" ? undefined : text;
    case "optional-string":
    case "inline-string":
      return text;
    case "list":
      return [...(Array.isArray(previous) ? previous : []), ...parseCommaList(text)] as readonly string[];
    case "integer-list":
      return [...(Array.isArray(previous) ? previous : []), ...text.split(",").map(parseDecimal)] as number[];
    case "integer":
    case "optional-integer":
      return parseInteger(text);
    case "unsigned":
      return parseUnsigned(text);
    case "duration":
      return parseDuration(text);
  }
}

/** The values of a whole table: those given, and for each other flag what its kind says about flags not given. */
export function completeFlagValues<Table extends FlagTable>(
  table: Table,
  given: ReadonlyMap<string, FlagValue>,
): FlagValues<Table> {
  const entries = Object.entries(table).map(([name, flag]) => [
    name,
    given.has(name) ? given.get(name) : ZERO_VALUES[flag.kind],
  ]);
  // Every value in `given` was made by `parseFlagValue` for the kind of its flag.
  return Object.fromEntries(entries) as FlagValues<Table>;
}

const ZERO_VALUES: { readonly [Kind in FlagKind]: FlagKindValues[Kind] } = {
  boolean: false,
  "optional-boolean": undefined,
  help: false,
  string: undefined,
  "optional-string": undefined,
  "inline-string": undefined,
  list: [],
  "integer-list": [],
  integer: 0,
  unsigned: 0,
  "optional-integer": undefined,
  duration: 0,
};

function parseBoolean(text: string): boolean {
  const value = Object.hasOwn(BOOLEANS, text) ? BOOLEANS[text] : undefined;
  if (value === undefined) throw invalidSyntax("ParseBool", text);
  return value;
}

const DIGITS =
  /^(?:0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0(?:_?[0-7])*|[1-9](?:_?[0-9])*)$/;

function parseInteger(text: string): number {
  const isNegative = text.startsWith("-");
  const digits = /^[+-]/.test(text) ? text.slice(1) : text;
  if (!DIGITS.test(digits)) throw invalidSyntax("ParseInt", text);
  const magnitude = readDigits(digits);
  if (magnitude > 2n ** 63n - (isNegative ? 0n : 1n)) throw outOfRange("ParseInt", text);
  return Number(isNegative ? -magnitude : magnitude);
}

function parseUnsigned(text: string): number {
  if (!DIGITS.test(text)) throw invalidSyntax("ParseUint", text);
  const value = readDigits(text);
  if (value >= 2n ** 64n) throw outOfRange("ParseUint", text);
  return Number(value);
}

function parseDecimal(text: string): number {
  if (!/^[+-]?[0-9]+$/.test(text)) throw invalidSyntax("Atoi", text);
  const value = BigInt(text.replace(/^\+/, ""));
  if (value >= 2n ** 63n || value < -(2n ** 63n)) throw outOfRange("Atoi", text);
  return Number(value);
}

/** Digits with a base prefix, where a leading 0 alone means octal, and underscores between digits. */
function readDigits(text: string): bigint {
  const digits = text.replaceAll("_", "").toLowerCase();
  return BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits}` : digits);
}

function invalidSyntax(reader: string, text: string): Error {
  return new Error(`strconv.${reader}: parsing ${quote(text)}: invalid syntax`);
}

function outOfRange(reader: string, text: string): Error {
  return new Error(`strconv.${reader}: parsing ${quote(text)}: value out of range`);
}
