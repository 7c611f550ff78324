import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandTable } from "../src/cli/command-table.ts";
import { GpgHome } from "./signing/openpgp/gpg-home.ts";
import { type FaultyRegistry, startFaultyRegistry } from "./support/faulty-registry.ts";
import { buildImage, temporary, writeLayout } from "./support/images.ts";
import { findProgram } from "./support/peers.ts";
import { runOurs, startOurs } from "./support/run.ts";

/**
 * A password that must be nowhere but in the request to the registry: not in what a command writes, not in its files, not in
 * the process list, whichever way it came and whatever the registry answers.
 */
const MARKER = "marker-7f3a91";
const USER = "secrets@example.com";
const ENCODED = Buffer.from(`jo:${MARKER}`).toString("base64");
/** It is there in these forms. */
const FORMS: readonly string[] = [MARKER, ENCODED, ENCODED.replace(/=+$/, ""), encodeURIComponent(MARKER)];

let registry: FaultyRegistry;
let layout: string;
let authFile: string;
let helpers: string;
/** A file whose first line is the password, here of a key. */
let passphraseFile: string;
let keyPrefix: string;
let gnupg: GpgHome | undefined;

beforeAll(async () => {
  const image = buildImage({ seed: "secrets" });
  layout = writeLayout({ v1: image });
  const manifest = image.blobs.get(image.top.digest) ?? Buffer.alloc(0);
  // Wants a login, and repeats what it was told in all that it refuses: a header of the client in an error page.
  registry = await startFaultyRegistry(
    { manifest, mediaType: image.top.mediaType, blobs: image.blobs },
    async (request, response) => {
      await Bun.sleep(30);
      if (request.headers.authorization === undefined) {
        response.writeHead(401, { "WWW-Authenticate": 'Basic realm="r"' }).end();
        return true;
      }
      if (!request.url?.includes("broken")) return false;
      response.writeHead(400).end(`you said ${request.headers.authorization}`);
      return true;
    },
  );
  authFile = join(temporary("secrets"), "auth.json");
  writeFileSync(authFile, JSON.stringify({ auths: { [registry.host]: { auth: ENCODED } } }), { mode: 0o600 });
  helpers = temporary("helpers");
  const helper = join(helpers, "docker-credential-test");
  writeFileSync(helper, `#!/bin/sh\necho '{"Username":"jo","Secret":"${MARKER}"}'\n`);
  chmodSync(helper, 0o755);
  passphraseFile = join(temporary("passphrase"), "passphrase");
  writeFileSync(passphraseFile, `${MARKER}\n`, { mode: 0o600 });
  keyPrefix = join(temporary("key"), "key");
  const generate = [
    "generate-sigstore-key",
    "--output-prefix",
    keyPrefix,
    "--passphrase-file",
    passphraseFile,
  ];
  expect(await runOurs(generate)).toMatchObject({ exitCode: 0 });
  const gpg = findProgram("gpg");
  if (gpg === undefined) return;
  gnupg = new GpgHome();
  await gnupg.makeKey(USER, MARKER);
  // Writes down how it was called, where files are looked through.
  writeFileSync(join(helpers, "gpg"), `#!/bin/sh\necho "$@" >>"$HOME/calls"\nexec ${gpg} "$@"\n`);
  chmodSync(join(helpers, "gpg"), 0o755);
});

afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
  await gnupg?.[Symbol.asyncDispose]();
});

interface Attempt {
  readonly words: readonly string[];
  readonly stdin?: string;
  /** The secret is an argument: then it is in the list of processes, as with every tool that takes one. */
  readonly isArgument?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** A file that is meant to hold the secret. */
  readonly keeps?: string;
}

