import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { readGpgKeyring } from "../../../src/signing/gpg/keyring.ts";
import { openGpgSigner, readPassphrase, tryPassphrase } from "../../../src/signing/gpg/signer.ts";
import { readKeyring } from "../../../src/signing/openpgp/keyring.ts";
import { readSignedMessage } from "../../../src/signing/openpgp/message.ts";
import { readIssuer, verifySignedMessage } from "../../../src/signing/openpgp/verify.ts";
import { createSimpleSignature, SigningError } from "../../../src/signing/simple/signer.ts";
import { standaloneSign, standaloneVerify } from "../../../src/signing/simple/standalone.ts";
import { findProgram, newestSkopeo, peerTest } from "../../support/peers.ts";
import { mustRun } from "../../support/run.ts";
import { DIGEST, manifest, REFERENCE } from "../fixtures.ts";
import { GpgHome } from "./gpg-home.ts";

const PASSPHRASE = "two words, ü";
const hasGpg = findProgram("gpg") !== undefined && findProgram("gpgconf") !== undefined;
const TOOLS = ["gpg", "gpgconf"];

let home: GpgHome;
/** Fingerprints. */
const keys = { alice: "", protected: "", expired: "", revoked: "", foreign: "", subkey: "" };

beforeAll(async () => {
  if (!hasGpg) return;
  home = new GpgHome();
  keys.alice = await home.makeKey("Alice <alice@one.example>");
  keys.protected = await home.makeKey("Prot <prot@two.example>", PASSPHRASE);
  await home.makeKey("Twin <twin@three.example>");
  await home.makeKey("Twin <twin2@three.example>");
  keys.expired = await home.makeKey("Old <old@four.example>", "", "--faked-system-time", "20200101T000000");
  keys.revoked = await home.makeKey("Gone <gone@five.example>");
  await home.revoke(keys.revoked);
  keys.foreign = await home.makeKey("Jörg Ñandú <joerg@six.example>");
  keys.subkey = await home.addSubkey(await home.makeKey("Sub <sub@seven.example>"));
}, 60_000);

afterAll(async () => {
  await home?.[Symbol.asyncDispose]();
});

async function signWith(identity: string, passphrase?: string): Promise<Uint8Array> {
  const signer = await openGpgSigner({ identity, passphrase, env: home.env });
  return await createSimpleSignature({ manifest, dockerReference: REFERENCE, signer });
}

async function failureOf(work: Promise<unknown>): Promise<readonly [string, string]> {
  const error: unknown = await work.then(
    () => "no failure",
    (reason) => reason,
  );
  if (error instanceof SigningError) return [error.failure, error.message];
  throw error;
}

/** A program named gpg that is a shell script, in the only folder of PATH besides those of the shell's tools. */
function fakeGpg(script: string): { readonly env: Readonly<Record<string, string>> } {
  const folder = mkdtempSync(join(tmpdir(), "fake-gpg-"));
  const path = join(folder, "gpg");
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return { env: { PATH: `${folder}${delimiter}${process.env.PATH ?? ""}` } };
}

