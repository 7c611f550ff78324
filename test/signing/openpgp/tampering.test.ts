import { beforeAll, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { ImageError } from "../../../src/core/errors.ts";
import { type Keyring, readKeyring } from "../../../src/signing/openpgp/keyring.ts";
import { readPacket } from "../../../src/signing/openpgp/packets.ts";
import { verifySignedMessage } from "../../../src/signing/openpgp/verify.ts";
import { dumpUntrustedSignature } from "../../../src/signing/simple/untrusted.ts";
import { FIXTURES, fixture } from "../fixtures.ts";

/** What a mistake of ours, or a library's stumbling, looks like. */
const STUMBLED =
  /TypeError|RangeError|undefined|null|NaN|is not a function|\[object|not an object|node_modules|call stack|\n/;

let keyring: Keyring;
let good: Uint8Array;
let payload: string;

/** The payload that was accepted, or undefined; a refusal must be a sentence. */
async function accepted(message: Uint8Array): Promise<string | undefined> {
  try {
    return new TextDecoder().decode((await verifySignedMessage(message, keyring)).payload);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    if (STUMBLED.test(error.message)) throw new Error(`no sentence: ${error.message}`);
    return undefined;
  }
}

beforeAll(async () => {
  keyring = await readKeyring([fixture("gpg/all.pub.gpg")]);
  const { body } = readPacket(fixture("blobs/gpg-ed25519.sig"), 0);
  good = new Uint8Array(inflateRawSync(body.subarray(1)));
  payload = (await accepted(good)) ?? "";
});

describe("a good message", () => {
  test("is accepted", () => {
    expect(payload).toContain("atomic container signature");
  });

  test("is never accepted with another payload, whichever byte is changed", async () => {
    const outcomes = new Set<string | undefined>();
    let harmless = 0;
    for (const mask of [0x01, 0x80, 0xff]) {
      for (let index = 0; index < good.length; index++) {
        const message = Uint8Array.from(good);
        message[index] = (message[index] ?? 0) ^ mask;
        const outcome = await accepted(message);
        if (outcome !== undefined) harmless++;
        outcomes.add(outcome);
      }
    }
    expect(outcomes).toEqual(new Set([undefined, payload]));
    // The key ID of the announcement, the name and the date of the content, and the ID beside the fingerprint.
    expect(harmless).toBeLessThan(3 * 24);
  });

  test("is never accepted when a byte of the compressed form is changed", async () => {
    for (const name of ["gpg-ed25519", "gpg-zlib", "gpg-bzip2", "gpg-v3-packet"]) {
      const whole = fixture(`blobs/${name}.sig`);
      const intact = await accepted(whole);
      expect(intact).toBeDefined();
      for (let index = 0; index < whole.length; index += name === "gpg-ed25519" ? 1 : 7) {
        const message = Uint8Array.from(whole);
        message[index] = (message[index] ?? 0) ^ 0x10;
        expect([undefined, intact]).toContain(await accepted(message));
      }
    }
  });

  test("is not accepted when it ends early, wherever that is", async () => {
    for (let length = 0; length < good.length; length++) {
      expect(await accepted(good.subarray(0, length))).toBeUndefined();
    }
    for (const name of ["gpg-bzip2", "gpg-v3-packet", "gpg-subkey"]) {
      const whole = fixture(`blobs/${name}.sig`);
      for (let length = 0; length < whole.length - 8; length += 5) {
        expect([undefined, payload]).toContain(await accepted(whole.subarray(0, length)));
      }
    }
  });

  test("does not lend its signature to another message", async () => {
    const names = readdirSync(`${FIXTURES}/blobs`).filter((name) => /^gpg-(json|other|rsa|uncom)/.test(name));
    const payloads = new Set<string>();
    for (const name of names) payloads.add((await accepted(fixture(`blobs/${name}`))) ?? "");
    const forged = new TextEncoder().encode(payload.replace("signed:v1", "signed:v2"));
    const at = Buffer.from(good).indexOf("{");
    const message = Buffer.from(good);
    message.set(forged, at);
    expect(await accepted(message)).toBeUndefined();
    expect(payloads.size).toBeGreaterThan(5);
  });
});

describe("garbage", () => {
  test("is refused in a sentence", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        expect(await accepted(bytes)).toBeUndefined();
        await dumpUntrustedSignature(bytes).then(
          () => expect.unreachable(),
          (error: Error) => {
            expect(error).toBeInstanceOf(ImageError);
            expect(error.message).not.toMatch(STUMBLED);
          },
        );
      }),
      { numRuns: 500 },
    );
  });

  test("in the place of any packet is refused in a sentence", async () => {
    const packets = [4, 11, 2];
    const starts = [0];
    for (const _ of packets) starts.push(readPacket(good, starts.at(-1) ?? 0).end);
    expect(starts.at(-1)).toBe(good.length);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(0, 1, 2),
        fc.array(fc.tuple(fc.nat({ max: 400 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 6 }),
        async (which, edits) => {
          const start = starts[which] ?? 0;
          const end = starts[which + 1] ?? 0;
          const message = Uint8Array.from(good);
          for (const [offset, value] of edits) message[start + (offset % (end - start))] = value;
          expect([undefined, payload]).toContain(await accepted(message));
        },
      ),
      { numRuns: 500 },
    );
  });

  test("as a keyring has no keys", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (bytes, armored) => {
        const source = armored
          ? Buffer.from(
              `-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n${Buffer.from(bytes).toString("base64")}\n-----END PGP PUBLIC KEY BLOCK-----\n`,
            )
          : bytes;
        expect((await readKeyring([source])).keys).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test("in a keyring does not break it", async () => {
    const whole = fixture("gpg/all.pub.gpg");
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat({ max: whole.length - 1 }), fc.nat({ max: 255 })), {
          minLength: 1,
          maxLength: 5,
        }),
        async (edits) => {
          const bytes = Uint8Array.from(whole);
          for (const [index, value] of edits) bytes[index] = value;
          const { keys } = await readKeyring([bytes]);
          expect(keys.length).toBeLessThanOrEqual(6);
        },
      ),
      { numRuns: 200 },
    );
  });
});
