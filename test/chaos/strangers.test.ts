import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporary } from "../support/images.ts";
import type { Fault } from "./fault.ts";
import { type MisbehavingRegistry, type Rule, startMisbehaving } from "./misbehaving-registry.ts";
import {
  expectFailure,
  expectRefusal,
  expectTidy,
  expectWhole,
  isBlob,
  isManifest,
  PASSWORD,
  pull,
  push,
  startSource,
} from "./stage.ts";

/** Another host, to which a registry sends its clients: it sees all that they bring, and must never see a credential. */
let source: { readonly host: string } & AsyncDisposable;
beforeAll(async () => {
  source = await startSource();
});
afterAll(async () => await source[Symbol.asyncDispose]());

const CREDENTIALS = `--src-creds=me:${PASSWORD}`;
const ENCODED = Buffer.from(`me:${PASSWORD}`).toString("base64");

function answer(name: string, status: number, body: string, ...headers: readonly [string, string][]): Fault {
  return { kind: "answer", name, status, body, headers };
}

/** Asks for Basic authentication first. */
function withLogin(rule: Rule): Rule {
  return (request) =>
    request.headers.has("authorization")
      ? rule(request)
      : answer("401", 401, "", ["WWW-Authenticate", 'Basic realm="here"']);
}

/** Asks for a token of `realm` first. */
function withTokens(realm: string): Rule {
  return (request) =>
    request.headers.get("authorization") === "Bearer good"
      ? undefined
      : answer("401", 401, "", ["WWW-Authenticate", `Bearer realm="${realm}",service="x"`]);
}

function expectNoCredential(stranger: MisbehavingRegistry): void {
  const seen = JSON.stringify(stranger.requests.map((request) => [request.target, [...request.headers]]));
  expect(stranger.requests.some(({ headers }) => headers.has("authorization"))).toBe(false);
  expect(seen).not.toContain(PASSWORD);
  expect(seen).not.toContain(ENCODED);
  expect(stranger.requests.some(({ body }) => body.includes(PASSWORD))).toBe(false);
}

for (const status of [301, 302, 303, 307, 308]) {
  test(`a redirect of blobs by ${status} to another host brings it no credential`, async () => {
    await using stranger = await startMisbehaving(source.host, () => undefined);
    const pulled = await pull(
      source.host,
      withLogin((request) =>
        isBlob(request)
          ? answer("away", status, "", ["Location", `http://${stranger.host}${request.target}`])
          : undefined,
      ),
      [CREDENTIALS],
    );
    expectWhole(pulled);
    expect(stranger.requests.length).toBeGreaterThan(0);
    expectNoCredential(stranger);
  });
}

test("a stranger that asks a redirected client to log in gets nothing", async () => {
  await using stranger = await startMisbehaving(undefined, () =>
    answer("401", 401, "", ["WWW-Authenticate", 'Basic realm="come on"']),
  );
  const pulled = await pull(
    source.host,
    withLogin((request) =>
      isManifest(request)
        ? answer("away", 307, "", ["Location", `http://${stranger.host}${request.target}`])
        : undefined,
    ),
    [CREDENTIALS],
  );
  expectRefusal(pulled, /authentication required|unauthorized/i);
  expect(stranger.requests.length).toBeGreaterThan(0);
  expectNoCredential(stranger);
});

test("a redirect there and back brings the stranger no credential", async () => {
  let back = "";
  await using stranger = await startMisbehaving(undefined, (request) =>
    answer("back", 307, "", ["Location", `http://${back}${request.target}?again`]),
  );
  const pulled = await pull(
    source.host,
    withLogin((request) => {
      back = request.headers.get("host") ?? "";
      if (!isBlob(request) || request.target.endsWith("?again")) return undefined;
      return answer("away", 307, "", ["Location", `http://${stranger.host}${request.target}`]);
    }),
    [CREDENTIALS],
  );
  expectTidy(pulled.outcome);
  expect(stranger.requests.length).toBeGreaterThan(0);
  expectNoCredential(stranger);
});

