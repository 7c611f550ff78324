import { describe, expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { parseDigest } from "../../../src/core/digest.ts";
import { errorMessage, ImageError } from "../../../src/core/errors.ts";
import { formatSimplePayload, parseSimplePayload } from "../../../src/signing/payload.ts";
import { dumpUntrustedSignature } from "../../../src/signing/simple/untrusted.ts";
import { peerTest } from "../../support/peers.ts";
import { runRealSkopeo } from "../../support/real-skopeo.ts";
import { DIGEST, fixture, REFERENCE } from "../fixtures.ts";
import { newKey, secretPacket, sign } from "./messages.ts";

type SimplePayload = ReturnType<typeof parseSimplePayload>;

const TYPE = "atomic container signature";
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

function tryParse(bytes: Uint8Array): SimplePayload | undefined {
  try {
    return parseSimplePayload(bytes);
  } catch (error) {
    if (error instanceof ImageError) return undefined;
    throw error;
  }
}

/** The rules, told in another way: what is read must say just this, as any reader of JSON would understand it. */
function expectRules(
  text: string,
  { manifestDigest, dockerReference, creator, timestamp }: SimplePayload,
): void {
  const { optional, ...top } = JSON.parse(text);
  expect(top).toEqual({
    critical: {
      type: TYPE,
      image: { "docker-manifest-digest": manifestDigest },
      identity: { "docker-reference": dockerReference },
    },
  });
  expect(optional).toBeObject();
  expect(Array.isArray(optional)).toBe(false);
  expect([optional.creator, optional.timestamp]).toEqual([creator, timestamp]);
  expect(timestamp === undefined || Number.isInteger(timestamp)).toBe(true);
  expect(parseDigest(manifestDigest)).toBe(manifestDigest);
}

/** A name and the JSON of its value, so that a name can be there twice. */
type Member = readonly [string, string];
const object = (members: readonly Member[]): string =>
  `{${members.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(",")}}`;

const otherValue = fc.oneof(
  fc.json({ maxDepth: 2 }),
  fc.constantFrom("null", "{}", "[]", '""', "0", "1e3", "true"),
);
/** A member as it should be, or as it should not; which is counted. */
const edits = fc.array(
  fc.tuple(
    fc.constantFrom("top", "critical", "image", "identity", "optional"),
    fc.constantFrom("drop", "double", "add", "change"),
    fc.nat({ max: 9 }),
    otherValue,
    fc.constantFrom(
      "x",
      "__proto__",
      "constructor",
      "critical",
      "type",
      "docker-reference",
      "creator",
      "TYPE",
    ),
  ),
  { maxLength: 2 },
);

function edited(
  members: readonly Member[],
  what: string,
  index: number,
  value: string,
  key: string,
): readonly Member[] {
  const at = index % Math.max(1, members.length);
  const chosen = members[at];
  if (what === "add") return [...members, [key, value]];
  if (chosen === undefined) return members;
  if (what === "drop") return members.toSpliced(at, 1);
  if (what === "double") return [...members, [chosen[0], value]];
  return members.with(at, [chosen[0], value]);
}

function document(changes: Parameters<Parameters<typeof edits.map>[0]>[0]): string {
  const change = (where: string, members: readonly Member[]): string =>
    object(
      changes
        .filter(([place]) => place === where)
        .reduce((before, [, what, index, value, key]) => edited(before, what, index, value, key), members),
    );
  const image = change("image", [["docker-manifest-digest", JSON.stringify(DIGEST)]]);
  const identity = change("identity", [["docker-reference", JSON.stringify(REFERENCE)]]);
  const critical = change("critical", [
    ["type", JSON.stringify(TYPE)],
    ["image", image],
    ["identity", identity],
  ]);
  const optional = change("optional", [
    ["creator", '"me"'],
    ["timestamp", "17"],
    ["more", "[1]"],
  ]);
  return change("top", [
    ["critical", critical],
    ["optional", optional],
  ]);
}

/** Whether a name is there twice in an object, by a reader that only looks at the outlines. */
function repeats(changes: Parameters<typeof document>[0]): boolean {
  const text = document(changes);
  let members = 0;
  const distinct = (value: unknown): number =>
    typeof value !== "object" || value === null
      ? 0
      : Object.entries(value).reduce(
          (sum, [, each]) => sum + distinct(each),
          Array.isArray(value) ? 0 : Object.keys(value).length,
        );
  for (const [, next] of text.matchAll(/"(?:[^"\\]|\\.)*"\s*(:?)/g)) if (next === ":") members++;
  return members !== distinct(JSON.parse(text));
}

describe("a payload", () => {
  test("that was written is read again, whatever the reference", () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, unit: "grapheme" }),
        fc.nat({ max: 2 ** 42 }),
        (dockerReference, now) => {
          const bytes = formatSimplePayload({ manifestDigest: parseDigest(DIGEST), dockerReference, now });
          const text = new TextDecoder().decode(bytes);
          expect(text).not.toMatch(/[<>&\u2028\u2029\n]/);
          const payload = parseSimplePayload(bytes);
          expectRules(text, payload);
          expect(payload).toMatchObject({
            manifestDigest: parseDigest(DIGEST),
            timestamp: Math.floor(now / 1000),
          });
          expect(payload.dockerReference).toBe(dockerReference);
        },
      ),
    );
  });

  test("that is read keeps all rules, whatever was done to it", () => {
    let accepted = 0;
    fc.assert(
      fc.property(edits, (changes) => {
        const text = document(changes);
        const payload = tryParse(encode(text));
        if (payload === undefined) return;
        accepted++;
        expectRules(text, payload);
        expect(repeats(changes)).toBe(false);
      }),
      { numRuns: 2000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  test("that is read keeps all rules, whichever characters were changed", () => {
    const intact = new TextDecoder().decode(fixture("blobs/gpg-payload.json"));
    const pieces = fc.constantFrom(
      "",
      '"',
      "{",
      "}",
      ",",
      ":",
      " ",
      "\\u0061",
      "\\",
      "\0",
      "1",
      "critical",
      "\ufeff",
      "é",
    );
    fc.assert(
      fc.property(fc.nat({ max: intact.length }), fc.nat({ max: 12 }), pieces, (start, count, piece) => {
        const text = intact.slice(0, start) + piece + intact.slice(start + count);
        const payload = tryParse(encode(text));
        if (payload !== undefined) expectRules(text, payload);
      }),
      { numRuns: 2000 },
    );
  });

  test("of random bytes is refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(tryParse(bytes)).toBeUndefined();
      }),
    );
  });

  test("of brackets without end is refused soon", () => {
    for (const piece of ["[", '{"critical":', '{"a":['])
      expect(tryParse(encode(piece.repeat(300_000)))).toBeUndefined();
  });
});

