import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findCertificates, readEnvironmentCertificates } from "../../src/config/certificates.ts";
import type { Environment } from "../../src/config/locations.ts";
import { errorMessage, ImageError } from "../../src/core/errors.ts";
import { realSkopeo, runRealSkopeo } from "../support/real-skopeo.ts";

const directory = mkdtempSync(join(tmpdir(), "certificates-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const home = join(directory, "home");
const explicit = join(directory, "explicit");
const environment: Environment = { env: {}, home, platform: "linux", uid: 1000 };
const registry = "127.0.0.1:1";

beforeEach(() => {
  rmSync(home, { recursive: true, force: true });
  rmSync(explicit, { recursive: true, force: true });
  mkdirSync(explicit, { recursive: true });
});

function pem(text: string, label: string = "CERTIFICATE"): string {
  return `-----BEGIN ${label}-----\n${Buffer.from(text).toString("base64")}\n-----END ${label}-----`;
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

async function problemOf(): Promise<string | undefined> {
  try {
    await findCertificates({ environment, directory: explicit }, registry);
    return undefined;
  } catch (error) {
    if (!(error instanceof ImageError) || error.code !== "CONFIG_INVALID") throw error;
    return errorMessage(error);
  }
}

async function expectProblem(message: string): Promise<void> {
  expect(await problemOf()).toBe(message);
  if (realSkopeo === undefined) return;
  const parameters = ["inspect", "--cert-dir", explicit, `docker://${registry}/a`];
  const { fatal } = await runRealSkopeo(parameters, { HOME: home });
  expect(fatal).toEndWith(`: ${message}`);
}

describe("the certificates of a registry", () => {
  test("are authorities by .crt, and pairs of .cert and .key, by name", async () => {
    write(join(explicit, "b.crt"), `comment\n${pem("b1")}\n\n${pem("b2")}\n`);
    write(join(explicit, "a.crt"), pem("a"));
    write(join(explicit, "y.cert"), pem("y"));
    write(join(explicit, "y.key"), pem("yk", "PRIVATE KEY"));
    write(join(explicit, "x.cert"), pem("x"));
    write(join(explicit, "x.key"), pem("xk", "PRIVATE KEY"));
    write(join(explicit, "other.pem"), pem("other"));
    expect(await findCertificates({ environment, directory: explicit }, registry)).toEqual({
      ca: [pem("a"), pem("b1"), pem("b2")],
      clients: [
        { file: join(explicit, "x.cert"), cert: pem("x"), key: pem("xk", "PRIVATE KEY") },
        { file: join(explicit, "y.cert"), cert: pem("y"), key: pem("yk", "PRIVATE KEY") },
      ],
      directory: explicit,
    });
  });

  test("do not include what is no certificate", async () => {
    write(join(explicit, "a.crt"), `${pem("key", "PRIVATE KEY")}\n${pem("t", "TRUSTED CERTIFICATE")}`);
    write(join(explicit, "b.crt"), "garbage");
    write(join(explicit, "c.crt"), "-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----");
    write(join(explicit, "d.crt"), "");
    symlinkSync("/nonexistent", join(explicit, "e.crt"));
    expect(await findCertificates({ environment, directory: explicit }, registry)).toEqual({
      ca: [],
      clients: [],
      directory: explicit,
    });
  });

  test("a client certificate needs its key", async () => {
    write(join(explicit, "a.cert"), pem("a"));
    await expectProblem(
      "missing key a.key for client certificate a.cert. Note that CA certificates should use the extension .crt",
    );
  });

  test("a key needs its client certificate", async () => {
    write(join(explicit, "a.key"), pem("a", "PRIVATE KEY"));
    await expectProblem("missing client certificate a.cert for key a.key");
  });

  test("a directory among the authorities is an error", async () => {
    mkdirSync(join(explicit, "sub.crt"));
    await expectProblem(`read ${explicit}/sub.crt: is a directory`);
  });

  test("a file in the place of the directory is an error", async () => {
    rmSync(explicit, { recursive: true });
    write(explicit, "");
    await expectProblem(`open ${explicit}: not a directory`);
  });

  test("come from an explicit directory alone, which need not exist", async () => {
    write(join(home, ".config/containers/certs.d", registry, "a.crt"), pem("a"));
    rmSync(explicit, { recursive: true });
    const found = await findCertificates({ environment, directory: explicit }, registry);
    expect(found).toEqual({ ca: [], clients: [], directory: undefined });
  });

  test("come from the first directory that exists, and that is told", async () => {
    const path = join(home, ".config/containers/certs.d", registry);
    write(join(path, "a.crt"), pem("a"));
    const messages: string[] = [];
    const options = { environment, debug: (message: string): unknown => messages.push(message) };
    const found = await findCertificates(options, registry);
    expect(found).toEqual({ ca: [pem("a")], clients: [], directory: path });
    expect(messages).toEqual([`Looking for TLS certificates and private keys in ${path}`]);
    const other = await findCertificates(
      { environment: { ...environment, platform: "freebsd" } },
      "127.0.0.1",
    );
    expect(other.directory).toBeUndefined();
  });
});

describe("the certificates that variables add", () => {
  test("are those of the file and of all files in the directories, once each", async () => {
    write(join(explicit, "file.pem"), `${pem("a")}\n${pem("b")}`);
    write(join(explicit, "one", "x"), pem("b"));
    write(join(explicit, "two", "y"), pem("c"));
    mkdirSync(join(explicit, "two", "directory"));
    const env = {
      SSL_CERT_FILE: join(explicit, "file.pem"),
      SSL_CERT_DIR: `${explicit}/one:${explicit}/missing::${explicit}/two`,
    };
    expect(await readEnvironmentCertificates({ ...environment, env })).toEqual([
      pem("a"),
      pem("b"),
      pem("c"),
    ]);
  });

  test("are none without the variables, or when they lead nowhere", async () => {
    expect(await readEnvironmentCertificates(environment)).toEqual([]);
    const env = { SSL_CERT_FILE: "/nonexistent", SSL_CERT_DIR: "" };
    expect(await readEnvironmentCertificates({ ...environment, env })).toEqual([]);
  });
});
