import { describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorMessage } from "../../../src/core/errors.ts";
import { type StandaloneVerifyRequest, standaloneVerify } from "../../../src/signing/simple/standalone.ts";
import { dumpUntrustedSignature } from "../../../src/signing/simple/untrusted.ts";
import { peerTest } from "../../support/peers.ts";
import { runRealSkopeo } from "../../support/real-skopeo.ts";
import { FIXTURES, fingerprints, fixture, manifest, REFERENCE } from "../fixtures.ts";
import { newKey, secretPacket, sign } from "./messages.ts";

const MANIFEST = join(FIXTURES, "images", "unsigned", "manifest.json");
const KEYS = join(FIXTURES, "gpg", "all.pub.gpg");
const GPG = ["gpg", "skopeo 1.22"];
const blobs = readdirSync(join(FIXTURES, "blobs")).filter((name) => name.startsWith("gpg-"));
const fingerprint = (name: string): string => fingerprints[name]?.primary ?? "";
/** Where there is no keyring. */
const home = mkdtempSync("/tmp/g");
const env: Readonly<Record<string, string>> = { PATH: process.env.PATH ?? "", GNUPGHOME: home, HOME: home };

type Difference = Partial<Omit<StandaloneVerifyRequest, "env" | "publicKeys">> & {
  readonly publicKeyFile?: string | undefined;
};

/** What the command prints, or the text of its error. */
async function ours(blob: string, difference: Difference): Promise<string> {
  const { publicKeyFile, ...others } = { publicKeyFile: KEYS, ...difference };
  const publicKeys = publicKeyFile === undefined ? undefined : await Bun.file(publicKeyFile).bytes();
  const signature = fixture(`blobs/${blob}`);
  const request = { manifest, dockerReference: REFERENCE, fingerprints: "any", signature, publicKeys, env };
  return await standaloneVerify({ ...request, ...others }).then(
    (result) => `Signature verified using fingerprint ${result.fingerprint}, digest ${result.digest}\n`,
    errorMessage,
  );
}

async function real(blob: string, difference: Difference): Promise<string> {
  const {
    dockerReference = REFERENCE,
    fingerprints: listed = "any",
    publicKeyFile,
  } = {
    publicKeyFile: KEYS,
    ...difference,
  };
  const changed = join(home, "manifest.json");
  if (difference.manifest !== undefined) writeFileSync(changed, difference.manifest);
  const manifestFile = difference.manifest === undefined ? MANIFEST : changed;
  const options = publicKeyFile === undefined ? [] : ["--public-key-file", publicKeyFile];
  const words = [manifestFile, dockerReference, listed, join(FIXTURES, "blobs", blob), ...options];
  const outcome = await runRealSkopeo(["standalone-verify", ...words], env);
  return outcome.exitCode === 0 ? outcome.stdout : outcome.fatal;
}

/** The same texts, but for the reasons that gpg gives in its own terms, where ours are in words. */
function expectSame(our: string, their: string): void {
  const start = /^Error verifying signature: (?:Invalid GPG signature: (?=gpgme)|No data$)/.exec(their)?.[0];
  if (start === undefined) expect(our).toBe(their);
  else expect(our).toStartWith(start);
}

