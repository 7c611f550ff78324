import { expect, test } from "bun:test";
import {
  countRunes,
  decodeRune,
  encodeRune,
  fromByteText,
  isPrintable,
  runesOf,
  toByteText,
} from "../../../../src/cli/render/go-template/byte-text.ts";

test("text survives as bytes, one character each", () => {
  for (const text of ["", "plain", "é€😀\u2028\0"]) {
    expect(toByteText(text)).toHaveLength(Buffer.byteLength(text));
    expect(fromByteText(toByteText(text))).toBe(text);
  }
});

test("characters are decoded one by one, and bytes that are none count as one each", () => {
  const broken = `${toByteText("aé😀")}\u00ff\u00e2\u0082b\u00ed\u00a0\u0080\u00c3`;
  const runes = [...runesOf(broken)].map(({ rune, size }) => [rune.toString(16), size]);
  expect(runes).toEqual([
    ["61", 1],
    ["e9", 2],
    ["1f600", 4],
    ["fffd", 1],
    ["fffd", 1],
    ["fffd", 1],
    ["62", 1],
    ["fffd", 1],
    ["fffd", 1],
    ["fffd", 1],
    ["fffd", 1],
  ]);
  expect(countRunes(broken)).toBe(11);
});

test("the replacement character itself is three bytes", () => {
  expect(decodeRune(toByteText("\ufffd"), 0)).toEqual({ rune: 0xfffd, size: 3 });
});

test("what is no code point is encoded as the replacement character", () => {
  const replacement = toByteText("\ufffd");
  expect([0xd800, 0x110000, -1].map(encodeRune)).toEqual([replacement, replacement, replacement]);
  expect(encodeRune(0x20ac)).toBe(toByteText("€"));
});

test("printable are letters, marks, numbers, punctuation, symbols and the space", () => {
  const printable = [..."aé€😀 1.\u0301"].map((character) => isPrintable(character.codePointAt(0) ?? 0));
  expect(printable).not.toContain(false);
  const others = [..."\n\u007f\u00a0\u200b\u2028\ufeff\ue000"].map((character) =>
    isPrintable(character.codePointAt(0) ?? 0),
  );
  expect(others).not.toContain(true);
});
