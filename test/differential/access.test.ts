import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Authority, createAuthority } from "../support/certificates.ts";
import { type DockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import { buildImage, temporary, writeLayout } from "../support/images.ts";
import { findProgram, newestSkopeo } from "../support/peers.ts";
import { fatalMessage, type Outcome, run, runOurs } from "../support/run.ts";

/** Credentials and certificates: what real skopeo may do, ours may, and what is refused to one is refused to both. */
const hasPeers =
  newestSkopeo !== undefined &&
  findProgram("docker-registry") !== undefined &&
  findProgram("openssl") !== undefined;
if (!hasPeers)
  console.error("LEFT OUT for want of skopeo, docker-registry, openssl: access compared with real skopeo");

const user = { name: "jo", password: "se:cret" };
let authority: Authority;
let secured: DockerRegistry;
let expired: DockerRegistry;
let elsewhere: DockerRegistry;
let closed: DockerRegistry;
let layout: string;
let trusted: string;
let known: string;

beforeAll(async () => {
  if (!hasPeers) return;
  authority = await createAuthority();
  trusted = temporary("certs");
  copyFileSync(authority.certificate, join(trusted, "ca.crt"));
  known = temporary("certs-client");
  copyFileSync(authority.certificate, join(known, "ca.crt"));
  const client = await authority.issue("client");
  copyFileSync(client.certificate, join(known, "me.cert"));
  copyFileSync(client.key, join(known, "me.key"));
  layout = writeLayout({ v1: buildImage({ seed: "access" }) });
  [secured, expired, elsewhere, closed] = await Promise.all([
    startDockerRegistry({ user, tls: await authority.issue("server") }),
    startDockerRegistry({ tls: await authority.issue("old", { days: -1 }) }),
    startDockerRegistry({ tls: await authority.issue("other", { names: "DNS:registry.example.com" }) }),
    startDockerRegistry({ tls: await authority.issue("mutual"), clientAuthority: authority.certificate }),
  ]);
  for (const host of [secured.host, closed.host]) {
    const words = ["copy", "--dest-cert-dir", known, "--dest-creds", `${user.name}:${user.password}`];
    const pushed = await both([...words, `oci:${layout}:v1`, `docker://${host}/app:1`]);
    expect([pushed.ours.exitCode, pushed.theirs.exitCode]).toEqual([0, 0]);
  }
});

afterAll(async () => {
  await Promise.all(
    [secured, expired, elsewhere, closed].map((registry) => registry?.[Symbol.asyncDispose]()),
  );
});

async function runReal(words: readonly string[]): Promise<Outcome> {
  return await run([newestSkopeo?.path ?? "", "--insecure-policy", ...words]);
}

async function both(
  words: readonly string[],
  env: Record<string, string> = {},
): Promise<{ ours: Outcome; theirs: Outcome }> {
  return {
    ours: await runOurs(["--insecure-policy", ...words], { env }),
    theirs: await run([newestSkopeo?.path ?? "", "--insecure-policy", ...words], { env }),
  };
}

function authFile(content: unknown): string {
  const path = join(temporary("auth"), "auth.json");
  writeFileSync(path, JSON.stringify(content));
  return path;
}

const encoded = Buffer.from(`${user.name}:${user.password}`).toString("base64");

describe("lets in", () => {
  const cases: Readonly<Record<string, () => { words: readonly string[]; env?: Record<string, string> }>> = {
    "--creds": () => ({ words: ["--cert-dir", trusted, `--creds=${user.name}:${user.password}`] }),
    "--username and --password": () => ({
      words: ["--cert-dir", trusted, "--username", user.name, "--password", user.password],
    }),
    "--authfile": () => ({
      words: [
        "--cert-dir",
        trusted,
        "--authfile",
        authFile({ auths: { [secured.host]: { auth: encoded } } }),
      ],
    }),
    "the most specific entry of an auth file": () => ({
      words: [
        ...["--cert-dir", trusted, "--authfile"],
        authFile({ auths: { [secured.host]: { auth: "eDp5" }, [`${secured.host}/app`]: { auth: encoded } } }),
      ],
    }),
    REGISTRY_AUTH_FILE: () => ({
      words: ["--cert-dir", trusted],
      env: { REGISTRY_AUTH_FILE: authFile({ auths: { [secured.host]: { auth: encoded } } }) },
    }),
    "a credential helper": () => {
      const bin = temporary("bin");
      const answer = JSON.stringify({ ServerURL: secured.host, Username: user.name, Secret: user.password });
      writeFileSync(join(bin, "docker-credential-test"), `#!/bin/sh\necho '${answer}'\n`, { mode: 0o755 });
      const file = authFile({ credHelpers: { [secured.host]: "test" } });
      return {
        words: ["--cert-dir", trusted, "--authfile", file],
        env: { PATH: `${bin}:${process.env.PATH}` },
      };
    },
    "certs.d of the user": () => {
      const home = temporary("home");
      const directory = join(home, ".config", "containers", "certs.d", secured.host);
      mkdirSync(directory, { recursive: true });
      copyFileSync(authority.certificate, join(directory, "ca.crt"));
      return { words: [`--creds=${user.name}:${user.password}`], env: { HOME: home } };
    },
    "anyone's certificate with --tls-verify=false": () => ({
      words: ["--tls-verify=false", `--creds=${user.name}:${user.password}`],
    }),
  };
  for (const [title, request] of Object.entries(cases)) {
    test.skipIf(!hasPeers)(title, async () => {
      const { words, env } = request();
      const { ours, theirs } = await both(["list-tags", ...words, `docker://${secured.host}/app`], env);
      expect(theirs.exitCode).toBe(0);
      expect(ours).toMatchObject({ exitCode: 0, stdout: theirs.stdout });
    });
  }

  test.skipIf(!hasPeers)("a client certificate", async () => {
    const { ours, theirs } = await both(["list-tags", "--cert-dir", known, `docker://${closed.host}/app`]);
    expect(theirs.exitCode).toBe(0);
    expect(ours).toMatchObject({ exitCode: 0, stdout: theirs.stdout });
  });
});

describe("of several client certificates", () => {
  test.skipIf(!hasPeers)("the one that the server takes is found", async () => {
    const several = temporary("certs-several");
    copyFileSync(authority.certificate, join(several, "ca.crt"));
    const stranger = await (await createAuthority("another")).issue("stranger");
    const member = await authority.issue("member");
    for (const [name, { certificate, key }] of Object.entries({ a: stranger, b: stranger, c: member })) {
      copyFileSync(certificate, join(several, `${name}.cert`));
      copyFileSync(key, join(several, `${name}.key`));
    }
    const { ours, theirs } = await both(["list-tags", "--cert-dir", several, `docker://${closed.host}/app`]);
    expect(theirs.exitCode).toBe(0);
    expect(ours).toMatchObject({ exitCode: 0, stdout: theirs.stdout });
    const words = [
      "copy",
      "--dest-cert-dir",
      several,
      `oci:${layout}:v1`,
      `docker://${closed.host}/several:1`,
    ];
    expect(await runOurs(["--insecure-policy", ...words])).toMatchObject({ exitCode: 0 });
  });

  test.skipIf(!hasPeers)("none may do", async () => {
    const strangers = temporary("certs-strangers");
    copyFileSync(authority.certificate, join(strangers, "ca.crt"));
    const stranger = await (await createAuthority("another")).issue("stranger");
    for (const name of ["a", "b"]) {
      copyFileSync(stranger.certificate, join(strangers, `${name}.cert`));
      copyFileSync(stranger.key, join(strangers, `${name}.key`));
    }
    const { ours, theirs } = await both([
      "list-tags",
      "--cert-dir",
      strangers,
      `docker://${closed.host}/app`,
    ]);
    expect([ours.exitCode, theirs.exitCode]).toEqual([1, 1]);
    expect(fatalMessage(ours)).toContain("client certificate");
  });
});

describe("keeps out, with a clear reason,", () => {
  const cases: Readonly<Record<string, () => { words: readonly string[]; host: string; reason: RegExp }>> = {
    "a wrong password": () => ({
      words: ["--cert-dir", trusted, "--creds=jo:wrong"],
      host: secured.host,
      reason: /authentication required/,
    }),
    "a stranger": () => ({
      words: ["--cert-dir", trusted, "--no-creds"],
      host: secured.host,
      reason: /authentication required/,
    }),
    "a server of an unknown authority": () => ({
      words: ["--creds=jo:se:cret"],
      host: secured.host,
      reason: /certificate signed by unknown authority/,
    }),
    "a server with an expired certificate": () => ({
      words: ["--cert-dir", trusted],
      host: expired.host,
      reason: /certificate has expired or is not yet valid/,
    }),
    "a server with another's certificate": () => ({
      words: ["--cert-dir", trusted],
      host: elsewhere.host,
      reason: /x509: certificate is not valid for/,
    }),
    "a client without a certificate": () => ({
      words: ["--cert-dir", trusted],
      host: closed.host,
      reason: /the server may want a client certificate/,
    }),
    "a certificate without its key": () => {
      const directory = temporary("lone");
      copyFileSync(join(known, "me.cert"), join(directory, "me.cert"));
      return {
        words: ["--cert-dir", directory],
        host: secured.host,
        reason: /missing key me.key for client certificate me.cert/,
      };
    },
    "a broken auth file": () => {
      const path = join(temporary("auth"), "auth.json");
      writeFileSync(path, "{");
      return {
        words: ["--cert-dir", trusted, "--authfile", path],
        host: secured.host,
        reason: /unmarshaling JSON|reading JSON file/,
      };
    },
  };
  for (const [title, request] of Object.entries(cases)) {
    test.skipIf(!hasPeers)(title, async () => {
      const { words, host, reason } = request();
      const { ours, theirs } = await both(["list-tags", ...words, `docker://${host}/app`]);
      expect(theirs.exitCode).toBe(1);
      expect(ours.exitCode).toBe(1);
      expect(fatalMessage(ours)).toMatch(reason);
      expect(ours.stderr).not.toContain(user.password);
    });
  }
});

describe("commands agree with real skopeo on", () => {
  const cases: Readonly<Record<string, readonly string[]>> = {
    "list-tags of an unknown repository": ["list-tags", "docker://HOST/none"],
    "list-tags with a tag": ["list-tags", "docker://HOST/app:1"],
    "list-tags of a directory": ["list-tags", "dir:/tmp"],
    "list-tags without a transport": ["list-tags", "app"],
    "deleting what is not there": ["delete", "docker://HOST/app:none"],
    "deleting a directory": ["delete", "dir:/tmp"],
    "deleting nothing": ["delete"],
    "deleting an unknown name of a layout": ["delete", "oci:LAYOUT:none"],
    "inspecting nothing": ["inspect"],
    "inspecting raw with a template": ["inspect", "--raw", "--format", "x", "docker://HOST/app:1"],
    "inspecting an unknown tag": ["inspect", "docker://HOST/app:none"],
  };
  const isCurrent = newestSkopeo?.version.startsWith("1.22.") ?? false;
  for (const [title, words] of Object.entries(cases)) {
    test.skipIf(!hasPeers || !isCurrent)(title, async () => {
      const [command = "", ...rest] = words.map((word) =>
        word.replace("HOST", secured.host).replace("LAYOUT", layout),
      );
      const access = ["--cert-dir", trusted, `--creds=${user.name}:${user.password}`];
      const { ours, theirs } = await both([command, ...access, ...rest]);
      expect(theirs.exitCode).not.toBe(0);
      expect(ours.exitCode).toBe(theirs.exitCode);
      expect(fatalMessage(ours)).toStartWith(fatalMessage(theirs).split("\nTry")[0]?.slice(0, 60) ?? "");
    });
  }

  test.skipIf(!hasPeers)("deleting an image: all its tags go, and the other image stays", async () => {
    const after: string[] = [];
    for (const tool of ["theirs", "ours"] as const) {
      const access = ["--dest-cert-dir", trusted, `--dest-creds=${user.name}:${user.password}`];
      const other = writeLayout({ v2: buildImage({ seed: "other" }) });
      const repository = `docker://${secured.host}/delete/${tool}`;
      for (const [source, tag] of [
        [`oci:${layout}:v1`, "a"],
        [`oci:${layout}:v1`, "b"],
        [`oci:${other}:v2`, "c"],
      ]) {
        await runOurs(["--insecure-policy", "copy", ...access, source ?? "", `${repository}:${tag}`]);
      }
      const flags = ["--cert-dir", trusted, `--creds=${user.name}:${user.password}`];
      const program = tool === "ours" ? runOurs : runReal;
      expect(await program(["delete", ...flags, `${repository}:a`])).toMatchObject({
        exitCode: 0,
        stdout: "",
      });
      after.push((await both(["list-tags", ...flags, repository])).theirs.stdout.replaceAll(tool, "tool"));
    }
    expect(after[1]).toBe(after[0] ?? "");
  });
});
