import { describe, expect, test } from "bun:test";
import { createBasicAuthentication, parseHtpasswd } from "../../src/serve/htpasswd.ts";
import { buildImage, writeLayout } from "../support/images.ts";
import { peerTest } from "../support/peers.ts";
import { mustRun, run } from "../support/run.ts";
import { deploy, newDirectory } from "./deployments.ts";
import { errorCode } from "./push.ts";

/** bcrypt with the least cost that it has. */
async function hashOf(password: string): Promise<string> {
  const hash = await Bun.password.hash(password, { algorithm: "bcrypt", cost: 4 });
  return hash.replace(/^\$2b\$/, "$2y$");
}

function basic(user: string, password: string): Readonly<Record<string, string>> {
  return { Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
}

function failureOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error("nothing was thrown");
}

describe("an htpasswd file", () => {
  test("gives a hash for each user", async () => {
    const [alice, bob] = [await hashOf("a"), await hashOf("b")];
    const users = parseHtpasswd(`# comment\n\nalice:${alice}\r\nbob:${bob}`, "file");
    expect([...users]).toEqual([
      ["alice", alice],
      ["bob", bob],
    ]);
  });

  const SHORT_HASH = "$2y$05$short";
  for (const [line, expected] of [
    ["alice:$apr1$abc$def", 'line 1 has a password of another kind for user "alice": MD5 ($apr1$)'],
    ["alice:{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=", 'user "alice": SHA-1 ({SHA})'],
    ["alice:$6$abc$def", 'user "alice": SHA-2 crypt'],
    ["alice:plain", 'line 1 has a password of another kind for user "alice"'],
    [`alice:${SHORT_HASH}`, 'line 1 has a password of another kind for user "alice"'],
    ["alice", "line 1 is not of the form user:hash"],
    [":x", "line 1 is not of the form user:hash"],
    ["# nobody", "there are no users in it"],
  ] as const) {
    test(`is refused for ${line}, without repeating the password`, () => {
      const message = failureOf(() => parseHtpasswd(line, "the-file"));
      expect(message).toStartWith("the-file: ");
      expect(message).toContain(expected);
      const secret = line.split(":")[1] ?? "";
      if (secret.length > 3) expect(message).not.toContain(secret);
    });
  }

  test("names all the lines that are wrong", () => {
    expect(() => parseHtpasswd("a:x\nb:y\nc", "f")).toThrow(/line 1 .*; line 2 .*; line 3 /);
  });
});

describe("a registry with users", () => {
  test("lets in whoever knows a password, and nobody else", async () => {
    const authenticate = await createBasicAuthentication(
      new Map([
        ["alice", await hashOf("sesame")],
        ["bob", await hashOf("pass:word ü")],
      ]),
    );
    await using registry = await deploy("memory", { authenticate });
    const cases: readonly [string, Readonly<Record<string, string>>, number][] = [
      ["no credentials", {}, 401],
      ["the right password", basic("alice", "sesame"), 200],
      ["the right password again", basic("alice", "sesame"), 200],
      ["a colon and a letter beyond ASCII", basic("bob", "pass:word ü"), 200],
      ["a wrong password", basic("alice", "sesam"), 401],
      ["another's password", basic("bob", "sesame"), 401],
      ["an empty password", basic("alice", ""), 401],
      ["an unknown user", basic("carol", "sesame"), 401],
      ["no user at all", basic("", ""), 401],
      ["a token", { Authorization: "Bearer sesame" }, 401],
      ["what is not base64", { Authorization: "Basic ???" }, 401],
      ["no colon", { Authorization: `Basic ${btoa("alice")}` }, 401],
    ];
    for (const [what, headers, status] of cases) {
      expect([what, (await fetch(`${registry.url}/v2/`, { headers })).status]).toEqual([what, status]);
    }
  });

  test("asks for credentials before it says anything else", async () => {
    await using registry = await deploy("memory", { authenticate: async () => false, readOnly: true });
    for (const [method, path] of [
      ["GET", "/v2/x/tags/list"],
      ["GET", "/nowhere"],
      ["PUT", "/v2/x/manifests/1"],
    ] as const) {
      const response = await fetch(`${registry.url}${path}`, { method });
      expect([path, response.status]).toEqual([path, 401]);
      expect(response.headers.get("WWW-Authenticate")).toStartWith('Basic realm="');
      expect(await errorCode(response)).toBe("UNAUTHORIZED");
    }
  });

  test("answers a large upload without credentials with 401", async () => {
    await using registry = await deploy("memory", { authenticate: async () => false });
    const body = new Uint8Array(20_000_000);
    const response = await fetch(`${registry.url}/v2/x/blobs/uploads/?digest=sha256:1`, {
      method: "POST",
      body,
    });
    expect(response.status).toBe(401);
  });

  test("pays for bcrypt once, also when requests come all at once", async () => {
    const cost = 10;
    const hash = await Bun.password.hash("sesame", { algorithm: "bcrypt", cost });
    const authenticate = await createBasicAuthentication(new Map([["alice", hash]]));
    const request = new Request("http://registry.test/v2/", { headers: basic("alice", "sesame") });
    const started = performance.now();
    expect(await authenticate(request)).toBe(true);
    const once = performance.now() - started;
    const many = performance.now();
    expect(await Promise.all(Array.from({ length: 200 }, () => authenticate(request)))).not.toContain(false);
    expect(performance.now() - many).toBeLessThan(once);
  });

  peerTest(
    "is one that skopeo and crane log in to",
    ["htpasswd", "skopeo", "crane"],
    async ([htpasswd = "", skopeo = "", crane = ""]) => {
      const text = await mustRun([htpasswd, "-nbB", "alice", "sesame"]);
      const authenticate = await createBasicAuthentication(parseHtpasswd(text, "file"));
      await using registry = await deploy("layout", { authenticate });
      const source = writeLayout({ v1: buildImage() });
      const copy = [
        skopeo,
        "copy",
        "--insecure-policy",
        "--dest-tls-verify=false",
        `oci:${source}:v1`,
        `docker://${registry.address}/app:v1`,
      ];
      expect((await run(copy)).stderr).toContain("authentication required");
      await mustRun([...copy, "--dest-creds", "alice:sesame"]);
      const env = { DOCKER_CONFIG: newDirectory() };
      expect(
        (await run([crane, "validate", "--remote", `${registry.address}/app:v1`], { env })).exitCode,
      ).not.toBe(0);
      await mustRun([crane, "auth", "login", registry.address, "-u", "alice", "-p", "sesame"], { env });
      await mustRun([crane, "validate", "--remote", `${registry.address}/app:v1`], { env });
    },
  );
});
