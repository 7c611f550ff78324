import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { enums } from "openpgp";
import { openKeyFileSigner } from "../../../src/signing/openpgp/key-file-signer.ts";
import { readKeyring } from "../../../src/signing/openpgp/keyring.ts";
import { verifySignedMessage } from "../../../src/signing/openpgp/verify.ts";
import { createSimpleSignature, SigningError } from "../../../src/signing/simple/signer.ts";
import { findProgram, newestSkopeo, peerTest } from "../../support/peers.ts";
import { mustRun } from "../../support/run.ts";
import { DIGEST, fingerprints, fixture, manifest, REFERENCE } from "../fixtures.ts";
import { GpgHome } from "./gpg-home.ts";
import { DAY, newKey } from "./messages.ts";

const PASSPHRASE = "fixture-passphrase";
const TOOLS = ["gpg", "gpgconf"];
const PROTECTED = fixture("gpg/protected.sec.gpg");
let home: GpgHome | undefined;

beforeAll(() => {
  if (findProgram("gpg") !== undefined && findProgram("gpgconf") !== undefined) home = new GpgHome();
});

afterAll(async () => {
  await home?.[Symbol.asyncDispose]();
});

async function failureOf(work: Promise<unknown>): Promise<readonly [string, string]> {
  const error: unknown = await work.then(
    () => "no failure",
    (reason) => reason,
  );
  if (error instanceof SigningError) return [error.failure, error.message];
  throw error;
}

function armored(name: string): Uint8Array {
  const base64 = Buffer.from(fixture(name)).toString("base64").replace(/.{64}/g, "$&\n");
  return new TextEncoder().encode(
    `-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n${base64}\n-----END PGP PRIVATE KEY BLOCK-----\n`,
  );
}

const good: readonly (readonly [string, string, Uint8Array, string | undefined])[] = [
  ["without a passphrase", "plain", fixture("gpg/plain.sec.gpg"), undefined],
  ["without a passphrase, whatever is given", "plain", fixture("gpg/plain.sec.gpg"), "needless"],
  ["in armor", "plain", armored("gpg/plain.sec.gpg"), undefined],
  ["with its passphrase", "protected", PROTECTED, PASSPHRASE],
  ["that signs by a subkey", "subkey", fixture("gpg/subkey.sec.gpg"), undefined],
];