test("an upload's Location at another host brings it no credential", async () => {
  await using stranger = await startMisbehaving(undefined, () => answer("taken", 201, ""));
  const { outcome, isTagged } = await push(
    withLogin((request) =>
      request.method === "POST"
        ? answer("away", 202, "", ["Location", `http://${stranger.host}/take/it`])
        : undefined,
    ),
    [`--dest-creds=me:${PASSWORD}`],
  );
  expectTidy(outcome);
  expect(isTagged).toBe(outcome.exitCode === 0);
  expect(stranger.requests.length).toBeGreaterThan(0);
  expectNoCredential(stranger);
});

describe("a token server that", () => {
  const lies: Readonly<Record<string, readonly [fault: Fault, message: RegExp]>> = {
    "gives a wrong token": [
      answer("wrong token", 200, '{"token":"bad"}'),
      /authentication required|unauthorized/i,
    ],
    "gives a token with a line break": [
      answer("split", 200, '{"token":"a\\r\\nX-Evil: 1"}'),
      /without a token/,
    ],
    "answers a web page": [answer("page", 200, "<html>\x1b[2J"), /not JSON/],
    "answers without an end": [answer("huge", 200, "x".repeat(20_000_000)), /exceeded maximum allowed size/],
    "redirects in a circle": [
      answer("circle", 302, "", ["Location", "/token"]),
      /stopped after 10 redirects/,
    ],
    "fails with escape sequences": [answer("500", 403, "\x1b]0;owned\x07"), /bearer token/i],
    "stops in the middle": [{ kind: "reset", after: 5 }, /404|connection/],
    "gives null": [answer("null", 200, "null"), /without a token/],
    "is silent": [{ kind: "silence" }, /no data|deadline|timed out/i],
  };
  for (const [title, [fault, message]] of Object.entries(lies)) {
    test(`${title} ends the copy with one line`, async () => {
      await using tokens = await startMisbehaving(source.host, () => fault);
      const pulled = await pull(source.host, withTokens(`http://${tokens.host}/token`));
      expectRefusal(pulled, message);
      expect(tokens.requests.length).toBeGreaterThan(0);
    });
  }

  test("redirects to another host brings that no credential", async () => {
    await using stranger = await startMisbehaving(undefined, () => answer("token", 200, '{"token":"good"}'));
    await using tokens = await startMisbehaving(undefined, () =>
      answer("away", 307, "", ["Location", `http://${stranger.host}/token`]),
    );
    const pulled = await pull(source.host, withTokens(`http://${tokens.host}/token`), [CREDENTIALS]);
    expectWhole(pulled);
    expectNoCredential(stranger);
  });

  for (const status of [307, 308]) {
    test(`redirects an identity token by ${status} to another host sends nothing there`, async () => {
      await using stranger = await startMisbehaving(undefined, () =>
        answer("token", 200, '{"token":"good"}'),
      );
      await using tokens = await startMisbehaving(undefined, () =>
        answer("away", status, "", ["Location", `http://${stranger.host}/token`]),
      );
      const file = join(temporary("login"), "auth.json");
      const rule = withTokens(`http://${tokens.host}/token`);
      // The file is read when the registry has asked for a login; by then its port is known.
      const writeLogin: Rule = (request) => {
        const auths = { [request.headers.get("host") ?? ""]: { auth: "bWU6", identitytoken: PASSWORD } };
        writeFileSync(file, JSON.stringify({ auths }), { mode: 0o600 });
        return rule(request);
      };
      const pulled = await pull(source.host, writeLogin, [`--src-authfile=${file}`]);
      expectRefusal(pulled, /refusing to take a credential along/);
      expect(tokens.requests.some(({ body }) => body.includes(PASSWORD))).toBe(true);
      expect(stranger.requests).toEqual([]);
    });
  }

  test("has no address ends the copy with one line", async () => {
    expectRefusal(await pull(source.host, withTokens("gopher://x")), /realm/);
  });
});

test("a challenge with escape sequences does not reach the terminal", async () => {
  const { outcome, time } = await push(() =>
    answer("401", 401, "\x1b[2J", ["WWW-Authenticate", 'Bearer realm="\x1b[2J"']),
  );
  expectFailure(outcome, time, /malformed HTTP response/);
});
