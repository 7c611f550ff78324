import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type CredentialOptions, findCredentials } from "../../src/config/auth-file.ts";
import type { CredentialTarget } from "../../src/config/auth-file-entries.ts";
import type { Environment } from "../../src/config/locations.ts";
import { errorMessage, ImageError } from "../../src/core/errors.ts";
import { realSkopeo, runRealSkopeo } from "../support/real-skopeo.ts";

const directory = mkdtempSync(join(tmpdir(), "auth-file-"));
const home = join(directory, "home");
const runtime = join(directory, "runtime");
const programs = join(directory, "bin");
const file = join(directory, "auth.json");

/** A registry that tells whom it took the client for; real skopeo has no other way to show what it found. */
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch(request) {
    if (new URL(request.url).pathname === "/v2/") {
      return new Response("", { status: 401, headers: { "www-authenticate": 'Basic realm="x"' } });
    }
    const basic = request.headers.get("authorization")?.replace(/^Basic /, "") ?? "";
    const message = `client=<${Buffer.from(basic, "base64").toString()}>`;
    return Response.json({ errors: [{ code: "DENIED", message }] }, { status: 403 });
  },
});
const host = `127.0.0.1:${server.port}`;

afterAll(async () => {
  await server.stop(true);
  rmSync(directory, { recursive: true, force: true });
});

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode: 0o600 });
}

function auth(text: string): string {
  return `"auth":"${Buffer.from(text).toString("base64")}"`;
}

/** An auth file with entries of the form `key=user:password`; HOST in a key stands for the test registry. */
function auths(...entries: readonly string[]): string {
  const members = entries.map((entry) => {
    const [key = "", value = ""] = entry.split("=");
    return `"${key.replace("HOST", host)}":{${value === "" ? "" : auth(value)}}`;
  });
  return `{"auths":{${members.join(",")}}}`;
}

/** Writes a credential helper that runs the given lines of shell. */
function helper(name: string, script: string): void {
  const path = join(programs, `docker-credential-${name}`);
  write(path, `#!/bin/sh\nread -r input\necho "$1 $input" >> "${directory}/asked"\n${script}\n`);
  chmodSync(path, 0o755);
}

const env: Record<string, string> = {
  HOME: home,
  XDG_RUNTIME_DIR: runtime,
  PATH: `${programs}:${process.env.PATH ?? ""}`,
};
const environment: Environment = { env, home, platform: "linux", uid: 1000 };

beforeEach(() => {
  rmSync(home, { recursive: true, force: true });
  rmSync(runtime, { recursive: true, force: true });
  mkdirSync(runtime, { recursive: true });
});

/** `user:password` as found by ours, `error: …`, or `none`; and the same from real skopeo if there is one. */
async function outcome(
  options: Partial<CredentialOptions> = {},
  target: CredentialTarget = { registry: host, repository: "ns/repo" },
): Promise<string> {
  try {
    const found = await findCredentials({ environment, ...options }, target);
    if (found === undefined) return "none";
    const { username, password, identityToken } = found.credentials;
    return identityToken === undefined
      ? `${username}:${password}`
      : `${username}:${password} token ${identityToken}`;
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    return `error: ${errorMessage(error)}`;
  }
}

/** The same from real skopeo; undefined without it. */
async function realOutcome(...parameters: readonly string[]): Promise<string | undefined> {
  if (realSkopeo === undefined) return undefined;
  const image = `docker://${host}/ns/repo:t`;
  const { fatal } = await runRealSkopeo(
    ["inspect", "--tls-verify=false", "--raw", ...parameters, image],
    env,
  );
  const client = /client=<(.*)>/s.exec(fatal)?.[1];
  if (client !== undefined) return client === ":" ? "none" : client;
  return `error: ${fatal.replace(/^Error parsing image name "[^"]*": /, "")}`;
}

async function expectOutcome(expected: string): Promise<void> {
  expect(await outcome()).toBe(expected);
  const real = await realOutcome();
  if (real !== undefined) expect(real).toBe(expected);
}

const syntax = `error: getting username and password: reading JSON file "${file}": unmarshaling JSON at "${file}": `;

