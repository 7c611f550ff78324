import { describe, expect, test } from "bun:test";
import { applyZoneRule, parseZoneRule } from "../../../../src/cli/render/go-template/posix-zone.ts";
import { parseZoneFile } from "../../../../src/cli/render/go-template/zone-file.ts";

/** Seconds after 1970. */
function seconds(time: string): bigint {
  return BigInt(Date.parse(time) / 1000);
}

describe("the rule of a zone", () => {
  const cases: readonly (readonly [rule: string, time: string, abbreviation: string, offset: number])[] = [
    ["JST-9", "2024-06-01T00:00:00Z", "JST", 32_400],
    ["<+0545>-5:45", "2024-06-01T00:00:00Z", "+0545", 20_700],
    ["CET-1CEST,M3.5.0,M10.5.0/3", "2024-03-31T00:59:59Z", "CET", 3600],
    ["CET-1CEST,M3.5.0,M10.5.0/3", "2024-03-31T01:00:00Z", "CEST", 7200],
    ["CET-1CEST,M3.5.0,M10.5.0/3", "2024-10-27T00:59:59Z", "CEST", 7200],
    ["CET-1CEST,M3.5.0,M10.5.0/3", "2024-10-27T01:00:00Z", "CET", 3600],
    ["EST5EDT,M3.2.0,M11.1.0", "2024-03-10T07:00:00Z", "EDT", -14_400],
    ["EST5EDT", "2024-03-10T06:59:59Z", "EST", -18_000],
    ["AEST-10AEDT,M10.1.0,M4.1.0/3", "2024-01-01T00:00:00Z", "AEDT", 39_600],
    ["AEST-10AEDT,M10.1.0,M4.1.0/3", "2024-07-01T00:00:00Z", "AEST", 36_000],
    ["<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2024-12-01T00:00:00Z", "+11", 39_600],
    ["AAA0BBB,J60/0,J61/0", "2024-03-01T12:00:00Z", "BBB", 3600],
    ["AAA0BBB,59/0,60/0", "2024-02-29T12:00:00Z", "BBB", 3600],
  ];
  for (const [rule, time, abbreviation, offset] of cases) {
    test(`${rule} at ${time}`, () => {
      const parsed = parseZoneRule(rule);
      if (parsed === undefined) throw new Error("no rule");
      expect(applyZoneRule(parsed, seconds(time))).toMatchObject({ abbreviation, offset });
    });
  }

  test("is not made up from anything else", () => {
    expect(parseZoneRule("")).toBeUndefined();
    expect(parseZoneRule("UTC")).toBeUndefined();
    expect(parseZoneRule("A1")).toBeUndefined();
  });
});

/** A zone file of version 2 with an empty first block, as in RFC 9636. */
function zoneFile(
  transitions: readonly (readonly [at: bigint, period: number])[],
  footer: string,
): Uint8Array {
  const names = "LMT\0AAA\0BBB\0";
  const periods = [
    [100, 0, 0],
    [3600, 0, 4],
    [7200, 1, 8],
  ] as const;
  const header = (times: number, types: number, characters: number): Buffer => {
    const bytes = Buffer.alloc(44);
    bytes.write("TZif2");
    bytes.writeUInt32BE(times, 32);
    bytes.writeUInt32BE(types, 36);
    bytes.writeUInt32BE(characters, 40);
    return bytes;
  };
  const times = Buffer.alloc(transitions.length * 9);
  for (const [index, [at, period]] of transitions.entries()) {
    times.writeBigInt64BE(at, index * 8);
    times.writeUInt8(period, transitions.length * 8 + index);
  }
  const records = Buffer.concat(
    periods.map(([offset, daylight, name]) => {
      const record = Buffer.alloc(6);
      record.writeInt32BE(offset);
      record.writeUInt8(daylight, 4);
      record.writeUInt8(name, 5);
      return record;
    }),
  );
  return Buffer.concat([
    header(0, 1, 4),
    Buffer.from([0, 0, 0, 0, 0, 0, 0x4c, 0x4d, 0x54, 0]),
    header(transitions.length, periods.length, names.length),
    times,
    records,
    Buffer.from(names),
    Buffer.from(`\n${footer}\n`),
  ]);
}

describe("the file of a zone", () => {
  const file = zoneFile(
    [
      [1000n, 1],
      [2000n, 2],
      [3000n, 1],
    ],
    "AAA-1",
  );

  test("tells what was in force between its transitions, and the rule what is after them", () => {
    const zone = parseZoneFile("Test/Zone", file);
    const at = (moment: bigint): unknown => zone?.at(moment);
    expect(zone?.name).toBe("Test/Zone");
    expect(at(999n)).toEqual({ abbreviation: "LMT", offset: 100, isDaylight: false });
    expect(at(1000n)).toEqual({ abbreviation: "AAA", offset: 3600, isDaylight: false });
    expect(at(2500n)).toEqual({ abbreviation: "BBB", offset: 7200, isDaylight: true });
    expect(at(9_000_000_000n)).toEqual({ abbreviation: "AAA", offset: 3600, isDaylight: false });
  });

  test("without a rule, its last transition lasts", () => {
    expect(parseZoneFile("x", zoneFile([[1000n, 2]], ""))?.at(5000n).abbreviation).toBe("BBB");
  });

  test("is recognised by its first bytes", () => {
    expect(parseZoneFile("x", Buffer.from("TZif"))).toBeUndefined();
    expect(parseZoneFile("x", Buffer.from("something else"))).toBeUndefined();
  });
});