describe("a key of gpg", () => {
  peerTest("signs by whatever name it has", TOOLS, async () => {
    const names: readonly (readonly [string, string])[] = [
      [keys.alice, keys.alice],
      [keys.alice.toLowerCase(), keys.alice],
      [`0x${keys.alice}`, keys.alice],
      [keys.alice.slice(-16), keys.alice],
      [`${keys.alice}!`, keys.alice],
      ["alice@one.example", keys.alice],
      ["<alice@one.example>", keys.alice],
      ["lice", keys.alice],
      ["Jörg Ñ", keys.foreign],
    ];
    for (const [name, fingerprint] of names) {
      const signer = await openGpgSigner({ identity: name, env: home.env });
      expect(signer.fingerprint).toBe(fingerprint);
      const message = await createSimpleSignature({ manifest, dockerReference: REFERENCE, signer });
      const keyring = await readGpgKeyring(fingerprint.slice(-16), { env: home.env });
      const verified = await verifySignedMessage(message, keyring);
      expect(verified.primaryFingerprint).toBe(fingerprint);
    }
  });

  const refused: readonly (readonly [string, () => string, string, RegExp])[] = [
    ["that is missing", () => "nobody@one.example", "unknown-key", /^key "nobody@one.example" not found$/],
    ["that has no name", () => "", "unknown-key", /^Invalid value$/],
    ["named like an option", () => "--version", "unknown-key", /^key "--version" not found$/],
    [
      "that is one of two",
      () => "three.example",
      "ambiguous-key",
      /^Ambiguous name: three.example is in 2 keys$/,
    ],
    ["that has expired", () => keys.expired, "unusable-key", /^Unusable secret key: \w{40} has expired$/],
    [
      "that is revoked",
      () => "gone@five.example",
      "unusable-key",
      /^Unusable secret key: gone@\S+ is revoked$/,
    ],
  ];
  for (const [what, identity, failure, message] of refused) {
    peerTest(`${what} is refused before anything is signed`, TOOLS, async () => {
      expect(await failureOf(openGpgSigner({ identity: identity(), env: home.env }))).toEqual([
        failure,
        expect.stringMatching(message),
      ]);
    });
  }

  peerTest("signs with its newest subkey", TOOLS, async () => {
    const message = await signWith("sub@seven.example");
    expect(await readIssuer(await readSignedMessage(message))).toBe(keys.subkey.slice(-16));
  });

  peerTest("takes its passphrase, and no other", TOOLS, async () => {
    await home.forget();
    expect(await failureOf(signWith(keys.protected, "wrong"))).toEqual(["bad-passphrase", "Bad passphrase"]);
    expect(await failureOf(signWith(keys.protected, `${PASSPHRASE}\r`))).toEqual([
      "bad-passphrase",
      "Bad passphrase",
    ]);
    expect(await failureOf(signWith(keys.protected, `${PASSPHRASE}\nx`))).toEqual([
      "bad-passphrase",
      "invalid passphrase: it must not contain a line break",
    ]);
    const [failure, message] = await failureOf(signWith(keys.protected));
    expect([failure, message]).toEqual(["failed", expect.stringMatching(/^\w.*\w$/)]);
    expect(message).not.toContain("\n");
    const signer = await openGpgSigner({ identity: keys.protected, passphrase: PASSPHRASE, env: home.env });
    await tryPassphrase(signer);
    const signed = await createSimpleSignature({ manifest, dockerReference: REFERENCE, signer });
    const { payload } = await readSignedMessage(signed);
    expect(JSON.parse(new TextDecoder().decode(payload)).critical.identity["docker-reference"]).toBe(
      REFERENCE,
    );
    await home.forget();
    const wrong = await openGpgSigner({ identity: keys.protected, passphrase: "wrong", env: home.env });
    expect((await failureOf(tryPassphrase(wrong)))[0]).toBe("bad-passphrase");
  });

  peerTest("gives no harm to a signature by settings that others have", TOOLS, async () => {
    const settings = [
      "armor",
      "textmode",
      "digest-algo SHA1",
      "throw-keyids",
      "for-your-eyes-only",
      "set-filename ../../evil",
      "compress-algo bzip2",
      "output evil",
      `default-key ${keys.foreign}`,
      "quiet",
      "charset iso-8859-1",
      "keyid-format none",
    ];
    const { fingerprint, message } = await signedUnder(settings.join("\n"));
    const keyring = await readKeyring([await home.export("--export", keys.alice)]);
    const verified = await verifySignedMessage(message, keyring);
    expect(verified.primaryFingerprint).toBe(fingerprint);
    expect((await readSignedMessage(message)).signature[3]).toBe(10);
  });

  peerTest("signs nothing when settings add other signers, for nobody would accept it", TOOLS, async () => {
    expect(await signedUnder(`local-user ${keys.foreign}`).catch((error: Error) => error.message)).toBe(
      "Unexpected GPG signature count 2",
    );
  });

  async function signedUnder(settings: string): Promise<{ fingerprint: string; message: Uint8Array }> {
    const path = home.write("gpg.conf", settings);
    try {
      const signer = await openGpgSigner({ identity: keys.alice, env: home.env });
      const message = await createSimpleSignature({ manifest, dockerReference: REFERENCE, signer });
      return { fingerprint: signer.fingerprint, message };
    } finally {
      writeFileSync(path, "");
    }
  }
});

