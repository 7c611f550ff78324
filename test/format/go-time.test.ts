import { describe, expect, test } from "bun:test";
import { formatTime, normalizeTime } from "../../src/format/go-time.ts";

const LAYOUT = '"2006-01-02T15:04:05Z07:00"';

describe("times are brought into one spelling", () => {
  const cases: readonly (readonly [text: string, normalized: string])[] = [
    ["2024-05-06T07:08:09Z", "2024-05-06T07:08:09Z"],
    ["2024-05-06T07:08:09.123456789Z", "2024-05-06T07:08:09.123456789Z"],
    ["2024-05-06T07:08:09.1234567899Z", "2024-05-06T07:08:09.123456789Z"],
    ["2024-05-06T07:08:09.120000+02:00", "2024-05-06T07:08:09.12+02:00"],
    ["2024-05-06T07:08:09.000-11:30", "2024-05-06T07:08:09-11:30"],
    ["2024-05-06T7:08:09,5Z", "2024-05-06T07:08:09.5Z"],
    ["2024-05-06T07:08:09-00:00", "2024-05-06T07:08:09+00:00"],
    ["2024-05-06T07:08:09+01:60", "2024-05-06T07:08:09+02:00"],
    ["2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z"],
    ["0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"],
  ];
  for (const [text, normalized] of cases) {
    test(text, () => expect(normalizeTime(text)).toBe(normalized));
  }

  test("JSON has Z for every offset of zero", () => {
    expect(formatTime("2024-05-06T07:08:09+00:00")).toBe("2024-05-06T07:08:09Z");
    expect(formatTime("2024-05-06T07:08:09+10:00")).toBe("2024-05-06T07:08:09+10:00");
    expect(formatTime("2024-05-06T07:08:09Z")).toBe("2024-05-06T07:08:09Z");
  });
});

describe("what is no time is refused in Go's words", () => {
  const cases: readonly (readonly [text: string, message: string])[] = [
    ["yesterday", `parsing time "yesterday" as ${LAYOUT}: cannot parse "yesterday" as "2006"`],
    ["", `parsing time "" as ${LAYOUT}: cannot parse "" as "2006"`],
    ["2024-05-06", `parsing time "2024-05-06" as ${LAYOUT}: cannot parse "" as "T"`],
    [
      "2024-5-06T07:08:09Z",
      `parsing time "2024-5-06T07:08:09Z" as ${LAYOUT}: cannot parse "5-06T07:08:09Z" as "01"`,
    ],
    [
      "2024-05-06T07:08:09.Z",
      `parsing time "2024-05-06T07:08:09.Z" as ${LAYOUT}: cannot parse ".Z" as "Z07:00"`,
    ],
    [
      "2024-05-06T07:08:09é",
      `parsing time "2024-05-06T07:08:09\\xc3\\xa9" as ${LAYOUT}: cannot parse "\\xc3\\xa9" as "Z07:00"`,
    ],
    ["2024-05-06T07:08:09Zx", 'parsing time "2024-05-06T07:08:09Zx": extra text: "x"'],
    ["2024-13-06T00:00:00Z", 'parsing time "2024-13-06T00:00:00Z": month out of range'],
    ["2023-02-29T00:00:00Z", 'parsing time "2023-02-29T00:00:00Z": day out of range'],
    ["1900-02-29T00:00:00Z", 'parsing time "1900-02-29T00:00:00Z": day out of range'],
    ["2024-05-06T24:00:00Z", 'parsing time "2024-05-06T24:00:00Z": hour out of range'],
    ["2024-05-06T07:60:00Z", 'parsing time "2024-05-06T07:60:00Z": minute out of range'],
    ["2024-05-06T07:08:60Z", 'parsing time "2024-05-06T07:08:60Z": second out of range'],
    [
      "2024-05-06T07:08:09+25:00",
      'parsing time "2024-05-06T07:08:09+25:00": time zone offset hour out of range',
    ],
    [
      "2024-05-06T07:08:09+05:61",
      'parsing time "2024-05-06T07:08:09+05:61": time zone offset minute out of range',
    ],
  ];
  for (const [text, message] of cases) {
    test(JSON.stringify(text), () => expect(() => normalizeTime(text)).toThrow(new Error(message)));
  }
});
