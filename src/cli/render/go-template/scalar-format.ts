import { type ByteText, encodeRune, isPrintable, REPLACEMENT_RUNE, runesOf } from "./byte-text.ts";
import { type FloatVerb, formatFloat } from "./float-format.ts";
import { type FormatFlags, pad, padWithSpaces } from "./format-flags.ts";
import { canBackquote, quote, quoteRune } from "./quote.ts";

const BASES: Readonly<Record<string, number>> = { d: 10, b: 2, o: 8, O: 8, x: 16, X: 16 };
const PREFIXES: Readonly<Record<string, string>> = { b: "0b", x: "0x", X: "0X" };

/** Each returns undefined for a verb that the type has no form for. */
export type Formatted = ByteText | undefined;

export function formatBool(value: boolean, verb: string, flags: FormatFlags): Formatted {
  return verb === "t" || verb === "v" ? pad(String(value), flags) : undefined;
}

export function formatInteger(value: bigint, signed: boolean, verb: string, flags: FormatFlags): Formatted {
  switch (verb) {
    case "v":
      return flags.sharpV && !signed
        ? formatDigits(value, "x", { ...flags, sharp: true })
        : formatDigits(value, "d", flags);
    case "d":
    case "b":
    case "o":
    case "O":
    case "x":
    case "X":
      return formatDigits(value, verb, flags);
    case "c":
      return pad(encodeRune(toRune(value)), flags);
    case "q":
      return pad(quoteRune(toRune(value), flags.plus), flags);
    case "U":
      return formatCodePoint(value, flags);
    default:
      return undefined;
  }
}

/** Precision is a number of digits; so is the width, if it is to be filled with zeros. */
function formatDigits(value: bigint, verb: string, flags: FormatFlags): ByteText {
  const { precision, width } = flags;
  if (precision === 0 && value === 0n) return padWithSpaces("", flags);
  const sign = value < 0n ? "-" : flags.plus ? "+" : flags.space ? " " : "";
  const zeroFilled = flags.zero && !flags.minus && width !== undefined;
  const count = precision ?? (zeroFilled ? width - sign.length : 0);
  let digits = (value < 0n ? -value : value).toString(BASES[verb]).padStart(count, "0");
  if (verb === "X") digits = digits.toUpperCase();
  if (flags.sharp && BASES[verb] === 8 && !digits.startsWith("0")) digits = `0${digits}`;
  const prefix = verb === "O" ? "0o" : flags.sharp ? (PREFIXES[verb] ?? "") : "";
  return padWithSpaces(sign + prefix + digits, flags);
}

function formatCodePoint(value: bigint, flags: FormatFlags): ByteText {
  const hex = BigInt.asUintN(64, value).toString(16).toUpperCase();
  const code = `U+${hex.padStart(Math.max(flags.precision ?? 4, 4), "0")}`;
  const shown = flags.sharp && value >= 0n && value <= 0x10ffffn && isPrintable(Number(value));
  return padWithSpaces(shown ? `${code} '${encodeRune(Number(value))}'` : code, flags);
}

function toRune(value: bigint): number {
  return value >= 0n && value <= 0x10ffffn ? Number(value) : REPLACEMENT_RUNE;
}

export function formatFloatVerb(value: number, verb: string, flags: FormatFlags): Formatted {
  switch (verb) {
    case "v":
      return layOutFloat(value, "g", undefined, flags);
    case "b":
    case "g":
    case "G":
    case "x":
    case "X":
      return layOutFloat(value, verb, undefined, flags);
    case "f":
    case "F":
      return layOutFloat(value, "f", 6, flags);
    case "e":
    case "E":
      return layOutFloat(value, verb, 6, flags);
    default:
      return undefined;
  }
}

export function formatComplex(real: number, imaginary: number, verb: string, flags: FormatFlags): Formatted {
  const first = formatFloatVerb(real, verb, flags);
  const second = formatFloatVerb(imaginary, verb, { ...flags, plus: true });
  return first === undefined || second === undefined ? undefined : `(${first}${second}i)`;
}

function layOutFloat(
  value: number,
  verb: FloatVerb,
  defaultPrecision: number | undefined,
  flags: FormatFlags,
): ByteText {
  const precision = flags.precision ?? defaultPrecision;
  const text = formatFloat(value, verb, precision);
  const negative = text.startsWith("-");
  const magnitude = text.replace(/^[-+]/, "");
  const sign = negative ? "-" : flags.plus ? "+" : flags.space ? " " : "";
  if (magnitude === "Inf") return padWithSpaces((sign || "+") + magnitude, flags);
  if (magnitude === "NaN")
    return padWithSpaces((flags.plus ? "+" : flags.space ? " " : "") + magnitude, flags);
  const number = flags.sharp && verb !== "b" ? withAllDigits(magnitude, verb, precision) : magnitude;
  if (flags.zero && !flags.minus && flags.width !== undefined) {
    return sign + number.padStart(flags.width - sign.length, "0");
  }
  return pad(sign + number, flags);
}

/** The sharp flag: always a decimal point, and for `%g` the zeros that it would drop. */
function withAllDigits(number: string, verb: FloatVerb, precision: number | undefined): string {
  const isHex = verb === "x" || verb === "X";
  const tailStart = number.search(isHex ? /[pP]/ : /[eEpP]/);
  const body = tailStart < 0 ? number : number.slice(0, tailStart);
  const tail = tailStart < 0 ? "" : number.slice(tailStart);
  const counted = verb === "g" || verb === "G" || verb === "x";
  const significant = body.replace(/[.]/, "").replace(/^0+/, "").length;
  const missing = counted ? (precision ?? 6) - significant - (body === "0" ? 1 : 0) : 0;
  const pointed = body.includes(".") ? body : `${body}.`;
  return pointed + "0".repeat(Math.max(missing, 0)) + tail;
}

export function formatText(value: ByteText, verb: string, flags: FormatFlags): Formatted {
  switch (verb) {
    case "v":
      return flags.sharpV ? formatQuoted(value, flags) : pad(truncate(value, flags), flags);
    case "s":
      return pad(truncate(value, flags), flags);
    case "q":
      return formatQuoted(value, flags);
    case "x":
    case "X":
      return formatHexText(value, verb, flags);
    default:
      return undefined;
  }
}

function formatQuoted(value: ByteText, flags: FormatFlags): ByteText {
  const text = truncate(value, flags);
  if (flags.sharp && canBackquote(text)) return pad(`\`${text}\``, flags);
  return pad(quote(text, flags.plus), flags);
}

/** Two digits per byte; the space flag separates them, the sharp flag adds 0x. */
function formatHexText(value: ByteText, verb: "x" | "X", flags: FormatFlags): ByteText {
  const bytes = value.slice(0, flags.precision ?? value.length);
  if (bytes === "") return pad("", flags);
  const prefix = flags.sharp ? `0${verb}` : "";
  const pairs = Array.from(bytes, (byte) => byte.charCodeAt(0).toString(16).padStart(2, "0"));
  const digits = verb === "X" ? pairs.map((pair) => pair.toUpperCase()) : pairs;
  return pad(flags.space ? digits.map((pair) => prefix + pair).join(" ") : prefix + digits.join(""), flags);
}

/** The precision of a string is a number of characters. */
function truncate(text: ByteText, flags: FormatFlags): ByteText {
  if (flags.precision === undefined) return text;
  let end = 0;
  let left = flags.precision;
  for (const { size } of runesOf(text)) {
    if (left-- <= 0) break;
    end += size;
  }
  return text.slice(0, end);
}