describe("standalone-verify", () => {
  peerTest("says of every fixture what real skopeo says", GPG, async () => {
    expect(blobs.length).toBeGreaterThan(29);
    let accepted = 0;
    for (const blob of blobs) {
      const [our, their] = await Promise.all([ours(blob, {}), real(blob, {})]);
      // Signed text, whose line ends and spaces are not signed, is no signature of an image for us.
      if (blob === "gpg-cleartext.sig") {
        expect(their).toStartWith("Signature verified");
        expect(our).toStartWith("Error verifying signature: No data");
        continue;
      }
      expectSame(our, their);
      if (our.startsWith("Signature verified")) accepted++;
    }
    expect(accepted).toBeGreaterThan(10);
  });

  const plain = fingerprint("plain");
  const subkey = fingerprints.subkey?.signingSubkey ?? "";
  const requests: readonly (readonly [string, string, Difference])[] = [
    ["its fingerprint", "gpg-rsa.sig", { fingerprints: plain }],
    ["its fingerprint among others", "gpg-rsa.sig", { fingerprints: `${fingerprint("subkey")},${plain}` }],
    ["its fingerprint in lower case", "gpg-rsa.sig", { fingerprints: plain.toLowerCase() }],
    ["spaces around its fingerprint", "gpg-rsa.sig", { fingerprints: `${fingerprint("subkey")}, ${plain} ` }],
    ["the end of its fingerprint", "gpg-rsa.sig", { fingerprints: plain.slice(-16) }],
    ["no fingerprint", "gpg-rsa.sig", { fingerprints: "" }],
    ["any among fingerprints", "gpg-rsa.sig", { fingerprints: `any,${fingerprint("subkey")}` }],
    ["the primary key of its subkey", "gpg-subkey.sig", { fingerprints: fingerprint("subkey") }],
    ["its subkey", "gpg-subkey.sig", { fingerprints: subkey }],
    [
      "its subkey and the primary key",
      "gpg-subkey.sig",
      { fingerprints: `${fingerprint("subkey")},${subkey}` },
    ],
    ["another reference", "gpg-rsa.sig", { dockerReference: "example.com/fixtures/signed:v2" }],
    ["no tag", "gpg-rsa.sig", { dockerReference: "example.com/fixtures/signed" }],
    ["another manifest", "gpg-rsa.sig", { manifest: new TextEncoder().encode("{}") }],
    ["another key's file", "gpg-rsa.sig", { publicKeyFile: join(FIXTURES, "gpg", "subkey.pub.gpg") }],
    ["an armored file", "gpg-rsa.sig", { publicKeyFile: join(FIXTURES, "gpg", "plain.pub.asc") }],
    ["the file of a secret key", "gpg-rsa.sig", { publicKeyFile: join(FIXTURES, "gpg", "plain.sec.gpg") }],
    ["a file without keys", "gpg-rsa.sig", { publicKeyFile: join(FIXTURES, "passphrase.txt") }],
    ["any key and no file", "gpg-rsa.sig", { publicKeyFile: undefined }],
    ["a keyring that lacks the key", "gpg-rsa.sig", { publicKeyFile: undefined, fingerprints: plain }],
  ];
  for (const [what, blob, difference] of requests) {
    peerTest(`given ${what} says what real skopeo says`, GPG, async () => {
      const [our, their] = await Promise.all([ours(blob, difference), real(blob, difference)]);
      expectSame(our, their);
    });
  }
});

describe("untrusted-signature-dump-without-verification", () => {
  peerTest("says of every fixture what real skopeo says", ["skopeo 1.22"], async () => {
    let read = 0;
    for (const blob of blobs) {
      const path = join(FIXTURES, "blobs", blob);
      const [our, their] = await Promise.all([
        dumpUntrustedSignature(fixture(`blobs/${blob}`)).catch(errorMessage),
        runRealSkopeo(["untrusted-signature-dump-without-verification", path]),
      ]);
      // Real skopeo does not look whether it has all of it.
      if (blob === "gpg-truncated.sig")
        expect(our).toStartWith("Error decoding untrusted signature: No data");
      else if (their.exitCode === 0) expect(`${our.trimEnd()}\n`).toBe(their.stdout);
      else {
        const prefix = "Error decoding untrusted signature: ";
        expect(their.fatal).toStartWith(prefix);
        expect(our).toStartWith(prefix);
      }
      if (their.exitCode === 0) read++;
    }
    expect(read).toBeGreaterThan(15);
  });

  const timestamps = ["0", "-1", "1e9", "253402300799", "253402300800", "9e15", "9e18", "1e19", "1.5"];
  peerTest("writes the time as real skopeo does, or says that it cannot", ["skopeo 1.22"], async () => {
    const key = await newKey();
    for (const timestamp of [...timestamps, "-62167219200", "-62167219201"]) {
      const text = new TextDecoder().decode(fixture("blobs/gpg-payload.json"));
      const payload = new TextEncoder().encode(text.replace(/("timestamp":)\d+/, `$1${timestamp}`));
      const message = await sign(secretPacket(key), { payload });
      const path = join(mkdtempSync(join(tmpdir(), "dump-")), "signature");
      writeFileSync(path, message);
      const their = await runRealSkopeo(["untrusted-signature-dump-without-verification", path], {
        TZ: "UTC",
      });
      const our = await dumpUntrustedSignature(message).catch(errorMessage);
      expect(our.trim()).toBe((their.exitCode === 0 ? their.stdout : their.fatal).trim());
    }
  });

  test("looks at no signature, so that a forged one is shown like a good one", async () => {
    const shown = JSON.parse(await dumpUntrustedSignature(fixture("blobs/gpg-tampered.sig")));
    expect(shown).toMatchObject({ UntrustedShortKeyIdentifier: fingerprint("plain").slice(-16) });
  });
});
