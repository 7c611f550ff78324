import { beforeAll, describe, expect, test } from "bun:test";
import { deflateRawSync, deflateSync } from "node:zlib";
import { enums, type PrivateKey } from "openpgp";
import { readKeyring } from "../../../src/signing/openpgp/keyring.ts";
import { readSignedMessage } from "../../../src/signing/openpgp/message.ts";
import { verifySignedMessage } from "../../../src/signing/openpgp/verify.ts";
import { DIGEST, fingerprints, fixture, REFERENCE } from "../fixtures.ts";
import {
  assemble,
  DAY,
  fixtureKey,
  literal,
  type MessageParts,
  newKey,
  PAYLOAD,
  packet,
  type SignatureFault,
  secretPacket,
  sign,
  signParts,
  verdict,
} from "./messages.ts";

const PLAIN = [fixture("gpg/plain.pub.gpg")];
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
let rsa: PrivateKey;
let key: PrivateKey;
let keys: readonly Uint8Array[];
let parts: MessageParts;

beforeAll(async () => {
  [rsa, key] = await Promise.all([fixtureKey("plain"), newKey()]);
  keys = [key.toPublic().write()];
  parts = await signParts(secretPacket(key));
});

describe("a message", () => {
  test("says which key signed what", async () => {
    const keyring = await readKeyring([fixture("gpg/all.pub.gpg")]);
    const cases: readonly (readonly [string, string, string | undefined])[] = [
      ["gpg-rsa", "plain", undefined],
      ["gpg-v3-packet", "plain", undefined],
      ["gpg-ed25519", "protected", undefined],
      ["gpg-subkey", "subkey", fingerprints.subkey?.signingSubkey],
    ];
    for (const [name, owner, subkey] of cases) {
      const primary = fingerprints[owner]?.primary ?? "";
      const verified = await verifySignedMessage(fixture(`blobs/${name}.sig`), keyring);
      expect(verified).toMatchObject({
        primaryFingerprint: primary,
        signingFingerprint: subkey ?? primary,
      });
      const { critical } = JSON.parse(text(verified.payload));
      expect(critical.identity["docker-reference"]).toBe(REFERENCE);
      expect(critical.image["docker-manifest-digest"]).toBe(DIGEST);
    }
  });

  const hashes: readonly (readonly [enums.hash, string])[] = [
    [enums.hash.md5, "Invalid GPG signature: Insecure hash algorithm: MD5"],
    [enums.hash.ripemd, "Invalid GPG signature: Insecure hash algorithm: RIPEMD"],
    [enums.hash.sha1, "accepted"],
    [enums.hash.sha224, "accepted"],
    [enums.hash.sha256, "accepted"],
    [enums.hash.sha384, "accepted"],
    [enums.hash.sha512, "accepted"],
  ];
  for (const [hash, outcome] of hashes) {
    test(`with hash ${enums.hash[hash] ?? hash}: ${outcome}`, async () => {
      expect(await verdict(await sign(secretPacket(rsa), { hash }), PLAIN)).toBe(outcome);
    });
  }

  const faults: readonly (readonly [string, () => SignatureFault, string])[] = [
    ["from yesterday", () => ({ date: new Date(Date.now() - DAY) }), "accepted"],
    ["from a clock that is ahead, as gpg", () => ({ date: new Date(Date.now() + DAY) }), "accepted"],
    [
      "that has expired",
      () => ({ date: new Date(Date.now() - 2 * DAY), expiresAfter: DAY / 1000 }),
      "Invalid GPG signature: Signature is expired",
    ],
    [
      "that will expire",
      () => ({ date: new Date(Date.now() - DAY), expiresAfter: (2 * DAY) / 1000 }),
      "accepted",
    ],
    [
      "over text, whose line ends do not count",
      () => ({ type: enums.signature.text }),
      "Invalid GPG signature: the signature is not one over binary data",
    ],
    [
      "of a kind that is over keys",
      () => ({ type: enums.signature.standalone }),
      "Invalid GPG signature: the signature is not one over binary data",
    ],
    [
      "with a condition that nobody knows",
      () => ({ criticalNotation: true }),
      "Invalid GPG signature: Unknown critical notation: must@example.com",
    ],
  ];
  for (const [what, fault, outcome] of faults) {
    test(`with a signature ${what}: ${outcome}`, async () => {
      expect(await verdict(await sign(secretPacket(key), fault()), keys)).toBe(outcome);
    });
  }

  test("may be compressed, and what follows that is nobody's business", async () => {
    const plain = assemble(parts);
    const compressed = (algorithm: number, data: Uint8Array): Uint8Array =>
      packet(8, Buffer.concat([Uint8Array.of(algorithm), data]));
    const evil = packet(11, literal(new TextEncoder().encode("{}")));
    for (const message of [
      compressed(0, plain),
      compressed(1, deflateRawSync(plain)),
      compressed(2, deflateSync(plain)),
      Buffer.concat([compressed(1, deflateRawSync(plain)), evil]),
      Buffer.concat([compressed(1, deflateRawSync(plain)), Buffer.from("trailing")]),
    ]) {
      expect(await verdict(message, keys)).toBe("accepted");
      expect(text((await readSignedMessage(message)).payload)).toBe(text(PAYLOAD));
    }
    expect(await verdict(compressed(4, plain), keys)).toBe("No data: its compression 4 is unknown");
    expect(await verdict(Buffer.concat([packet(8, new Uint8Array()), plain]), keys)).toBe(
      "No data: its compression is unknown",
    );
  });

  test("may be signed the old way, the signature first", async () => {
    const message = Buffer.concat([packet(2, parts.signature), packet(11, parts.literal)]);
    expect(await verdict(message, keys)).toBe("accepted");
  });

  test("may come in parts, whatever their sizes", async () => {
    const inParts = (tag: number, body: Uint8Array, exponent: number): Uint8Array => {
      const size = 2 ** exponent;
      const pieces: Uint8Array[] = [Uint8Array.of(0xc0 | tag)];
      let start = 0;
      for (; start + size <= body.length; start += size) {
        pieces.push(Uint8Array.of(0xe0 | exponent), body.subarray(start, start + size));
      }
      pieces.push(Uint8Array.of(body.length - start), body.subarray(start));
      return Buffer.concat(pieces);
    };
    for (const exponent of [0, 1, 4, 7]) {
      const partial = inParts(11, parts.literal, exponent);
      const message = Buffer.concat([packet(4, parts.onePass), partial, packet(2, parts.signature)]);
      expect(await verdict(message, keys)).toBe("accepted");
      const all = packet(8, Buffer.concat([Uint8Array.of(0), message]));
      expect(await verdict(inParts(8, all.subarray(6), 7), keys)).toBe("accepted");
    }
    const signature = inParts(2, parts.signature, 4);
    const message = Buffer.concat([packet(4, parts.onePass), packet(11, parts.literal), signature]);
    expect(await verdict(message, keys)).toBe(
      "No data: the OpenPGP message has a packet of type 2 without a length",
    );
  });

  test("may be compressed without saying how long it is, and nothing else may", async () => {
    const old = (tag: number, body: Uint8Array): Uint8Array =>
      Buffer.concat([Uint8Array.of(0x80 | (tag << 2) | 3), body]);
    const plain = assemble(parts);
    expect(await verdict(old(8, Buffer.concat([Uint8Array.of(0), plain])), keys)).toBe("accepted");
    const prefix = Buffer.concat([packet(4, parts.onePass), packet(11, parts.literal)]);
    expect(await verdict(Buffer.concat([prefix, old(2, parts.signature)]), keys)).toBe(
      "No data: the OpenPGP message has a packet of type 2 without a length",
    );
  });

  const arrangements: readonly (readonly [string, (parts: MessageParts) => readonly Uint8Array[], string])[] =
    [
      [
        "with two signatures",
        (p) => [
          packet(4, p.onePass),
          packet(4, p.onePass),
          packet(11, p.literal),
          packet(2, p.signature),
          packet(2, p.signature),
        ],
        "Unexpected GPG signature count 2",
      ],
      ["with a signature only", (p) => [packet(2, p.signature)], "Unexpected GPG signature count 0"],
      [
        "without a signature",
        (p) => [packet(4, p.onePass), packet(11, p.literal)],
        "No data: it is not signed",
      ],
      ["with content only", (p) => [packet(11, p.literal)], "No data: it is not signed"],
      ["that is empty", () => [], "No data: it is empty"],
      [
        "with another content before the signed one",
        (p) => [
          packet(4, p.onePass),
          packet(11, literal(Buffer.from("{}"))),
          packet(11, p.literal),
          packet(2, p.signature),
        ],
        "No data: it has several contents",
      ],
      [
        "with another content after all",
        (p) => [
          packet(4, p.onePass),
          packet(11, p.literal),
          packet(2, p.signature),
          packet(11, literal(Buffer.from("{}"))),
        ],
        "No data: it has several contents",
      ],
      [
        "with compressed content after the announcement",
        (p) => [
          packet(4, p.onePass),
          packet(8, Buffer.concat([Uint8Array.of(0), packet(11, p.literal)])),
          packet(2, p.signature),
        ],
        "Unexpected GPG signature count 0",
      ],
      [
        "with its packets in another order",
        (p) => [packet(11, p.literal), packet(2, p.signature)],
        "No data: its packets are not those of a signed message",
      ],
      [
        "with an announcement that is followed by another",
        (p) => [
          packet(4, Buffer.concat([p.onePass.subarray(0, 12), Uint8Array.of(0)])),
          packet(11, p.literal),
          packet(2, p.signature),
        ],
        "No data: its announcement does not fit the signature",
      ],
      [
        "whose announcement names another hash",
        (p) => [
          packet(4, Buffer.concat([p.onePass.subarray(0, 2), Uint8Array.of(2), p.onePass.subarray(3)])),
          packet(11, p.literal),
          packet(2, p.signature),
        ],
        "No data: its announcement does not fit the signature",
      ],
      [
        "with content of a format that is unknown",
        (p) => [packet(4, p.onePass), packet(11, literal(PAYLOAD, "x")), packet(2, p.signature)],
        "No data: the format of its content is unknown",
      ],
      [
        "with content shorter than its own header",
        (p) => [packet(4, p.onePass), packet(11, Buffer.from("b\xffab")), packet(2, p.signature)],
        "No data: its content ends early",
      ],
      [
        "with bytes after the last packet",
        (p) => [assemble(p), Uint8Array.of(0x0a)],
        "No data: the OpenPGP message is no packet",
      ],
    ];
  for (const [what, arrange, outcome] of arrangements) {
    test(`${what} is refused`, async () => {
      expect(await verdict(Buffer.concat(arrange(parts)), keys)).toBe(outcome);
    });
  }

  test("has no other content for being called a text or having a file name", async () => {
    const named = Buffer.concat([Buffer.from("t\x07payload"), Buffer.alloc(4), PAYLOAD]);
    expect(await verdict(assemble({ ...parts, literal: named }), keys)).toBe("accepted");
    const shifted = Buffer.concat([
      Buffer.from("b\x01"),
      Buffer.alloc(4),
      Buffer.alloc(1),
      PAYLOAD.subarray(1),
    ]);
    expect(await verdict(assemble({ ...parts, literal: shifted }), keys)).toBe(
      "Invalid GPG signature: Signed digest did not match",
    );
  });

  test("has a signature of version 3 or 4", async () => {
    for (const version of [0, 2, 5, 6, 255]) {
      const signature = Uint8Array.from(parts.signature);
      signature[0] = version;
      // Versions before 4 have the algorithms elsewhere, so that the announcement cannot fit.
      const message = Buffer.concat([packet(2, signature), packet(11, parts.literal)]);
      expect(await verdict(message, keys)).toBe(
        `Invalid GPG signature: signature packets of version ${version} are not supported`,
      );
    }
  });

  test("is for nobody else's key: the whole fingerprint counts, not the ID", async () => {
    const like = Buffer.concat([Buffer.alloc(12), Buffer.from(key.getFingerprint(), "hex").subarray(12)]);
    const { signature } = parts;
    const unhashed = 6 + new DataView(signature.buffer, signature.byteOffset).getUint16(4);
    expect([...signature.subarray(unhashed, unhashed + 2)]).toEqual([0, 0]);
    const named = Buffer.concat([
      signature.subarray(0, unhashed),
      Uint8Array.of(0, 23, 22, 33, 4),
      like,
      signature.subarray(unhashed + 2),
    ]);
    expect(await verdict(assemble({ ...parts, signature: named }), keys)).toBe(
      "Invalid GPG signature: the signature names the fingerprint of another key",
    );
  });
});

