import {
  type ByteText,
  decodeRune,
  encodeRune,
  isPrintable,
  REPLACEMENT_RUNE,
  runesOf,
} from "./byte-text.ts";

const SHORT_ESCAPES: ReadonlyMap<number, string> = new Map([
  [0x07, "\\a"],
  [0x08, "\\b"],
  [0x0c, "\\f"],
  [0x0a, "\\n"],
  [0x0d, "\\r"],
  [0x09, "\\t"],
  [0x0b, "\\v"],
]);
const ESCAPED_RUNES: ReadonlyMap<string, number> = new Map(
  [...SHORT_ESCAPES].map(([rune, escaped]) => [escaped.charAt(1), rune]),
);
const HEX_ESCAPES: ReadonlyMap<string, number> = new Map([
  ["x", 2],
  ["u", 4],
  ["U", 8],
]);

/** What a quoted literal means, or undefined where it is none. */
export type Unquoted = ByteText | undefined;

/** Go syntax for a string, in double quotes. With `asciiOnly` other characters are escaped too. */
export function quote(bytes: ByteText, asciiOnly = false): ByteText {
  let quoted = "";
  let position = 0;
  for (const { rune, size } of runesOf(bytes)) {
    if (size === 1 && rune === REPLACEMENT_RUNE) quoted += hexEscape("x", bytes.charCodeAt(position), 2);
    else quoted += escapeRune(rune, '"', asciiOnly);
    position += size;
  }
  return `"${quoted}"`;
}

/** Go syntax for a character, in single quotes. */
export function quoteRune(rune: number, asciiOnly = false): ByteText {
  const valid = rune <= 0x10ffff && !(rune >= 0xd800 && rune <= 0xdfff);
  return `'${escapeRune(valid ? rune : REPLACEMENT_RUNE, "'", asciiOnly)}'`;
}

/** Whether the string can stand between back quotes unchanged. */
export function canBackquote(bytes: ByteText): boolean {
  for (const { rune, size } of runesOf(bytes)) {
    if (size > 1 ? rune === 0xfeff : rune === REPLACEMENT_RUNE) return false;
    if ((rune < 0x20 && rune !== 0x09) || rune === 0x60 || rune === 0x7f) return false;
  }
  return true;
}

/** Reads a string literal, with its quotes: interpreted or raw. */
export function unquote(literal: ByteText): Unquoted {
  const mark = literal.charAt(0);
  const inner = literal.slice(1, -1);
  if (mark === "`") return inner.replaceAll("\r", "");
  let text = "";
  for (let position = 0; position < inner.length; ) {
    const read = unquoteCharacter(inner, position, mark);
    if (read === undefined) return undefined;
    text += read.text;
    position = read.end;
  }
  return text;
}

/** Reads a character constant, with its quotes. `malformed` when more than one character stands between them. */
export function unquoteRune(literal: ByteText): number | "malformed" | undefined {
  const read = unquoteCharacter(literal, 1, "'");
  if (read === undefined) return undefined;
  return literal.slice(read.end) === "'" ? read.rune : "malformed";
}

interface UnquotedCharacter {
  readonly text: ByteText;
  readonly rune: number;
  readonly end: number;
}

function unquoteCharacter(inner: ByteText, position: number, mark: string): UnquotedCharacter | undefined {
  const character = inner.charAt(position);
  if (character === mark || character === "\n" || character === "") return undefined;
  if (character !== "\\") {
    const { rune, size } = decodeRune(inner, position);
    return { text: inner.slice(position, position + size), rune, end: position + size };
  }
  const letter = inner.charAt(position + 1);
  const short =
    ESCAPED_RUNES.get(letter) ?? (letter === "\\" || letter === mark ? letter.charCodeAt(0) : undefined);
  if (short !== undefined && letter !== "") {
    return { text: String.fromCharCode(short), rune: short, end: position + 2 };
  }
  const digits = HEX_ESCAPES.get(letter);
  if (digits !== undefined) return unquoteHex(inner, position + 2, digits);
  const octal = /^[0-3][0-7]{2}/.exec(inner.slice(position + 1))?.[0];
  if (octal === undefined) return undefined;
  const byte = Number.parseInt(octal, 8);
  return { text: String.fromCharCode(byte), rune: byte, end: position + 4 };
}

function unquoteHex(inner: ByteText, start: number, digits: number): UnquotedCharacter | undefined {
  const hex = inner.slice(start, start + digits);
  if (hex.length < digits || !/^[0-9a-fA-F]+$/.test(hex)) return undefined;
  const rune = Number.parseInt(hex, 16);
  const end = start + digits;
  if (digits === 2) return { text: String.fromCharCode(rune), rune, end };
  if (rune > 0x10ffff || (rune >= 0xd800 && rune <= 0xdfff)) return undefined;
  return { text: encodeRune(rune), rune, end };
}

function escapeRune(rune: number, mark: string, asciiOnly: boolean): ByteText {
  if (rune === mark.charCodeAt(0) || rune === 0x5c) return `\\${String.fromCharCode(rune)}`;
  if (asciiOnly ? rune < 0x80 && isPrintable(rune) : isPrintable(rune)) return encodeRune(rune);
  const short = SHORT_ESCAPES.get(rune);
  if (short !== undefined) return short;
  if (rune < 0x20 || rune === 0x7f) return hexEscape("x", rune, 2);
  return rune < 0x10000 ? hexEscape("u", rune, 4) : hexEscape("U", rune, 8);
}

function hexEscape(letter: string, value: number, digits: number): ByteText {
  return `\\${letter}${value.toString(16).padStart(digits, "0")}`;
}