/** Each command with each way to tell it a password; a command without registries has none. */
function attempts(): Readonly<Record<string, readonly Attempt[]>> {
  const good = `docker://${registry.host}/app:1`;
  const broken = `docker://${registry.host}/broken:1`;
  const file = ["--authfile", authFile];
  const creds = ["--creds", `jo:${MARKER}`];
  const stored = join(temporary("login"), "auth.json");
  const here = (): string => join(temporary("secret-copy"), "image");
  const prefix = join(temporary("secret-key"), "key");
  const passphrase = ["--passphrase-file", passphraseFile];
  const identity = ["--sign-identity", "a.example/b:1", "--sign-passphrase-file", passphraseFile];
  const signing = [
    { words: ["--sign-by-sigstore-private-key", `${keyPrefix}.private`], env: {} },
    { words: ["--sign-by", USER], env: { GNUPGHOME: gnupg?.path ?? "" } },
  ];
  const oneSided = (words: readonly string[], ...images: string[]): Attempt[] => [
    ...images.map((image) => ({ words: [...words, ...file, "--tls-verify=false", image] })),
    ...images.map((image) => ({
      words: [...words, ...creds, "--tls-verify=false", image],
      isArgument: true,
    })),
  ];
  return {
    config: oneSided(["config", "check"], good),
    copy: [
      ...[good, broken].map((image) => ({
        words: ["copy", "--insecure-policy", ...file, "--src-tls-verify=false", image, `dir:${here()}`],
      })),
      {
        words: [
          "copy",
          "--insecure-policy",
          "--src-creds",
          `jo:${MARKER}`,
          "--src-tls-verify=false",
          broken,
          `dir:${here()}`,
        ],
        isArgument: true,
      },
      {
        words: ["copy", "--insecure-policy", ...file, "--dest-tls-verify=false", `oci:${layout}:v1`, broken],
      },
      ...signing.map(({ words, env }) => ({
        words: ["copy", "--insecure-policy", ...words, ...identity, `oci:${layout}:v1`, `dir:${here()}`],
        env,
      })),
    ],
    delete: oneSided(["delete"], good, broken),
    "generate-sigstore-key": [{ words: ["generate-sigstore-key", "--output-prefix", prefix, ...passphrase] }],
    inspect: oneSided(["inspect"], good, broken),
    "list-tags": oneSided(["list-tags"], good.replace(/:1$/, ""), broken.replace(/:1$/, "")),
    login: [
      {
        words: [
          "login",
          "--authfile",
          stored,
          "--tls-verify=false",
          "-u",
          "jo",
          "--password-stdin",
          registry.host,
        ],
        stdin: MARKER,
        keeps: stored,
      },
      {
        words: [
          "login",
          "--authfile",
          stored,
          "--tls-verify=false",
          "-u",
          "jo",
          "-p",
          MARKER,
          `${registry.host}/broken`,
        ],
        isArgument: true,
        keeps: stored,
      },
      { words: ["login", "--authfile", authFile, "--get-login", registry.host] },
    ],
    logout: [{ words: ["logout", "--authfile", stored, registry.host], keeps: stored }],
    completion: [],
    "manifest-digest": [],
    policy: oneSided(["policy", "check"], good, broken),
    serve: [],
    "standalone-sign": [
      {
        words: [
          "standalone-sign",
          passphraseFile,
          "a.example/b:1",
          USER,
          "-o",
          `${prefix}.signature`,
          ...passphrase,
        ],
        env: { GNUPGHOME: gnupg?.path ?? "" },
      },
    ],
    "standalone-verify": [],
    "untrusted-signature-dump-without-verification": [],
    sync: [good, broken].map((image) => ({
      words: [
        ...[
          "sync",
          "--insecure-policy",
          "--src",
          "docker",
          "--dest",
          "dir",
          ...file,
          "--src-tls-verify=false",
        ],
        ...[image.replace("docker://", ""), temporary("secret-sync")],
      ],
    })),
  };
}

/** What the system tells of a running process to every user or to its owner. */
function processList(pid: number): string {
  try {
    return ["cmdline", "comm", "status"]
      .map((name) => readFileSync(`/proc/${pid}/${name}`, "latin1"))
      .join("\n");
  } catch {
    return "";
  }
}

function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile());
}

async function watch(
  attempt: Attempt,
  more: readonly string[],
): Promise<{ output: string; listed: string; home: string }> {
  const home = temporary("secret-home");
  const env = { HOME: home, XDG_RUNTIME_DIR: home, XDG_CACHE_HOME: join(home, "cache") };
  const path = `${helpers}:${process.env.PATH}`;
  const child = startOurs([...more, ...attempt.words], {
    env: { ...env, PATH: path, ...attempt.env },
    stdin: attempt.stdin ?? "",
  });
  let listed = "";
  const timer = setInterval(() => {
    listed += processList(child.pid);
  }, 10);
  const output = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  await child.exited;
  clearInterval(timer);
  return { output: output.join("\n"), listed, home };
}

describe("the password is nowhere to be seen with", () => {
  for (const { name } of commandTable) {
    test(name, async () => {
      const ways = attempts()[name];
      if (ways === undefined) throw new Error(`this test does not know ${name} yet`);
      for (const attempt of ways) {
        for (const more of [[], ["--debug"]]) {
          const { output, listed, home } = await watch(attempt, more);
          for (const form of FORMS) {
            expect(output).not.toContain(form);
            if (attempt.isArgument !== true) expect(listed).not.toContain(form);
            const holders = filesBelow(home).filter((file) => readFileSync(file, "latin1").includes(form));
            expect(holders).toEqual([]);
          }
        }
      }
    });
  }

  test("a helper for credentials", async () => {
    writeFileSync(authFile, JSON.stringify({ credHelpers: { [registry.host]: "test" } }));
    const image = `docker://${registry.host}/broken:1`;
    const words = ["--debug", "inspect", "--tls-verify=false", "--authfile", authFile, image];
    const { output, listed } = await watch({ words }, []);
    expect(output).toContain("in credential helper test");
    for (const form of FORMS) expect(output + listed).not.toContain(form);
  });
});
