import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "../../../src/cli/commands/manifest-digest.ts";
import { computeDigest } from "../../../src/core/digest.ts";
import { realSkopeo, runRealSkopeo } from "../../support/real-skopeo.ts";
import { entryOf, runCaptured } from "../capture.ts";

const directory = mkdtempSync(join(tmpdir(), "manifest-digest-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const encode = (text: string): Buffer => Buffer.from(text);
const base64url = (text: string): string => encode(text).toString("base64url");

const header = {
  jwk: {
    crv: "P-256",
    kid: "OIH7:HQFS:44FK:45VB:3B53:OIAG:TPL4:ATF5:6PNE:MGHN:NHQX:2GE4",
    kty: "EC",
    x: "Cu_UyxwLgHzE9rvlYSmvVdqYCXY42E9eNhBb0xNv0SQ",
    y: "zUsjWJkeKQ5tv7S-hl1Tg71cd-CqnrtiiLxSi6N_yc8",
  },
  alg: "ES256",
};

/** A schema 1 document as it was before it was signed, and as a registry keeps it. */
const payload = JSON.stringify(
  { schemaVersion: 1, name: "a", tag: "b", fsLayers: [], history: [] },
  undefined,
  3,
);
const cut = payload.lastIndexOf("\n}");

function protectedHeader(change: Readonly<Record<string, unknown>> = {}): string {
  return base64url(
    JSON.stringify({
      formatLength: cut,
      formatTail: base64url(payload.slice(cut)),
      time: "2016-01-01T00:00:00Z",
      ...change,
    }),
  );
}

function signed(...headers: readonly string[]): string {
  const signatures = headers.map((text) => ({ header, signature: "AAAA", protected: text }));
  return `${payload.slice(0, cut)},\n   "signatures": ${JSON.stringify(signatures)}\n}`;
}

const payloadDigest = computeDigest(encode(payload));

/** Files, and the digests that they have; undefined stands for an error. */
const files: Readonly<Record<string, readonly [content: Buffer, digest: string | undefined]>> = {
  empty: asIs(""),
  text: asIs("not JSON {"),
  "a list": asIs("[1]"),
  "an OCI manifest": asIs(
    '{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json"}}',
  ),
  "an unsigned schema 1": asIs(payload),
  "signatures that are null": asIs('{"schemaVersion":1,"signatures":null}'),
  "a signed schema 1": [encode(signed(protectedHeader())), payloadDigest],
  "two agreeing signatures": [encode(signed(protectedHeader(), protectedHeader())), payloadDigest],
  "a type that says otherwise": asIs(
    signed(protectedHeader()).replace("{", '{"mediaType":"application/vnd.oci.image.manifest.v1+json",'),
  ),
  "signatures of a wrong shape": [encode('{"schemaVersion":1,"signatures":"x"}'), undefined],
  "a header that is not JSON": [encode(signed(base64url("x"))), undefined],
  "no length": [encode(signed(protectedHeader({ formatLength: "1" }))), undefined],
  "no tail": [encode(signed(protectedHeader({ formatTail: 7 }))), undefined],
  "lengths that differ": [
    encode(signed(protectedHeader(), protectedHeader({ formatLength: cut - 1 }))),
    undefined,
  ],
  "tails that differ": [
    encode(signed(protectedHeader(), protectedHeader({ formatTail: base64url("\n }") }))),
    undefined,
  ],
  "a length beyond the end": [encode(signed(protectedHeader({ formatLength: 1e6 }))), undefined],
};

function asIs(text: string): readonly [Buffer, string] {
  return [encode(text), computeDigest(encode(text))];
}

for (const [name, [content]] of Object.entries(files)) writeFileSync(join(directory, name), content);

describe("the digest of", () => {
  for (const [name, [, digest]] of Object.entries(files)) {
    test(`${name} is ${digest === undefined ? "an error" : "right"}`, async () => {
      const result = await runCaptured(["manifest-digest", join(directory, name)], [entryOf(command)]);
      expect(result.exitCode).toBe(digest === undefined ? 1 : 0);
      expect(result.stdout).toBe(digest === undefined ? "" : `${digest}\n`);
      if (digest === undefined) expect(result.messages("fatal")[0]).toStartWith("Error computing digest: ");
    });
  }

  test.skipIf(realSkopeo === undefined)(
    "all of these is the same for real skopeo",
    async () => {
      for (const [name, [, digest]] of Object.entries(files)) {
        const real = await runRealSkopeo(["manifest-digest", join(directory, name)]);
        expect([name, real.stdout.trim()]).toEqual([name, digest ?? ""]);
      }
    },
    60_000,
  );
});

test("a directory is no manifest", async () => {
  const result = await runCaptured(["manifest-digest", directory], [entryOf(command)]);
  expect(result.messages("fatal")[0]).toStartWith(`Error reading manifest from ${directory}: read`);
});
