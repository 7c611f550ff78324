import { type ByteText, encodeRune, isPrintable, runesOf } from "./byte-text.ts";

const HTML_ESCAPES: Readonly<Record<string, string>> = {
  '"': "&#34;",
  "'": "&#39;",
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "\0": encodeRune(0xfffd),
};
const SCRIPT_ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "'": "\\'",
  '"': '\\"',
  "<": "\\u003C",
  ">": "\\u003E",
  "&": "\\u0026",
  "=": "\\u003D",
};

/** Text that stands for itself in HTML. */
export function escapeHtml(text: ByteText): ByteText {
  return text.replace(/["'&<>\0]/g, (character) => HTML_ESCAPES[character] ?? character);
}

/** Text that stands for itself in a string of JavaScript. */
export function escapeScript(text: ByteText): ByteText {
  let escaped = "";
  let position = 0;
  for (const { rune, size } of runesOf(text)) {
    const character = text.slice(position, position + size);
    escaped += SCRIPT_ESCAPES[character] ?? (isPrintable(rune) ? character : escapeCode(rune));
    position += size;
  }
  return escaped;
}

/** Text as part of the query of a URL. */
export function escapeQuery(text: ByteText): ByteText {
  return text.replace(/[^A-Za-z0-9\-_.~]/g, (byte) =>
    byte === " " ? "+" : `%${toHex(byte.charCodeAt(0), 2)}`,
  );
}

function escapeCode(rune: number): string {
  return `\\u${toHex(rune, 4)}`;
}

function toHex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, "0");
}