describe("gpg", () => {
  test("that is not installed is named", async () => {
    const env = { PATH: mkdtempSync(join(tmpdir(), "empty-path-")) };
    expect(await failureOf(openGpgSigner({ identity: "x", env }))).toEqual([
      "no-gpg",
      'exec: "gpg": executable file not found in $PATH',
    ]);
  });

  test("that hangs is ended after its time, and so is what it started", async () => {
    const start = performance.now();
    const hanging = { identity: "x", ...fakeGpg("sleep 20"), timeout: 100 };
    expect(await failureOf(openGpgSigner(hanging))).toEqual(["timed-out", "gpg: no answer within 0.1 s"]);
    expect(performance.now() - start).toBeLessThan(5000);
  });

  test("that hangs does not keep the program from ending", async () => {
    const module = join(import.meta.dir, "../../../src/signing/gpg/signer.ts");
    const script = `import { openGpgSigner } from ${JSON.stringify(module)};
      await openGpgSigner({ identity: "x", env: process.env, timeout: 100 }).catch((e) => console.log(e.failure));`;
    const { env } = fakeGpg("sleep 20");
    const start = performance.now();
    expect(await mustRun([process.execPath, "-e", script], { env })).toBe("timed-out\n");
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  test("is ended when the work is aborted", async () => {
    const { env } = fakeGpg("sleep 20");
    const controller = new AbortController();
    const opening = openGpgSigner({ identity: "x", env, signal: controller.signal });
    setTimeout(() => controller.abort(), 100);
    expect(opening).rejects.toThrow(expect.objectContaining({ name: "AbortError" }));
    const aborted = AbortSignal.abort();
    expect(openGpgSigner({ identity: "x", env, signal: aborted })).rejects.toThrow(
      expect.objectContaining({ name: "AbortError" }),
    );
  });

  const nonsense: readonly (readonly [string, string, RegExp])[] = [
    ["says nothing", "exit 0", /^key "x" not found$/],
    ["says nonsense", "head -c 1000 /dev/urandom", /^key "x" not found$/],
    ["says without end", "yes", /^gpg: it says too much$/],
    ["complains without end", "yes >&2", /^gpg: it says too much$/],
    ["does not read", "exec <&-; exit 2", /^key "x" not found$/],
  ];
  for (const [what, script, message] of nonsense) {
    test(`that ${what} signs nothing`, async () => {
      const [, told] = await failureOf(openGpgSigner({ identity: "x", ...fakeGpg(script) }));
      expect(told).toMatch(message);
    });
  }

  test("that claims to have signed something else is not believed", async () => {
    const fingerprint = "A".repeat(40);
    const listing = `sec:u:255:22:${"A".repeat(16)}:1::::::scSC:\\nfpr:::::::::${fingerprint}:\\n`;
    const script = `case "$*" in *--list-secret-keys*) printf '${listing}';;
      *) cat >/dev/null; echo "[GNUPG:] SIG_CREATED" x >&2; ${"$"}LAST_WORD;; esac`;
    const works = fakeGpg(script.replace("$LAST_WORD", "printf garbage"));
    const signer = await openGpgSigner({ identity: "x", ...works });
    expect(createSimpleSignature({ manifest, dockerReference: REFERENCE, signer })).rejects.toThrow(
      "No data",
    );
    const fails = fakeGpg(
      script.replace("$LAST_WORD", "echo 'gpg: signing failed: Hardware on fire' >&2; exit 2"),
    );
    const broken = await openGpgSigner({ identity: "x", ...fails });
    expect(await failureOf(broken.sign(new Uint8Array()))).toEqual(["failed", "Hardware on fire"]);
  });

  peerTest("exports no key for an ID that is none, and refuses what is no ID", TOOLS, async () => {
    expect((await readGpgKeyring("0000000000000000", { env: home.env })).keys).toEqual([]);
    expect(await failureOf(readGpgKeyring("--version", { env: home.env }))).toEqual([
      "failed",
      "invalid key ID",
    ]);
  });
});

describe("the passphrase in a file", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["", ""],
    ["one", "one"],
    ["one\n", "one"],
    ["one\r\n", "one\r"],
    ["one\ntwo\n", "one"],
    ["\none", ""],
    [" one ", " one "],
    ["\ufeffone", "\ufeffone"],
    ["ünï", "ünï"],
  ];
  for (const [content, passphrase] of cases) {
    test(`that has ${JSON.stringify(content)} is ${JSON.stringify(passphrase)}`, () => {
      expect(readPassphrase(new TextEncoder().encode(content))).toBe(passphrase);
    });
  }
});