describe("a key file", () => {
  for (const [what, name, keyFile, passphrase] of good) {
    peerTest(`${what} signs what gpg and real skopeo accept`, [...TOOLS, "skopeo"], async () => {
      if (home === undefined || newestSkopeo === undefined) throw new Error("left out");
      const signer = await openKeyFileSigner({ keyFile, passphrase });
      const { primary = "", signingSubkey } = fingerprints[name] ?? {};
      expect(signer.fingerprint).toBe(primary);
      const message = await createSimpleSignature({ manifest, dockerReference: REFERENCE, signer });
      const keyring = await readKeyring([fixture(`gpg/${name}.pub.gpg`)]);
      expect((await verifySignedMessage(message, keyring)).primaryFingerprint).toBe(primary);
      await home.gpg("--import", home.write("key", fixture(`gpg/${name}.pub.gpg`)));
      const path = home.write("signature", message);
      const status = await home.gpg("--status-fd", "1", "--verify", path);
      expect(status).toContain(`VALIDSIG ${signingSubkey ?? primary}`);
      const image = home.write("manifest.json", manifest);
      const words = [newestSkopeo.path, "standalone-verify", image, REFERENCE, primary, path];
      expect(await mustRun(words, { env: home.env })).toBe(
        `Signature verified using fingerprint ${primary}, digest ${DIGEST}\n`,
      );
    });
  }

  test("is found by what gpg would find it by", async () => {
    const keyFile = Buffer.concat([fixture("gpg/plain.sec.gpg"), fixture("gpg/subkey.sec.gpg")]);
    const { plain, subkey } = fingerprints;
    const names: readonly (readonly [string | undefined, string | undefined])[] = [
      [plain?.primary, plain?.primary],
      [`0x${plain?.primary.toLowerCase()}`, plain?.primary],
      [plain?.primary.slice(-16), plain?.primary],
      [subkey?.signingSubkey, subkey?.primary],
      [subkey?.signingSubkey?.slice(-8), subkey?.primary],
    ];
    for (const [identity, primary] of names) {
      expect((await openKeyFileSigner({ keyFile, identity })).fingerprint).toBe(primary ?? "");
    }
    expect((await failureOf(openKeyFileSigner({ keyFile })))[0]).toBe("ambiguous-key");
    for (const identity of [plain?.primary.slice(-7), "0", "0x", "nobody@example.com"]) {
      expect(await failureOf(openKeyFileSigner({ keyFile, identity }))).toEqual([
        "unknown-key",
        `key "${identity}" not found`,
      ]);
    }
  });

  const refused: readonly (readonly [
    string,
    () => Promise<Uint8Array>,
    string | undefined,
    string,
    RegExp,
  ])[] = [
    ["a wrong passphrase", async () => PROTECTED, "wrong", "bad-passphrase", /^Bad passphrase$/],
    ["an empty passphrase", async () => PROTECTED, "", "bad-passphrase", /^Bad passphrase$/],
    ["no passphrase", async () => PROTECTED, undefined, "bad-passphrase", /^the key needs a passphrase$/],
    [
      "a public key",
      async () => fixture("gpg/plain.pub.gpg"),
      undefined,
      "unknown-key",
      /^the file has no private key$/,
    ],
    ["nothing", async () => new Uint8Array(), undefined, "unknown-key", /^the file has no private key$/],
    [
      "nonsense",
      async () => fixture("blobs/gpg-rsa.sig"),
      undefined,
      "unknown-key",
      /^the file has no private key$/,
    ],
    [
      "half a key",
      async () => PROTECTED.subarray(0, 99),
      PASSPHRASE,
      "unknown-key",
      /^the file has no private key$/,
    ],
    [
      "an expired key",
      async () => (await newKey({ days: 9, keyExpirationTime: (5 * DAY) / 1000 })).write(),
      undefined,
      "unusable-key",
      /^Unusable secret key: Primary key is expired$/,
    ],
    [
      "a revoked key",
      async () => {
        const key = await newKey();
        return (await key.revoke({ flag: enums.reasonForRevocation.keyRetired })).write();
      },
      undefined,
      "unusable-key",
      /^Unusable secret key: Primary key is revoked$/,
    ],
    [
      "a weak key",
      async () => (await newKey({ type: "rsa", rsaBits: 1024, config: { minRSABits: 1024 } })).write(),
      undefined,
      "unusable-key",
      /too weak/,
    ],
  ];
  for (const [what, keyFile, passphrase, failure, message] of refused) {
    test(`with ${what} signs nothing`, async () => {
      const opening = openKeyFileSigner({ keyFile: await keyFile(), passphrase });
      expect(await failureOf(opening)).toEqual([failure, expect.stringMatching(message)]);
    });
  }

  peerTest("needs the secret of what signs, and of nothing else", TOOLS, async () => {
    if (home === undefined) throw new Error("left out");
    for (const passphrase of ["", "secret"]) {
      const lone = await home.makeKey(
        `Lone ${passphrase.length} <lone${passphrase.length}@x.example>`,
        passphrase,
      );
      const keyFile = await home.export("--export-secret-keys", lone, passphrase);
      expect((await openKeyFileSigner({ keyFile, passphrase })).fingerprint).toBe(lone);
    }
    const owner = await home.makeKey("Owner <owner@x.example>");
    const before = await home.export("--export-secret-subkeys", owner);
    expect((await failureOf(openKeyFileSigner({ keyFile: before })))[0]).toBe("unusable-key");
    await home.addSubkey(owner);
    const keyFile = await home.export("--export-secret-subkeys", owner);
    const signer = await openKeyFileSigner({ keyFile });
    const message = await signer.sign(new TextEncoder().encode("x"));
    const keyring = await readKeyring([await home.export("--export", owner)]);
    expect((await verifySignedMessage(message, keyring)).primaryFingerprint).toBe(owner);
  });

  test("signs nothing after it is told to stop", async () => {
    const signer = await openKeyFileSigner({ keyFile: fixture("gpg/plain.sec.gpg") });
    expect(signer.sign(new Uint8Array(), { signal: AbortSignal.abort() })).rejects.toThrow(
      expect.objectContaining({ name: "AbortError" }),
    );
  });
});
