import { describe, expect, test } from "bun:test";
import { errorMessage, ImageError } from "../../src/core/errors.ts";
import { parseStrictJson } from "../../src/core/strict-json.ts";

/** Like the real thing, for comparison; JSON.parse gives objects a prototype, so both are printed. */
function print(text: string): string {
  return JSON.stringify(parseStrictJson(Buffer.from(text)));
}

describe("strict JSON", () => {
  const documents = [
    "null",
    " true ",
    "[]",
    "[ ]",
    "{}",
    "{ }",
    "[1, 2.5, -0, 1e3, 1E-2, 0.1e+2, -12]",
    '{"a" : {"b":[{"c":null}]} , "d":false}',
    '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00 é 😀"',
    '"\u007f\u2028"',
    '[["a"],[],{"":""}]',
    "\t\r\n 1 \n",
  ];
  for (const text of documents) {
    test(`reads ${JSON.stringify(text)} as JSON.parse does`, () =>
      expect(print(text)).toBe(JSON.stringify(JSON.parse(text))));
  }

  const malformed = [
    "",
    " ",
    "tru",
    "True",
    "[1,]",
    "[,1]",
    "{,}",
    '{"a":1,}',
    '{"a"}',
    '{"a":}',
    "{a:1}",
    "[1 2]",
    "01",
    "1.",
    ".5",
    "+1",
    "-",
    "1e",
    "NaN",
    '"\n"',
    '"\\u12g4"',
    '"\\u12',
    '"\\x"',
    '"abc',
    "'a'",
    "1 1",
    "[1]]",
    "/**/1",
    "\u00a01",
    "\ufeff1",
  ];
  for (const text of malformed) {
    test(`refuses ${JSON.stringify(text)} as JSON.parse does`, () => {
      expect(() => JSON.parse(text)).toThrow();
      expect(() => print(text)).toThrow(ImageError);
    });
  }

  test("refuses a second use of a key at any depth, however it is spelled", () => {
    for (const text of [
      '{"a":1,"a":1}',
      '[{"x":{"a":1,"b":2,"\\u0061":3}}]',
      '{"__proto__":1,"__proto__":2}',
    ]) {
      expect(() => print(text)).toThrow(/^Duplicate key "/);
    }
    expect(print('{"a":{"a":1},"A":2}')).toBe('{"a":{"a":1},"A":2}');
  });

  test("lets the last use of a key win when told to", () => {
    const value = parseStrictJson(Buffer.from('{"a":1,"a":2}'), { duplicateKeys: "last-wins" });
    expect(JSON.stringify(value)).toBe('{"a":2}');
  });

  test("gives keys of every object's members no special meaning", () => {
    const value = parseStrictJson(Buffer.from('{"__proto__":{"x":1},"constructor":2}'));
    expect(Object.entries(value ?? {})).toEqual([
      ["__proto__", Object.assign(Object.create(null), { x: 1 })],
      ["constructor", 2],
    ]);
  });

  test("tells line and column, and throws with the code asked for", () => {
    try {
      parseStrictJson(Buffer.from('{\n  "a": [1,\n   ?'), { code: "SIGNATURE_INVALID" });
      expect(true).toBe(false);
    } catch (error) {
      expect(error).toMatchObject({ code: "SIGNATURE_INVALID" });
      expect(errorMessage(error)).toBe(
        "invalid character '?' looking for beginning of value (line 3, column 4)",
      );
    }
  });

  test("replaces what is no UTF-8", () => {
    expect(parseStrictJson(Uint8Array.of(0x22, 0xff, 0x22))).toBe("\ufffd");
  });
});