/** The content of an explicit file, and who it makes the client. Real skopeo agrees unless told otherwise. */
const cases: readonly [content: string, expected: string, ownWords?: "own words" | "with its place"][] = [
  ["{}", "none"],
  ["null", "none"],
  ['{"auths":null,"credHelpers":null}', "none"],
  [`{"auths":{"${host}":null}}`, "none"],
  ["", `${syntax}unexpected end of JSON input`],
  ["{", `${syntax}unexpected end of JSON input`],
  [
    `${auths("HOST=u:p")} x`,
    `${syntax}invalid character 'x' after top-level value (line 1, column ${auths("HOST=u:p").length + 2})`,
    "own words",
  ],
  ["[]", `${syntax}unexpected type of value`, "own words"],
  ['{"auths":[]}', `${syntax}auths: unexpected type of value`, "own words"],
  ['{"auths":{"h":"secret"}}', `${syntax}auths.h: unexpected type of value`, "own words"],
  ['{"auths":{"h":{"auth":1}}}', `${syntax}auths.h.auth: unexpected type of value`, "own words"],
  ['{"credHelpers":{"h":1}}', `${syntax}credHelpers.h: unexpected type of value`, "own words"],

  [auths("HOST=u:p"), "u:p"],
  [auths("HOST=u:p", "HOST/ns=u2:p", "HOST/ns/repo=u3:p"), "u3:p"],
  [auths("HOST/ns=u2:p", "HOST=u:p"), "u2:p"],
  [auths("HOST=u:p", "HOST/n=u2:p", "HOST/ns/repo:t=u3:p", "HOST/ns/repo/x=u4:p"), "u:p"],
  [auths("HOST/=u:p"), "none"],
  [auths("HOST/v1/=u:p"), "none"],
  [auths("https://HOST/v1/=u:p"), "u:p"],
  [auths("http://HOST=u:p"), "u:p"],
  [auths("http://HOST/ns/other=u:p"), "u:p"],
  [auths("https://HOST=u:p", "HOST=u2:p"), "u2:p"],
  [auths("127.0.0.1=u:p", "other=u2:p"), "none"],
  [`{"auths":{"${host}":{${auth("u:p")}},"${host}":{${auth("u2:p")}}}}`, "u2:p"],
  [`{"Auths":{"${host}":{"Auth":"dTpw"}}}`, "u:p"],

  [auths("HOST=u:p:q"), "u:p:q"],
  [auths("HOST=:p"), ":p"],
  [auths("HOST=u:"), "u:"],
  [auths("HOST=:"), "none"],
  [auths("HOST=u:p\0\0"), "u:p"],
  [auths("HOST=u:\0\0p\0"), "u:p"],
  [`{"auths":{"${host}":{"auth":"dT\\npw"}}}`, "u:p"],
  [`{"auths":{"${host}":{"username":"u","password":"p"}}}`, "none"],
  [auths("HOST/ns=", "HOST=u:p"), "none"],
  [
    `{"auths":{"${host}":{"auth":"!!!"}}}`,
    `error: getting username and password: illegal base64 data at input byte 0 (entry "${host}" in "${file}")`,
    "with its place",
  ],
  [
    `{"auths":{"${host}":{"auth":"dTpwCg"}}}`,
    `error: getting username and password: illegal base64 data at input byte 4 (entry "${host}" in "${file}")`,
    "with its place",
  ],
  [`{"auths":{"${host}":{"identitytoken":"TOKEN"}}}`, "none"],
  [`{"auths":{"${host}":{"auth":"dTpw"}},"credsStore":"nosuch"}`, "u:p"],
  [`{"auths":{"${host}":{"auth":"dTpw"}},"credHelpers":{"other":"nosuch"}}`, "u:p"],
  [
    `{"auths":{"${host}":{"auth":"dTpw"}},"credHelpers":{"${host}":"nosuch"}}`,
    "error: getting username and password: error getting credentials - err: " +
      'exec: "docker-credential-nosuch": executable file not found in $PATH, out: ``',
  ],
];