const critical = `"critical":{"type":"${TYPE}","image":{"docker-manifest-digest":"${DIGEST}"},"identity":{"docker-reference":"${REFERENCE}"}}`;
/** What upstream decides of them is asked, not told here. */
const debatable: readonly string[] = [
  `{${critical},"optional":{}}`,
  `{"optional":{},${critical}}`,
  `{${critical}}`,
  `{${critical},"optional":[]}`,
  `{${critical},"optional":{}} `,
  `\n{${critical},"optional":{}}`,
  `{${critical},"optional":{}}x`,
  `{${critical},"optional":{}}{}`,
  `{${critical},"optional":{},}`,
  `{${critical},"optional":{},"optional":{}}`,
  `{${critical},${critical},"optional":{}}`,
  `{${critical},"Optional":{}}`,
  `{${critical},"\\u006fptional":{}}`,
  `{${critical},"optional":{"creator":"a","creator":"b"}}`,
  `{${critical},"optional":{"creator":1}}`,
  `{${critical},"optional":{"Creator":1,"TIMESTAMP":"x"}}`,
  `{${critical},"optional":{"timestamp":1.0}}`,
  `{${critical},"optional":{"timestamp":-1e0}}`,
  `{${critical},"optional":{"timestamp":1e-1}}`,
  `{${critical},"optional":{"timestamp":01}}`,
  `{${critical},"optional":{"timestamp":1e19}}`,
  `{${critical},"optional":{"x":{"y":[null]}}}`,
  `{${critical.replace("sha256:c", "sha256:C")},"optional":{}}`,
  `{${critical.replace("sha256:", "sha512:")},"optional":{}}`,
  `{${critical.replace("sha256:", "")},"optional":{}}`,
  `{${critical.replace(TYPE, "Atomic container signature")},"optional":{}}`,
  `{${critical.replace(REFERENCE, "")},"optional":{}}`,
  `{${critical.replace(`"${REFERENCE}"`, "[]")},"optional":{}}`,
  `{${critical.replace('"type"', '"x":1,"type"')},"optional":{}}`,
  `{${critical.replace('"type"', `"type":"${TYPE}","type"`)},"optional":{}}`,
  `\ufeff{${critical},"optional":{}}`,
  "null",
  "[]",
  "",
];

/** Upstream's reader takes null for any text or number, which says nothing: such a signature is none here. */
const nulls: readonly string[] = [
  `{${critical.replace(`"${REFERENCE}"`, "null")},"optional":{}}`,
  `{${critical},"optional":{"creator":null}}`,
  `{${critical},"optional":{"timestamp":null}}`,
];

describe("what upstream decides of payloads", () => {
  peerTest("is decided here", ["skopeo 1.22"], async () => {
    const key = await newKey();
    const path = join(mkdtempSync(join(tmpdir(), "payload-")), "signature");
    let accepted = 0;
    for (const text of [...debatable, ...nulls]) {
      const message = await sign(secretPacket(key), { payload: encode(text) });
      writeFileSync(path, message);
      const their = await runRealSkopeo(["untrusted-signature-dump-without-verification", path], {
        TZ: "UTC",
      });
      const our = await dumpUntrustedSignature(message).then(
        (shown) => `${shown.trimEnd()}\n`,
        (error) => `refused: ${errorMessage(error)}`,
      );
      if (their.exitCode === 0) accepted++;
      if (nulls.includes(text)) {
        expect(our).toMatch(/^refused: Error decoding untrusted signature: Field .* is not a .* but null$/);
        continue;
      }
      expect([text, our.startsWith("refused: ") ? "" : our]).toEqual([text, their.stdout]);
    }
    expect(accepted).toBeGreaterThan(8);
  });
});
