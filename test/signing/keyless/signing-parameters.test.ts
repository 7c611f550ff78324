import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseSigningParameters } from "../../../src/signing/sigstore/signing-parameters.ts";
import { peerTest } from "../../support/peers.ts";
import { runRealSkopeo } from "../../support/real-skopeo.ts";

const FIXTURES = join(import.meta.dir, "..", "fixtures", "sigstore");
const parse = (text: string) => parseSigningParameters(Buffer.from(text));

describe("parameter files", () => {
  test("with a key and its passphrase", async () => {
    const file = readFileSync(join(FIXTURES, "params-private-key.yaml"));
    expect(await parseSigningParameters(file)).toEqual({
      key: { kind: "file", path: "sigstore/empty.private", passphraseFile: "passphrase-empty.txt" },
    });
  });

  test("with a token for Fulcio and a log", async () => {
    const file = readFileSync(join(FIXTURES, "params-fulcio.yaml"));
    expect(await parseSigningParameters(file)).toEqual({
      key: {
        kind: "fulcio",
        fulcioUrl: "http://127.0.0.1:5981",
        identity: {
          mode: "staticToken",
          idToken: expect.stringMatching(/^eyJhbGciOiAiUlMyNTYifQ\..+\.c2ln$/),
        },
      },
      rekorUrl: "http://127.0.0.1:5981",
    });
  });

  for (const mode of ["deviceGrant", "interactive"] as const) {
    test(`with ${mode}, whose client may go without a name and a secret`, async () => {
      const written = `fulcio:\n  fulcioURL: http://f\n  oidcMode: ${mode}\n  oidcIssuerURL: http://i\n`;
      const identity = { mode, issuerUrl: "http://i", clientId: "", clientSecret: "" };
      expect(await parse(written)).toEqual({ key: { kind: "fulcio", fulcioUrl: "http://f", identity } });
      const more = `${written}  oidcClientID: me\n  oidcClientSecret: mine\n`;
      expect((await parse(more)).key).toMatchObject({
        identity: { ...identity, clientId: "me", clientSecret: "mine" },
      });
    });
  }

  test("with any scalar as text, an alias, null, and a second document that is not read", async () => {
    expect(await parse("privateKeyFile: 1.50\n")).toMatchObject({ key: { path: "1.50" } });
    expect(await parse("rekorURL: &a x\nprivateKeyFile: *a\nfulcio:\n---\nnonsense: [\n")).toEqual({
      key: { kind: "file", path: "x" },
      rekorUrl: "x",
    });
  });
});

const FORM = "yaml: unmarshal errors:\n  line ";
const FULCIO = "fulcio: {fulcioURL: http://f";
const NO_KEY =
  "no private key source provided (neither a private key nor Fulcio) when preparing to create sigstore signatures";
