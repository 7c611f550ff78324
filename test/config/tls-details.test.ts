import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readTlsDetails } from "../../src/config/tls-details.ts";
import { type Certificate, createSelfSigned } from "../support/certificates.ts";
import { freePort } from "../support/docker-registry.ts";
import { temporary } from "../support/images.ts";
import { findProgram } from "../support/peers.ts";
import { fatalMessage, runOurs } from "../support/run.ts";

function detailsFile(content: string): string {
  const path = join(temporary("tls"), "details.yaml");
  writeFileSync(path, content);
  return path;
}

describe("the file of --tls-details", () => {
  const valid: Readonly<Record<string, object>> = {
    "": {},
    "minVersion: 1.3": { minVersion: "TLSv1.3" },
    'minVersion: "1.2"\nnamedGroups: [secp256r1, x25519]': { minVersion: "TLSv1.2", groups: "P-256:X25519" },
    "cipherSuites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]": {
      ciphers: "ECDHE-RSA-AES128-GCM-SHA256",
    },
    "cipherSuites: [TLS_AES_128_GCM_SHA256]": { minVersion: "TLSv1.3" },
  };
  for (const [content, restrictions] of Object.entries(valid)) {
    test(`${JSON.stringify(content)} restricts to ${JSON.stringify(restrictions)}`, async () => {
      expect(await readTlsDetails(detailsFile(content))).toEqual(restrictions);
    });
  }

  const invalid: Readonly<Record<string, RegExp>> = {
    "minVersion: 2.0": /unknown minVersion "2.0"; known are 1.0, 1.1, 1.2, 1.3/,
    "cipherSuites: [RC4]": /unknown cipher suite "RC4"/,
    "namedGroups: [mine]": /unknown named group "mine"/,
    "namedGroups: []": /namedGroups is empty/,
    "namedGroups: x25519": /namedGroups: expected Array, found/,
    "minimum: 1.2": /unknown key "?minimum/,
    "a: [": /details\.yaml/,
  };
  for (const [content, reason] of Object.entries(invalid)) {
    test(`${JSON.stringify(content)} is refused`, async () => {
      await expect(readTlsDetails(detailsFile(content))).rejects.toThrow(reason);
    });
  }

  test("must be there", async () => {
    const outcome = await runOurs([
      "--tls-details",
      "/nowhere.yaml",
      "list-tags",
      "docker://localhost:1/app",
    ]);
    expect(outcome.exitCode).toBe(1);
    expect(fatalMessage(outcome)).toContain("/nowhere.yaml: no such file or directory");
  });
});

describe.skipIf(findProgram("openssl") === undefined)("a server of TLS 1.2 with one cipher suite", () => {
  let own: Certificate;
  let server: Bun.Subprocess;
  let host: string;
  beforeAll(async () => {
    own = await createSelfSigned();
    const port = await freePort();
    host = `127.0.0.1:${port}`;
    const files = ["-cert", own.certificate, "-key", own.key];
    const suite = ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384", "-www"];
    server = Bun.spawn(["openssl", "s_server", "-accept", `${port}`, ...files, ...suite], { stdout: "pipe" });
    for await (const chunk of server.stdout as ReadableStream)
      if (String(new TextDecoder().decode(chunk))) break;
  });
  afterAll(() => server?.kill());

  const cases: Readonly<Record<string, boolean>> = {
    "minVersion: 1.2": true,
    "minVersion: 1.3": false,
    "cipherSuites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]": true,
    "cipherSuites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]": false,
  };
  for (const [content, mayTalk] of Object.entries(cases)) {
    test(`${mayTalk ? "is spoken to" : "is refused"} with ${content}`, async () => {
      const words = ["--tls-details", detailsFile(content), "list-tags"];
      const env = { SSL_CERT_FILE: own.certificate };
      const outcome = await runOurs([...words, `docker://${host}/app`], { env });
      expect(outcome.exitCode).toBe(1);
      // It is no registry: where TLS works, its web page is what is wrong.
      if (mayTalk) expect(fatalMessage(outcome)).toContain("not valid JSON");
      else expect(fatalMessage(outcome)).toContain("handshake failure");
    });
  }
});
