import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { findEntry, parseAuthFile } from "../../src/config/auth-file-entries.ts";
import { parseLoginTarget } from "../../src/config/auth-file-target.ts";
import {
  readAuthDocument,
  updateAuthFile,
  withLogin,
  withoutLogin,
} from "../../src/config/auth-file-update.ts";
import { findCertificates } from "../../src/config/certificates.ts";
import { getFromHelper } from "../../src/config/credential-helper.ts";
import { parseIpAddress, parseIpNetwork } from "../../src/config/ip-address.ts";
import type { Environment } from "../../src/config/locations.ts";
import { chooseProxy } from "../../src/config/proxy.ts";
import { loadRegistriesConf } from "../../src/config/registries-conf.ts";
import { parseLayer } from "../../src/config/registries-conf-layer.ts";
import { resolveEndpoints } from "../../src/config/registries-match.ts";
import { chooseSignatureStorage, readSignatureStorage } from "../../src/config/signature-storage.ts";
import { readTlsDetails } from "../../src/config/tls-details.ts";
import { parseDockerName } from "../../src/core/docker-name.ts";
import { parsePolicy } from "../../src/policy/policy-file.ts";
import { FIXTURES } from "../signing/fixtures.ts";
import { sampleText } from "./corpus.ts";
import { answersOrRefuses, holds } from "./fuzz.ts";
import { anyBytes, damaged, damagedJson, damagedText, oddText } from "./inputs.ts";

