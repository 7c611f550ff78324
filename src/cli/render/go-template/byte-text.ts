/**
 * The strings of a template are Go's: sequences of bytes, usually but not always UTF-8. They are held as JavaScript
 * strings with one character, U+0000 to U+00FF, per byte, so that lengths, positions, slices and comparisons are Go's.
 */
export type ByteText = string;

/** What stands for bytes that are no UTF-8. */
export const REPLACEMENT_RUNE = 0xfffd;

export function toByteText(text: string): ByteText {
  return isAscii(text) ? text : Buffer.from(text, "utf8").toString("latin1");
}

/** Bytes that are no UTF-8 become U+FFFD. */
export function fromByteText(bytes: ByteText): string {
  return isAscii(bytes) ? bytes : Buffer.from(bytes, "latin1").toString("utf8");
}

/** A character at a place in a string of bytes; a byte that is no UTF-8 counts as U+FFFD of one byte. */
export interface DecodedRune {
  readonly rune: number;
  /** Bytes. */
  readonly size: number;
}

export function decodeRune(bytes: ByteText, position: number): DecodedRune {
  const first = bytes.charCodeAt(position);
  if (first < 0x80) return { rune: first, size: 1 };
  const size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  const text = fromByteText(bytes.slice(position, position + size));
  const rune = text.codePointAt(0) ?? REPLACEMENT_RUNE;
  const whole = text.length === (rune > 0xffff ? 2 : 1) && bytes.length >= position + size;
  const genuine = rune !== REPLACEMENT_RUNE || bytes.startsWith("\u00ef\u00bf\u00bd", position);
  return whole && genuine ? { rune, size } : { rune: REPLACEMENT_RUNE, size: 1 };
}

/** The characters in order. */
export function* runesOf(bytes: ByteText): Generator<DecodedRune> {
  for (let position = 0; position < bytes.length; ) {
    const decoded = decodeRune(bytes, position);
    yield decoded;
    position += decoded.size;
  }
}

export function countRunes(bytes: ByteText): number {
  if (isAscii(bytes)) return bytes.length;
  let count = 0;
  for (const _ of runesOf(bytes)) count++;
  return count;
}

/** The UTF-8 of a code point; of U+FFFD for what is none. */
export function encodeRune(rune: number): ByteText {
  const valid = rune >= 0 && rune <= 0x10ffff && !(rune >= 0xd800 && rune <= 0xdfff);
  return toByteText(String.fromCodePoint(valid ? rune : REPLACEMENT_RUNE));
}

/** Whether Go prints a character as it is in quoted text: letters, marks, numbers, punctuation, symbols, the space. */
export function isPrintable(rune: number): boolean {
  return /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(String.fromCodePoint(rune));
}

/** Applies a function of text, such as a change of letter case, to bytes. */
export function mapText(bytes: ByteText, change: (text: string) => string): ByteText {
  return toByteText(change(fromByteText(bytes)));
}

function isAscii(text: string): boolean {
  return !/[^\0-\u007f]/.test(text);
}