describe("an auth file", () => {
  for (const [content, expected, ownWords] of cases) {
    test(`with ${content.replaceAll(host, "HOST")} gives ${expected.replaceAll(file, "FILE")}`, async () => {
      write(file, content);
      expect(await outcome({ explicitFile: file })).toBe(expected);
      const real = await realOutcome("--authfile", file);
      if (real === undefined) return;
      if (ownWords === "own words") expect(real).toStartWith(syntax);
      else if (ownWords === "with its place") expect(expected).toStartWith(real);
      else expect(real).toBe(expected);
    });
  }

  test("an entry without a colon is skipped with a warning, and nothing else in the file is tried", async () => {
    write(file, auths("HOST/ns=nocolon", "HOST=u:p"));
    const warnings: string[] = [];
    const warning = (message: string): unknown => warnings.push(message);
    expect(await outcome({ explicitFile: file, warning })).toBe("none");
    expect(warnings).toEqual([
      `Error parsing the "auth" field of a credential entry "${host}/ns" in "${file}", missing semicolon`,
    ]);
    if (realSkopeo === undefined) return;
    const image = `docker://${host}/ns/repo:t`;
    const real = await runRealSkopeo(["inspect", "--tls-verify=false", "--authfile", file, image], env);
    expect(real.warnings).toEqual(warnings);
  });

  test("an identity token counts beside a user name", async () => {
    write(file, `{"auths":{"h":{${auth("u:")},"identitytoken":"TOKEN"}}}`);
    expect(await outcome({ explicitFile: file }, { registry: "h" })).toBe("u: token TOKEN");
  });

  for (const key of ["docker.io", "index.docker.io", "registry-1.docker.io", "https://index.docker.io/v1/"]) {
    test(`${key} serves docker.io`, async () => {
      write(file, `{"auths":{"${key}":{${auth("u:p")}}}}`);
      expect(
        await outcome({ explicitFile: file }, { registry: "docker.io", repository: "library/busybox" }),
      ).toBe("u:p");
    });
  }

  test("without a repository only the registry counts", async () => {
    write(file, auths("HOST/ns=u2:p", "HOST=u:p"));
    expect(await outcome({ explicitFile: file }, { registry: host })).toBe("u:p");
  });

  test("tells where the credentials come from, but not what they are", async () => {
    write(file, auths("HOST/ns=user:topsecret"));
    const messages: string[] = [];
    const found = await findCredentials(
      { environment, explicitFile: file, debug: (message) => messages.push(message) },
      { registry: host, repository: "ns/repo" },
    );
    expect(found?.source).toBe(`"${host}/ns" in ${file}`);
    expect(messages).toEqual([`Found credentials for ${host}/ns/repo under "${host}/ns" in ${file}`]);
    expect(messages.join()).not.toContain("topsecret");
  });

  const secret = Buffer.from("user:topsecret").toString("base64");
  const leaky = [
    `{"auths":{"h":{"auth":"${secret}}}`,
    `{"auths":{"h":{"auth":"${secret}"}}`,
    `{"auths":{"h":{"auth":["${secret}"]}}}`,
    `{"auths":{"h":"${secret}"}}`,
    `{"auths":{"h":{"auth":"${secret}!"}}}`,
    `"${secret}"`,
  ];
  for (const content of leaky) {
    test(`no part of the secret in ${content} is in the error`, async () => {
      write(file, content);
      const text = await outcome({ explicitFile: file }, { registry: "h" });
      expect(text).toStartWith("error: ");
      expect(text).not.toContain(secret.slice(0, 6));
    });
  }
});

describe("the order of auth files", () => {
  const places = (): string[] => [
    join(runtime, "containers", "auth.json"),
    join(home, ".config", "containers", "auth.json"),
    join(home, ".docker", "config.json"),
    join(home, ".dockercfg"),
  ];

  test("the first with an entry for the registry wins", async () => {
    for (const [index, path] of places().entries()) {
      const isLegacy = path.endsWith(".dockercfg");
      write(path, isLegacy ? `{"https://${host}/v1/":{${auth(`u${index}:p`)}}}` : auths(`HOST=u${index}:p`));
    }
    for (const [index, path] of places().entries()) {
      await expectOutcome(`u${index}:p`);
      write(path, path.endsWith(".dockercfg") ? `{"${host}":{}}` : auths("HOST=", "other=u:p"));
    }
    await expectOutcome("none");
  });

  test("variables move them", async () => {
    const config = join(directory, "xdg");
    const docker = join(directory, "docker");
    write(join(docker, "config.json"), auths("HOST=docker:p"));
    const moved = { ...environment, env: { ...env, XDG_CONFIG_HOME: config, DOCKER_CONFIG: docker } };
    expect(await outcome({ environment: moved })).toBe("docker:p");
    write(join(config, "containers", "auth.json"), auths("HOST=xdg:p"));
    expect(await outcome({ environment: moved })).toBe("xdg:p");
  });

  test("a file named by a variable or an option is the only one, even if it is missing", async () => {
    write(join(home, ".docker", "config.json"), auths("HOST=u:p"));
    const named = { ...environment, env: { ...env, REGISTRY_AUTH_FILE: file } };
    write(file, auths("HOST=named:p"));
    expect(await outcome({ environment: named })).toBe("named:p");
    expect(await outcome({ environment: named, explicitFile: join(directory, "missing") })).toBe("none");
    expect(await outcome({ environment: named, explicitFile: "" })).toBe("u:p");
    expect(await outcome({ environment: { ...named, env: { ...env, REGISTRY_AUTH_FILE: "" } } })).toBe("u:p");
  });

  test("old files know registries only", async () => {
    const path = join(home, ".dockercfg");
    for (const key of [`${host}`, `${host}/ns`, `${host}/other/`, `https://${host}/v1/`]) {
      write(path, `{"${key}":{${auth("u:p")}}}`);
      await expectOutcome("u:p");
    }
    write(path, '{"x":"y"}');
    expect(await outcome()).toBe(
      `error: getting username and password: reading JSON file "${path}": unmarshaling JSON at "${path}": ` +
        "auths.x: unexpected type of value",
    );
  });

  test("a runtime directory that is missing is warned of and passed over", async () => {
    const missing = join(directory, "missing");
    write(join(home, ".docker", "config.json"), auths("HOST=u:p"));
    const warnings: string[] = [];
    const warning = (message: string): unknown => warnings.push(message);
    expect(
      await outcome({ environment: { ...environment, env: { ...env, XDG_RUNTIME_DIR: missing } }, warning }),
    ).toBe("u:p");
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toStartWith(
      `"${missing}" directory set by $XDG_RUNTIME_DIR does not exist. Either create the directory or unset ` +
        "$XDG_RUNTIME_DIR.: ",
    );
  });

  test("a directory in the place of a file is an error", async () => {
    const path = join(home, ".docker", "config.json");
    mkdirSync(path, { recursive: true });
    await expectOutcome(
      `error: getting username and password: reading JSON file "${path}": read ${path}: is a directory`,
    );
  });
});

