import type { ByteText } from "./byte-text.ts";
import { unquoteRune } from "./quote.ts";

/**
 * A constant, as every type it can be used for: `1e3` is an integer too. The text tells which one is meant where any
 * would do.
 */
export interface NumberLiteral {
  readonly text: ByteText;
  readonly int?: bigint | undefined;
  readonly uint?: bigint | undefined;
  readonly float?: number | undefined;
  readonly complex?: { readonly real: number; readonly imaginary: number } | undefined;
}

const MAX_INT = 2n ** 63n - 1n;
const MAX_UINT = 2n ** 64n - 1n;
const PREFIXES: Readonly<Record<string, string>> = { x: "0x", o: "0o", b: "0b" };
const DECIMAL_FLOAT = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
const HEX_FLOAT = /^([+-]?)0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)[pP]([+-]?[0-9]+)$/;

/** Reads a number or character constant. The result is a message where it is neither. */
export function parseNumber(text: ByteText): NumberLiteral | string {
  if (text.startsWith("'")) return parseCharacter(text);
  if (text.endsWith("i")) return parseComplex(text);
  const int = parseInteger(text);
  if (int !== undefined) return integerLiteral(text, int);
  const float = parseFloat64(text);
  if (float === undefined) return `illegal number syntax: "${text}"`;
  if (!/[.eEpP]/.test(text)) return `integer overflow: "${text}"`;
  return floatLiteral(text, float);
}

function parseCharacter(text: ByteText): NumberLiteral | string {
  const rune = unquoteRune(text);
  if (rune === undefined) return "invalid syntax";
  if (rune === "malformed") return `malformed character constant: ${text}`;
  return integerLiteral(text, BigInt(rune));
}

function parseComplex(text: ByteText): NumberLiteral | string {
  const split = text.slice(1).search(/(?<![eEpP])[+-]/) + 1;
  const real = split === 0 ? 0 : parseFloat64(text.slice(0, split));
  const imaginary = parseFloat64(text.slice(split, -1));
  if (real === undefined || imaginary === undefined) {
    return split === 0 ? `illegal number syntax: "${text}"` : "syntax error scanning complex number";
  }
  const complex = { real, imaginary };
  return imaginary === 0 ? { ...floatLiteral(text, real), complex } : { text, complex };
}

function integerLiteral(text: ByteText, value: bigint): NumberLiteral {
  return {
    text,
    int: value <= MAX_INT ? value : undefined,
    uint: value >= 0n ? value : undefined,
    float: Number(value),
  };
}

function floatLiteral(text: ByteText, float: number): NumberLiteral {
  const whole = Number.isInteger(float) ? BigInt(float) : undefined;
  const int = whole !== undefined && whole >= -MAX_INT - 1n && whole <= MAX_INT ? whole : undefined;
  const uint = whole !== undefined && whole >= 0n && whole <= MAX_UINT ? whole : undefined;
  return { text, int, uint, float };
}

/** An integer of up to 64 bits, in any of Go's notations; `+` and `-` need one of 63 bits. */
function parseInteger(text: ByteText): bigint | undefined {
  const match = /^([+-]?)(?:0([xXoObB])|(0)(?=[0-9_]))?([0-9a-fA-F_]+)$/.exec(text);
  if (match === null || !underscoresFit(text)) return undefined;
  const [, sign = "", letter = "", zero, digits = ""] = match;
  // A zero in front, as of old, makes a number octal.
  const prefix = zero === undefined ? (PREFIXES[letter.toLowerCase()] ?? "") : "0o";
  const magnitude = toBigInt(prefix + digits.replaceAll("_", ""));
  if (magnitude === undefined) return undefined;
  const value = sign === "-" ? -magnitude : magnitude;
  const fits = sign === "" ? value <= MAX_UINT : value >= -MAX_INT - 1n && value <= MAX_INT;
  return fits ? value : undefined;
}

function toBigInt(digits: string): bigint | undefined {
  const valid = /^(?:[0-9]+|0x[0-9a-fA-F]+|0o[0-7]+|0b[01]+)$/.test(digits);
  return valid ? BigInt(digits) : undefined;
}

function parseFloat64(text: ByteText): number | undefined {
  if (!underscoresFit(text)) return undefined;
  const plain = text.replaceAll("_", "");
  const hex = HEX_FLOAT.exec(plain);
  const value = hex === null ? parseDecimal(plain) : parseHex(hex);
  return value === undefined || Number.isFinite(value) ? value : undefined;
}

function parseDecimal(text: string): number | undefined {
  return DECIMAL_FLOAT.test(text) ? Number(text) : undefined;
}

function parseHex([, sign, whole = "", fraction = "", exponent]: RegExpExecArray): number | undefined {
  if (whole === "" && fraction === "") return undefined;
  const magnitude = Number(BigInt(`0x${whole}${fraction}`)) * 2 ** (Number(exponent) - 4 * fraction.length);
  return sign === "-" ? -magnitude : magnitude;
}

/** Underscores stand only between digits, or between a prefix and a digit. */
function underscoresFit(text: string): boolean {
  const body = text.replace(/^[+-]?(?:0[xXoObB])?/, (prefix) => (prefix.length > 1 ? "0" : ""));
  const digit = /^[+-]?0[xX]/.test(text) ? "[0-9a-fA-F]" : "[0-9]";
  return !new RegExp(`(?<!${digit})_|_(?!${digit})`).test(body);
}
