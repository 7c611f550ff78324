import { expect, test } from "bun:test";
import { decodeBase64 } from "../../src/core/base64.ts";
import { errorMessage } from "../../src/core/errors.ts";

test("decodes what Buffer encodes, also with line breaks", () => {
  for (let length = 0; length < 20; length++) {
    const bytes = Uint8Array.from({ length }, (_, index) => (index * 97 + length) % 256);
    const text = Buffer.from(bytes).toString("base64");
    expect(decodeBase64(text)).toEqual(bytes);
    expect(decodeBase64(text.replace(/(.{3})/g, "$1\r\n"))).toEqual(bytes);
  }
});

/** The offsets are those of Go's decoder, as real skopeo shows them. */
const problems: readonly [text: string, offset: number][] = [
  ["a", 0],
  ["YQ", 0],
  ["YWE", 0],
  ["YWFhYQ", 4],
  ["YQ=", 3],
  ["YQ=\n", 4],
  ["YQ=a", 2],
  ["Y=Q=", 1],
  ["=", 0],
  ["Y===", 1],
  ["YQ==YQ==", 4],
  ["YWE==", 4],
  ["YQ== ", 4],
  ["-_==", 0],
  ["YWFh YWFh", 4],
  ["YWé=", 2],
];
for (const [text, offset] of problems) {
  test(`refuses ${JSON.stringify(text)} at ${offset}`, () => {
    try {
      decodeBase64(text, "SIGNATURE_INVALID");
      expect(true).toBe(false);
    } catch (error) {
      expect(error).toMatchObject({ code: "SIGNATURE_INVALID" });
      expect(errorMessage(error)).toBe(`illegal base64 data at input byte ${offset}`);
    }
  });
}