/** Each real skopeo that there is: the newest, and the one of the distribution. */
const skopeos = new Set(
  [newestSkopeo?.path, findProgram("skopeo", (process.env.PATH ?? "").split(delimiter))].filter(
    (path) => path !== undefined,
  ),
);

describe("what one signs the other verifies:", () => {
  peerTest("ours is good for gpg and real skopeo", [...TOOLS, "skopeo"], async () => {
    const image = home.write("manifest.json", manifest);
    for (const [identity, signing] of [
      [keys.alice, keys.alice],
      ["sub@seven.example", keys.subkey],
      ["Jörg", keys.foreign],
    ] as const) {
      const signer = await openGpgSigner({ identity, env: home.env });
      const signature = await standaloneSign({ manifest, dockerReference: REFERENCE, signer });
      const path = home.write(`signature-${signing}`, signature);
      const status = await home.gpg("--status-fd", "1", "--verify", path);
      expect(status).toContain(`[GNUPG:] VALIDSIG ${signing}`);
      expect(await home.gpg("--decrypt", path)).toBe(
        new TextDecoder().decode((await readSignedMessage(signature)).payload),
      );
      for (const skopeo of skopeos) {
        const words = [skopeo, "standalone-verify", image, REFERENCE, signing, path];
        expect(await mustRun(words, { env: home.env })).toContain(`, digest ${DIGEST}\n`);
      }
    }
  });

  peerTest(
    "real skopeo's is good for us, with the keyring of gpg and with a file",
    [...TOOLS, "skopeo"],
    async () => {
      const image = home.write("manifest.json", manifest);
      for (const skopeo of skopeos) {
        const path = join(home.path, "real-signature");
        const words = [skopeo, "standalone-sign", image, REFERENCE, keys.alice, "--output", path];
        await mustRun(words, { env: home.env });
        const signature = new Uint8Array(await Bun.file(path).arrayBuffer());
        const publicKeys = await home.export("--export", keys.alice);
        const request = { manifest, dockerReference: REFERENCE, signature, env: home.env };
        const expected = { fingerprint: keys.alice, digest: DIGEST };
        const listed = `${keys.foreign},${keys.alice}`;
        expect(await standaloneVerify({ ...request, fingerprints: listed })).toMatchObject(expected);
        expect(await standaloneVerify({ ...request, fingerprints: "any", publicKeys })).toMatchObject(
          expected,
        );
        expect(standaloneVerify({ ...request, fingerprints: keys.foreign })).rejects.toThrow(
          `Error verifying signature: signature by key ${keys.alice} of ${keys.alice} is not accepted`,
        );
      }
    },
  );
});
