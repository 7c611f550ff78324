import { describe, expect, test } from "bun:test";
import { compareBytes, formatGoJson, sortedRecord } from "../../src/format/go-json.ts";

describe("JSON as Go writes it", () => {
  const cases: readonly (readonly [name: string, value: unknown, text: string])[] = [
    ["null", null, "null"],
    ["a string with HTML", "<a&b>", '"\\u003ca\\u0026b\\u003e"'],
    ["line separators", "\u2028\u2029", '"\\u2028\\u2029"'],
    ["control characters", "\b\f\n\r\t\u0001\u001f\u007f", '"\\b\\f\\n\\r\\t\\u0001\\u001f\u007f"'],
    ["quotes, slashes and what is not ASCII", '"\\/é€😀', '"\\"\\\\/é€😀"'],
    ["half a surrogate pair", "a\ud800b", '"a\ufffdb"'],
    [
      "numbers",
      [0, -0, 1.5, 1e20, 1e21, 1e-6, 1e-7, 12n],
      "[0,-0,1.5,100000000000000000000,1e+21,0.000001,1e-7,12]",
    ],
    ["members in their order", { b: 1, a: [], c: {} }, '{"b":1,"a":[],"c":{}}'],
    [
      "a map, whose order objects cannot have",
      new Map([
        ["10", 1],
        ["9", 2],
      ]),
      '{"10":1,"9":2}',
    ],
    ["members that are undefined", { a: undefined, b: true }, '{"b":true}'],
    ["elements that are undefined", [undefined], "[null]"],
  ];
  for (const [name, value, text] of cases) {
    test(name, () => expect(formatGoJson(value)).toBe(text));
  }

  test("HTML stays as it is on request, line separators do not", () => {
    expect(formatGoJson({ "<": "&\u2028" }, { escapeHtml: false })).toBe('{"<":"&\\u2028"}');
  });

  test("indentation, with empty containers on one line", () => {
    const value = { a: [1, { b: null }], c: [], d: {}, e: { f: undefined } };
    const lines = [
      "{",
      '    "a": [',
      "        1,",
      "        {",
      '            "b": null',
      "        }",
      "    ],",
      '    "c": [],',
      '    "d": {},',
      '    "e": {}',
      "}",
    ];
    expect(formatGoJson(value, { indent: 4 })).toBe(lines.join("\n"));
  });
});

test("records are sorted by bytes, not by UTF-16 units, and numbers are not moved to the front", () => {
  const record = JSON.parse('{"b":1,"😀":2,"～":3,"10":4,"9":5,"a":6,"__proto__":7,"B":8}');
  expect([...sortedRecord(record).keys()]).toEqual(["10", "9", "B", "__proto__", "a", "b", "～", "😀"]);
});

test("strings are ordered by bytes", () => {
  expect(Math.sign(compareBytes("～", "😀"))).toBe(-1);
  expect(Math.sign(compareBytes("ab", "a"))).toBe(1);
  expect(compareBytes("é", "é")).toBe(0);
});