/** Texts with the same error of real skopeo. */
const REFUSED: readonly (readonly [text: string, message: string, isAboutForm?: boolean])[] = [
  ["", "EOF", true],
  ["# nothing\n", "EOF", true],
  ["null\n", NO_KEY],
  ["---\n", NO_KEY],
  ["{}\n", NO_KEY],
  ["fulcio:\nrekorURL: 12\n", NO_KEY],
  ["foo: 1\n", `${FORM}1: field foo not found in type params.SigningParameterFile`, true],
  ["RekorURL: x\n", `${FORM}1: field RekorURL not found in type params.SigningParameterFile`, true],
  ["fulcio:\n  foo: 1\n", `${FORM}2: field foo not found in type params.SigningParameterFileFulcio`, true],
  [
    "foo: 1\nrekorURL: [a]\n",
    `${FORM}1: field foo not found in type params.SigningParameterFile\n  line 2: cannot unmarshal !!seq into string`,
    true,
  ],
  ["fulcio: 3\n", `${FORM}1: cannot unmarshal !!int \`3\` into params.SigningParameterFileFulcio`, true],
  [
    "fulcio: true\n",
    `${FORM}1: cannot unmarshal !!bool \`true\` into params.SigningParameterFileFulcio`,
    true,
  ],
  [
    "fulcio: abcdefghijklmnop\n",
    `${FORM}1: cannot unmarshal !!str \`abcdefg...\` into params.SigningParameterFileFulcio`,
    true,
  ],
  ["privateKeyFile: {}\n", `${FORM}1: cannot unmarshal !!map into string`, true],
  ["[1,2]\n", `${FORM}1: cannot unmarshal !!seq into params.SigningParameterFile`, true],
  ["hello\n", `${FORM}1: cannot unmarshal !!str \`hello\` into params.SigningParameterFile`, true],
  ["? [a]\n: b\n", `${FORM}1: cannot unmarshal !!seq into string`, true],
  ["foo: 1\nrekorURL: a\nrekorURL: b\n", `${FORM}3: mapping key "rekorURL" already defined at line 2`, true],
  ["fulcio: {}\n", "missing fulcioURL"],
  [
    `fulcio: {fulcioURL: "http://x/%zz"}\n`,
    `parsing fulcioURL "http://x/%zz": parse "http://x/%zz": invalid URL escape "%zz"`,
  ],
  [`${FULCIO}}\n`, "missing oidcIssuerURL"],
  [`${FULCIO}, oidcMode: staticToken}\n`, "missing oidcToken"],
  [`${FULCIO}, oidcMode: x}\n`, "missing oidcIssuerURL"],
  [`${FULCIO}, oidcMode: x, oidcIssuerURL: http://i}\n`, `unknown oidcMode value "x"`],
  [`${FULCIO}, oidcIssuerURL: http://i}\n`, "missing oidcMode"],
  [
    `${FULCIO}, oidcMode: interactive, oidcIssuerURL: ":"}\n`,
    `parsing oidcIssuerURL ":": parse ":": missing protocol scheme`,
  ],
  [`rekorURL: ":"\n`, `parsing rekorURL ":": parse ":": missing protocol scheme`],
];

describe("is refused as by real skopeo:", () => {
  for (const [text, message, isAboutForm] of REFUSED) {
    test(JSON.stringify(text), async () => {
      const about = isAboutForm ? `setting up signing using parameter file "p.yaml": parsing "p.yaml": ` : "";
      const attempt = parseSigningParameters(Buffer.from(text), "p.yaml");
      await expect(attempt).rejects.toMatchObject({ code: "CONFIG_INVALID", message: `${about}${message}` });
    });
  }

  peerTest("all of these", ["skopeo 1.22"], async () => {
    const directory = mkdtempSync(join(tmpdir(), "parameters-"));
    const path = join(directory, "p.yaml");
    try {
      for (const [text, message, isAboutForm] of REFUSED) {
        writeFileSync(path, text);
        const about = isAboutForm
          ? `setting up signing using parameter file "${path}": parsing "${path}": `
          : "";
        const words = [
          "copy",
          "--sign-by-sigstore",
          path,
          "dir:/nonexistent",
          `dir:${join(directory, "copy")}`,
        ];
        const { fatal } = await runRealSkopeo(["--insecure-policy", ...words]);
        expect(fatal).toBe(`Error using --sign-by-sigstore: ${about}${message}`);
      }
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  test("a key besides Fulcio", async () => {
    const text = `${FULCIO}, oidcMode: staticToken, oidcIDToken: x}\nprivateKeyFile: k\n`;
    await expect(parse(text)).rejects.toThrow(
      "multiple private key sources specified when preparing to create sigstore signatures",
    );
  });

  for (const text of ['rekorURL: "a\n', "a: b: c\n", "a: [\n", "\tx: 1\n", "rekorURL: *a\n"]) {
    test(`no YAML, without a word of its text: ${JSON.stringify(text)}`, async () => {
      await expect(parse(text)).rejects.toThrow(/^yaml: /);
    });
  }

  test("no UTF-8", async () => {
    const bytes = Buffer.from([0x61, 0x3a, 0x20, 0xff, 0x0a]);
    await expect(parseSigningParameters(bytes)).rejects.toThrow("yaml: invalid leading UTF-8 octet");
  });
});
