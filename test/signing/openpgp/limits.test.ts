import { describe, expect, test } from "bun:test";
import { deflateRawSync, deflateSync } from "node:zlib";
import { ImageError } from "../../../src/core/errors.ts";
import { readKeyring } from "../../../src/signing/openpgp/keyring.ts";
import { readSignedMessage } from "../../../src/signing/openpgp/message.ts";
import { verifySignedMessage } from "../../../src/signing/openpgp/verify.ts";
import { peerTest } from "../../support/peers.ts";
import { fixture } from "../fixtures.ts";
import { literal, packet } from "./messages.ts";

const LIMIT = 4 * 1024 * 1024;
const TOO_LARGE = "signature: exceeded maximum allowed size of 4194304 bytes";
/** Milliseconds, far more than any of these needs: what has no bound takes minutes. */
const LONG = 3000;

/** The refusal, which must come soon. */
async function refusal(message: Uint8Array): Promise<string> {
  const keyring = await readKeyring([fixture("gpg/all.pub.gpg")]);
  const start = performance.now();
  const error: unknown = await verifySignedMessage(message, keyring).then(
    () => new Error("accepted"),
    (reason) => reason,
  );
  expect(performance.now() - start).toBeLessThan(LONG);
  if (!(error instanceof ImageError)) throw error;
  return error.message;
}

/** A compressed packet without a length. */
function compressed(algorithm: number, data: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(0x80 | (8 << 2) | 3, algorithm), data]);
}

function nested(depth: number): Uint8Array {
  const levels = Buffer.alloc(2 * depth, compressed(0, new Uint8Array()));
  return Buffer.concat([levels, fixture("blobs/gpg-uncompressed.sig")]);
}

/** A signature in a signature in a signature, where nothing is signed. */
function embedded(): Uint8Array {
  let inner: Uint8Array = new Uint8Array();
  while (inner.length < 65_000) {
    const size = inner.length + 1;
    const head = inner.length === 0 ? [] : [255, 0, 0, size >> 8, size & 255, 32];
    const length = head.length + inner.length;
    const start = [4, 0, 22, 10, 0, 6, 5, 2, 1, 2, 3, 4, length >> 8, length & 255, ...head];
    inner = Buffer.concat([Uint8Array.from(start), inner, new Uint8Array(2)]);
  }
  return inner;
}

const repeated = (...bytes: readonly number[]): Uint8Array =>
  Buffer.alloc(LIMIT - 16, Uint8Array.from(bytes));

const hostile: Readonly<Record<string, () => readonly [Uint8Array, string | RegExp]>> = {
  "more bytes than any signature": () => [new Uint8Array(LIMIT + 1).fill(0xc0), TOO_LARGE],
  "few bytes for many": () => [compressed(1, deflateRawSync(new Uint8Array(1e8))), TOO_LARGE],
  "few bytes for many, as ZLIB": () => [compressed(2, deflateSync(new Uint8Array(1e8))), TOO_LARGE],
  "one byte too much": () => [compressed(1, deflateRawSync(new Uint8Array(LIMIT + 1))), TOO_LARGE],
  "packets of nothing": () => [repeated(0xc4, 0), "No data: the OpenPGP message has too many packets"],
  "packets of nothing, compressed": () => [
    compressed(1, deflateRawSync(repeated(0xc4, 0))),
    "No data: the OpenPGP message has too many packets",
  ],
  "a packet of parts of one byte": () => [
    Buffer.concat([Uint8Array.of(0xcb), repeated(0xe0, 0x62)]),
    /^No data: /,
  ],
  "a packet that is said to be larger than all": () => [
    Buffer.from([0xcb, 255, 255, 255, 255, 255, 0x62]),
    "No data: the OpenPGP message ends early",
  ],
  "a part that is said to be larger than all": () => [
    Buffer.from([0xcb, 0xfe, 0x62]),
    "No data: the OpenPGP message ends early",
  ],
  "compressed blocks of nothing": () => [compressed(1, repeated(0, 0, 0, 255, 255)), /^No data: /],
  "packets within packets": () => [nested(100_000), /^No data: |count 0$/],
  "signatures within signatures": () => [
    Buffer.concat([packet(2, embedded()), packet(11, literal(new Uint8Array(1)))]),
    /^Invalid GPG signature: the signature packet cannot be read: /,
  ],
  "a signature of megabytes": () => [
    Buffer.concat([packet(2, new Uint8Array(LIMIT - 99).fill(4)), packet(11, literal(new Uint8Array(1)))]),
    /^Invalid GPG signature: the signature packet cannot be read: /,
  ],
  "thousands of signatures": () => [
    Buffer.concat(Array.from({ length: 999 }, () => packet(2, new Uint8Array(100)))),
    "Unexpected GPG signature count 0",
  ],
};

describe("a message of", () => {
  for (const [what, make] of Object.entries(hostile)) {
    test(`${what} is refused soon`, async () => {
      const [message, reason] = make();
      expect(await refusal(message)).toEqual(
        typeof reason === "string" ? reason : expect.stringMatching(reason),
      );
    });
  }

  peerTest("bzip2 that is hostile is refused soon", ["bzip2", "sh"], async ([bzip2 = "", sh = ""]) => {
    const run = (script: string): Uint8Array =>
      Bun.spawnSync([sh, "-c", `${script} | "$0" -9`, bzip2]).stdout;
    const zeros = run("head -c 200000000 /dev/zero");
    expect(zeros.length).toBeLessThan(1000);
    expect(await refusal(compressed(3, zeros))).toBe(TOO_LARGE);
    const nothing = Buffer.from(run("true"));
    expect(await refusal(compressed(3, Buffer.alloc(LIMIT - 99, nothing)))).toMatch(/^No data: /);
    const content = run("head -c 1500000 /dev/urandom");
    expect(await refusal(compressed(3, content))).toMatch(/^No data: /);
  });

  test("just the size that is allowed is read", async () => {
    const content = new Uint8Array(LIMIT - 200).fill(0x20);
    const message = Buffer.concat([packet(2, new Uint8Array(100)), packet(11, literal(content))]);
    expect((await readSignedMessage(message)).payload).toHaveLength(content.length);
    expect((await readSignedMessage(compressed(1, deflateRawSync(message)))).payload).toHaveLength(
      content.length,
    );
  });
});