describe("keys in armor", () => {
  const armored = text(fixture("gpg/protected.pub.asc"));
  const cases: readonly (readonly [string, string])[] = [
    ["first of two", `${armored}\n${text(fixture("gpg/plain.pub.asc"))}`],
    ["second of two", `${text(fixture("gpg/plain.pub.asc"))}${armored}`],
    [
      "last of three with notes between them",
      `note\n${text(fixture("gpg/subkey.pub.asc"))}-- \n${text(fixture("gpg/plain.pub.asc"))}\n\n# x\n${armored}`,
    ],
    ["with lines as Windows ends them", armored.replaceAll("\n", "\r\n")],
    ["after a block that is damaged", `${text(fixture("gpg/plain.pub.asc")).replace(/^m/m, "!")}${armored}`],
  ];
  for (const [what, keyring] of cases) {
    test(`count ${what}`, async () => {
      expect(await verdict(fixture("blobs/gpg-ed25519.sig"), [new TextEncoder().encode(keyring)])).toBe(
        "accepted",
      );
    });
  }

  test("count also where they are secret, and one after another", async () => {
    const both = Buffer.concat([fixture("gpg/plain.sec.gpg"), fixture("gpg/protected.sec.gpg")]);
    for (const name of ["gpg-rsa", "gpg-ed25519"]) {
      expect(await verdict(fixture(`blobs/${name}.sig`), [both])).toBe("accepted");
    }
  });

  test("do not make those beside them unreadable when they are damaged", async () => {
    const plain = fixture("gpg/plain.pub.gpg");
    const unknown = packet(6, Uint8Array.of(9, 9, 9));
    expect(await verdict(fixture("blobs/gpg-rsa.sig"), [unknown, plain])).toBe("accepted");
    expect(await verdict(fixture("blobs/gpg-rsa.sig"), [Buffer.concat([unknown, plain])])).toBe("accepted");
    expect(await verdict(fixture("blobs/gpg-rsa.sig"), [Buffer.concat([plain, plain.subarray(0, 99)])])).toBe(
      "accepted",
    );
  });
});
