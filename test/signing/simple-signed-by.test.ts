import { describe, expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDockerName } from "../../src/core/docker-name.ts";
import { parseSignatureBlob, type Signature } from "../../src/core/signature.ts";
import { parseRequirement, type SignedByRequirement } from "../../src/policy/requirement.ts";
import { judgeSignedBy } from "../../src/signing/simple/signed-by.ts";
import { fixture, manifest, REFERENCE } from "./fixtures.ts";

function signedBy(fields: Readonly<Record<string, unknown>>): SignedByRequirement {
  const requirement = parseRequirement({ type: "signedBy", keyType: "GPGKeys", ...fields });
  if (requirement.type !== "signedBy") throw new Error("not a signedBy requirement");
  return requirement;
}

function signature(name: string): Signature {
  return parseSignatureBlob(fixture(`blobs/${name}.sig`));
}

const KEY_DATA = Buffer.from(fixture("gpg/plain.pub.gpg")).toString("base64");
const named = { manifest, dockerName: parseDockerName(REFERENCE) };

describe("signedBy", () => {
  test("counts no signature that is sigstore's", async () => {
    const sigstore: Signature = {
      kind: "sigstore",
      mimeType: "x",
      payload: new Uint8Array(),
      annotations: {},
    };
    expect(await judgeSignedBy(signedBy({ keyData: KEY_DATA }), named, [sigstore])).toEqual({
      accepted: false,
      reason: "A signature was required, but no signature exists",
    });
  });

  test("accepts one good signature among bad ones", async () => {
    const signatures = [signature("gpg-other-identity"), signature("gpg-tampered"), signature("gpg-rsa")];
    expect(await judgeSignedBy(signedBy({ keyData: KEY_DATA }), named, signatures)).toEqual({
      accepted: true,
    });
  });

  test("gives the reasons of ten signatures at most", async () => {
    const signatures = Array.from({ length: 1000 }, () => signature("gpg-other-identity"));
    const verdict = await judgeSignedBy(signedBy({ keyData: KEY_DATA }), named, signatures);
    expect(verdict.accepted).toBe(false);
    const reason = verdict.accepted ? "" : verdict.reason;
    expect(reason).toStartWith("None of the signatures were accepted, reasons: Signature for identity ");
    expect(reason).toEndWith("; and 990 more");
    expect(reason.length).toBeLessThan(1500);
  });

  test("stops when it is aborted", async () => {
    const controller = new AbortController();
    controller.abort();
    const judging = judgeSignedBy(signedBy({ keyData: KEY_DATA }), named, [signature("gpg-rsa")], {
      signal: controller.signal,
    });
    expect(judging).rejects.toThrow(expect.objectContaining({ name: "AbortError" }));
  });

  test("reads keys from files, and pools them", async () => {
    const folder = mkdtempSync(join(tmpdir(), "signed-by-"));
    const paths = ["plain.pub.asc", "protected.pub.gpg"].map((name) => {
      const path = join(folder, name);
      writeFileSync(path, fixture(`gpg/${name}`));
      return path;
    });
    for (const name of ["gpg-rsa", "gpg-ed25519"]) {
      const verdict = await judgeSignedBy(signedBy({ keyPaths: paths }), named, [signature(name)]);
      expect(verdict).toEqual({ accepted: true });
    }
  });

  const keyProblems: readonly (readonly [string, Readonly<Record<string, unknown>>, string])[] = [
    [
      "a file that is missing",
      { keyPath: "/missing/keys.gpg" },
      "open /missing/keys.gpg: no such file or directory",
    ],
    ["no files at all", { keyPaths: [] }, "No public keys imported"],
    ["data that is empty", { keyData: "" }, "No public keys imported"],
    ["data that is no keyring", { keyData: "bm90IGtleXM=" }, "No public keys imported"],
    [
      "a type of keys that nobody implements",
      { keyData: KEY_DATA, keyType: "X509Certificates" },
      'Unimplemented "keyType" value "X509Certificates"',
    ],
  ];
  for (const [what, fields, reason] of keyProblems) {
    test(`with ${what} accepts nothing`, async () => {
      const verdict = await judgeSignedBy(signedBy(fields), named, [signature("gpg-rsa")]);
      expect(verdict).toEqual({ accepted: false, reason });
    });
  }

  test("with a type of keys that nobody implements still asks for a signature first", async () => {
    const requirement = signedBy({ keyData: KEY_DATA, keyType: "X509Certificates" });
    expect(await judgeSignedBy(requirement, named, [])).toEqual({
      accepted: false,
      reason: "A signature was required, but no signature exists",
    });
  });

  test("refuses a signature for the manifest of yesterday", async () => {
    const other = new TextEncoder().encode(`${new TextDecoder().decode(manifest)} `);
    const verdict = await judgeSignedBy(signedBy({ keyData: KEY_DATA }), { ...named, manifest: other }, [
      signature("gpg-rsa"),
    ]);
    expect(verdict.accepted ? "" : verdict.reason).toMatch(
      /^Signature for digest sha256:c70bb.* does not match$/,
    );
  });

  test("refuses a signature for another repository", async () => {
    const image = { manifest, dockerName: parseDockerName("example.com/fixtures/another:v1") };
    const verdict = await judgeSignedBy(signedBy({ keyData: KEY_DATA }), image, [signature("gpg-rsa")]);
    expect(verdict).toEqual({
      accepted: false,
      reason: 'Signature for identity "example.com/fixtures/signed:v1" is not accepted',
    });
  });

  test("judges keys by the time that it is told", async () => {
    const requirement = signedBy({
      keyData: Buffer.from(fixture("gpg/expired.pub.gpg")).toString("base64"),
    });
    const signatures = [signature("gpg-expired-key")];
    const then = await judgeSignedBy(requirement, named, signatures, { now: Date.UTC(2026, 0, 3) });
    const now = await judgeSignedBy(requirement, named, signatures);
    expect(then).toEqual({ accepted: true });
    expect(now).toEqual({ accepted: false, reason: "Invalid GPG signature: Primary key is expired" });
  });
});