describe("credential helpers", () => {
  const answer = (username: string, secret: string): string =>
    `echo '{"ServerURL":"x","Username":"${username}","Secret":"${secret}"}'`;

  test("one that a file names for the registry has the last word on that file", async () => {
    helper("file", answer("helper", "p"));
    write(join(home, ".docker", "config.json"), `{"auths":{},"credHelpers":{"${host}":"file"}}`);
    await expectOutcome("helper:p");
    helper("file", "echo credentials not found in native keychain; exit 1");
    await expectOutcome("none");
    write(join(home, ".dockercfg"), `{"${host}":{${auth("old:p")}}}`);
    await expectOutcome("old:p");
  });

  const conf = (helpers: readonly string[]): string => `credential-helpers = ${JSON.stringify(helpers)}`;
  const failure = (name: string): string =>
    `error getting credentials - err: exec: "docker-credential-${name}": executable file not found in $PATH, out: \`\``;
  const boom = "error getting credentials - err: exit status 3, out: `boom`";
  const orders: readonly [helpers: readonly string[], script: string, expected: string][] = [
    [["g"], answer("g", "p"), "g:p"],
    [["g", "containers-auth.json"], answer("g", "p"), "g:p"],
    [["containers-auth.json", "g"], answer("g", "p"), "file:p"],
    [["g", "containers-auth.json"], answer("", ""), "file:p"],
    [["g", "containers-auth.json"], "echo boom; exit 3", "file:p"],
    [["nosuch", "g"], answer("g", "p"), "g:p"],
    [["g"], "echo boom; exit 3", `error: getting username and password: ${boom}`],
    [
      ["g", "nosuch"],
      "echo credentials not found in native keychain; exit 1",
      `error: getting username and password: ${failure("nosuch")}`,
    ],
  ];
  for (const [helpers, script, expected] of orders) {
    test(`${helpers.join(", ")} after ${script} gives ${expected}`, async () => {
      helper("g", script);
      write(join(home, ".docker", "config.json"), auths("HOST=file:p"));
      write(join(home, ".config", "containers", "registries.conf"), conf(helpers));
      expect(await outcome({ helpers })).toBe(expected);
      const real = await realOutcome();
      if (real !== undefined) expect(real).toBe(expected);
    });
  }

  test("several failures are listed", async () => {
    helper("g", "echo boom; exit 3");
    expect(await outcome({ helpers: ["g", "nosuch"] })).toBe(
      `error: getting username and password: errors looking up credentials:\n\t* ${boom}\n\t* ${failure("nosuch")}\n`,
    );
  });

  test("they are told the registry alone", async () => {
    helper("g", answer("g", "p"));
    rmSync(join(directory, "asked"), { force: true });
    const found = await findCredentials(
      { environment, helpers: ["g"] },
      { registry: host, repository: "ns/repo" },
    );
    expect(found?.source).toBe("docker-credential-g");
    expect(await Bun.file(join(directory, "asked")).text()).toBe(`get ${host}\n`);
  });

  test("an abort ends the search and is not taken for a failure", async () => {
    helper("g", "sleep 5");
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    await expect(
      findCredentials(
        { environment, helpers: ["g", "containers-auth.json"], signal: controller.signal },
        { registry: host },
      ),
    ).rejects.toMatchObject({ name: "AbortError" });
  });
});