const directory = mkdtempSync(join(tmpdir(), "fuzz-configuration-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const environment: Environment = { env: { PATH: directory }, home: directory, platform: "linux", uid: 1000 };
const NAME = parseDockerName("sub.example.com:5000/a/b/c:tag");

test("credential files are read, and asked for a registry, or refused", async () => {
  const inputs = fc.tuple(damagedJson([sampleText("auth.json")]), fc.boolean());
  await answersOrRefuses(inputs, ([bytes, legacy]) => {
    const file = parseAuthFile(bytes, { path: "auth.json", legacy });
    for (const registry of ["docker.io", "quay.io", "localhost:5000", "__proto__"])
      findEntry(file, { registry, repository: "org/a" });
  });
});

test("a login is written into any credential file that can be read, and taken out of it again", async () => {
  const path = join(directory, "auth.json");
  // Entries under these names are passed over when a file is read; no host is called so.
  const keys = oddText.filter((key) => !["__proto__", "constructor", "prototype"].includes(key));
  const inputs = fc.tuple(damagedJson([sampleText("auth.json")]), keys);
  await answersOrRefuses(
    inputs,
    async ([bytes, key]) => {
      writeFileSync(path, bytes);
      await updateAuthFile({ path, format: "containers", isExplicit: true }, (document) =>
        withLogin(document, key, { username: "u", password: "p" }, "containers"),
      );
      const written = await readAuthDocument(path);
      expect(withoutLogin(written, key, "containers")).toBeDefined();
      expect(parseAuthFile(readFileSync(path), { path, legacy: false }).entries.get(key)?.auth).toBe("dTpw");
    },
    { runs: 100 },
  );
});

test("what a login is for is read or refused", async () => {
  await answersOrRefuses(
    damagedText(["https://index.docker.io/v1/", "quay.io/a/b", "[::1]:5000"]),
    parseLoginTarget,
  );
});

test("registries.conf is read, and names are looked up in it, or refused", async () => {
  const corpus = [sampleText("registries-v2.toml"), sampleText("registries-v1.toml")];
  await answersOrRefuses(
    damaged([...corpus, `a = ${"[".repeat(3_000)}`, `${"[a".repeat(2_000)}`]),
    async (bytes) => {
      await parseLayer(bytes, "version-1-or-2");
    },
  );
  const file = join(directory, "registries.conf");
  const lookups = async (bytes: Uint8Array): Promise<void> => {
    writeFileSync(file, bytes);
    resolveEndpoints(await loadRegistriesConf({ environment, file }), NAME);
  };
  await answersOrRefuses(damaged(corpus), lookups, { runs: 150 });
});

test("policies are read or refused", async () => {
  const folder = join(FIXTURES, "policies");
  const corpus = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
  await answersOrRefuses(damagedJson(corpus), parsePolicy, { runs: 800 });
});

test("registries.d is read, and has a place for signatures, or is refused", async () => {
  const folder = join(directory, "registries.d");
  mkdirSync(folder);
  const inputs = damaged([sampleText("registries.d.yaml"), `docker: ${"[".repeat(500)}`, ...YAML_ATTACKS]);
  await answersOrRefuses(inputs, async (bytes) => {
    writeFileSync(join(folder, "a.yaml"), bytes);
    chooseSignatureStorage(await readSignatureStorage(environment, folder), NAME, environment);
  });
});

test("details of TLS are read or refused", async () => {
  const file = join(directory, "tls.yaml");
  await answersOrRefuses(damaged([sampleText("tls-details.yaml"), ...YAML_ATTACKS]), async (bytes) => {
    writeFileSync(file, bytes);
    await readTlsDetails(file);
  });
});

test("any files in a directory of certificates are read or refused", async () => {
  const folder = join(directory, "certs");
  const pem = readFileSync(join(FIXTURES, "sigstore", "cosign.pub"), "utf8").replaceAll(
    "PUBLIC KEY",
    "CERTIFICATE",
  );
  const file = fc.tuple(fc.constantFrom("a.crt", "b.cert", "b.key", "ca.CRT"), damaged([pem]));
  await answersOrRefuses(
    fc.array(file, { maxLength: 3 }),
    async (files) => {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder);
      for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
      await findCertificates({ environment, directory: folder }, "example.com");
    },
    { runs: 100 },
  );
});

test("whatever a credential helper answers is read or refused, without telling it", async () => {
  const program = join(directory, "docker-credential-fuzz");
  const answer = join(directory, "answer");
  const status = join(directory, "status");
  writeFileSync(program, `#!/bin/sh\nread input\n/bin/cat ${answer}\n[ ! -e ${status} ]\n`);
  chmodSync(program, 0o755);
  const corpus = [
    '{"ServerURL":"example.com","Username":"user","Secret":"pass"}',
    '{"Username":"<token>","Secret":"t"}',
  ];
  await answersOrRefuses(
    fc.tuple(fc.oneof(damagedJson(corpus), anyBytes), fc.boolean()),
    async ([bytes, fails]) => {
      writeFileSync(answer, bytes);
      rmSync(status, { force: true });
      if (fails) writeFileSync(status, "");
      const found = await getFromHelper("fuzz", "example.com", { environment });
      expect(typeof (found?.username ?? "")).toBe("string");
    },
    { runs: 60 },
  );
});

test("any settings of a proxy are understood or refused", async () => {
  const inputs = fc.record({
    HTTPS_PROXY: damagedText(["http://user:pass@proxy:3128", "socks5://proxy", "proxy:80"]),
    NO_PROXY: damagedText([".example.com,10.0.0.0/8,[::1]:80,*", "fe80::/10,example.com:443"]),
  });
  await answersOrRefuses(inputs, (env) => chooseProxy("https://10.1.2.3:5000/v2/", env));
});

test("addresses and networks have as many bytes as their kind, or are none", async () => {
  const corpus = ["10.0.0.1", "::ffff:10.0.0.1", "fe80::1", "10.0.0.0/8", "fe80::/10", "1:2:3:4:5:6:7:8"];
  await holds(damagedText(corpus), (text) => {
    const address = parseIpAddress(text);
    if (address !== undefined) expect(address.length).toBeOneOf([4, 8, 16]);
    parseIpNetwork(text);
  });
});

const YAML_ATTACKS: readonly string[] = [
  `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [${"*a,".repeat(9)}]\nc: &c [${"*b,".repeat(9)}]\nd: &d [${"*c,".repeat(9)}]\nminVersion: [${"*d,".repeat(9)}]`,
  "[".repeat(1_000),
  "{".repeat(500),
  "&a [*a]",
  "? ? ? ? a",
  "<<: {a: b}\n__proto__: {polluted: 1}",
  "- ".repeat(200),
];
