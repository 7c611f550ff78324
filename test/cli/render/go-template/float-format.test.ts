import { describe, expect, test } from "bun:test";
import { type FloatVerb, formatFloat } from "../../../../src/cli/render/go-template/float-format.ts";

describe("floats", () => {
  const cases: readonly (readonly [
    value: number,
    verb: FloatVerb,
    precision: number | undefined,
    text: string,
  ])[] = [
    [0, "g", undefined, "0"],
    [-0, "g", undefined, "-0"],
    [0, "e", undefined, "0e+00"],
    [0, "f", 2, "0.00"],
    [1e21, "f", undefined, "1000000000000000000000"],
    [1e-7, "f", undefined, "0.0000001"],
    [123456789, "g", undefined, "1.23456789e+08"],
    [100000, "g", undefined, "100000"],
    [0.0001, "g", undefined, "0.0001"],
    [0.00001, "G", undefined, "1E-05"],
    [100, "g", 3, "100"],
    [100, "g", 2, "1e+02"],
    [1234.5678, "g", 0, "1e+03"],
    [0.5, "f", 0, "0"],
    [1.5, "f", 0, "2"],
    [2.5, "f", 0, "2"],
    [0.6, "f", 0, "1"],
    [9.995, "f", 2, "9.99"],
    [99.99, "f", 1, "100.0"],
    [0.1, "f", 30, "0.100000000000000005551115123126"],
    [0.1, "e", 20, "1.00000000000000005551e-01"],
    [5e-324, "e", undefined, "5e-324"],
    [1.7976931348623157e308, "E", 3, "1.798E+308"],
    [1.5, "b", undefined, "6755399441055744p-52"],
    [1.5, "x", undefined, "0x1.8p+00"],
    [-0.1, "x", 3, "-0x1.99ap-04"],
    [1.9999, "X", 1, "0X1.0P+01"],
    [5e-324, "x", undefined, "0x1p-1074"],
    [Number.NaN, "f", 2, "NaN"],
    [-Infinity, "g", undefined, "-Inf"],
    [Infinity, "g", undefined, "+Inf"],
  ];
  for (const [value, verb, precision, text] of cases) {
    test(`${value} with ${verb} and precision ${precision}`, () => {
      expect(formatFloat(value, verb, precision)).toBe(text);
    });
  }

  test("agree with JavaScript where both follow the same rules", () => {
    for (let seed = 1; seed <= 2000; seed++) {
      const value = Math.sin(seed) * 10 ** ((seed % 40) - 20);
      // Halves, which JavaScript rounds up, do not occur among these with so few digits.
      expect(Number(formatFloat(value, "e"))).toBe(value);
      expect(Number(formatFloat(value, "g"))).toBe(value);
      const exponential = value.toExponential(seed % 9).replace(/e([+-])(\d)$/, "e$10$2");
      expect(formatFloat(value, "e", seed % 9)).toBe(exponential);
      if (Math.abs(value) < 1e6) {
        expect(formatFloat(value, "f", seed % 7).replace(/^-(?=0\.?0*$)/, "")).toBe(
          value.toFixed(seed % 7).replace(/^-(?=0\.?0*$)/, ""),
        );
      }
    }
  });
});
