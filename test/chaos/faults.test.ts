import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { runOurs } from "../support/run.ts";
import type { Fault } from "./fault.ts";
import { type Rule, type SeenRequest, startMisbehaving } from "./misbehaving-registry.ts";
import {
  expectFailure,
  expectRefusal,
  expectTidy,
  expectWhole,
  isBlob,
  isLayer,
  isManifest,
  manifestByte,
  pull,
  push,
  startSource,
  when,
} from "./stage.ts";

let source: { readonly host: string } & AsyncDisposable;
beforeAll(async () => {
  source = await startSource();
});
afterAll(async () => await source[Symbol.asyncDispose]());

const isUpload = ({ target }: SeenRequest): boolean => target.includes("/blobs/uploads/");
const isOpening = (request: SeenRequest): boolean => request.method === "POST" && isUpload(request);
const isClosingPut = (request: SeenRequest): boolean => request.method === "PUT" && isUpload(request);
const isSentManifest = (request: SeenRequest): boolean => request.method === "PUT" && isManifest(request);
const RAW_ESCAPES = "<html>\x1b[2J\x1b]0;owned\x07 gone\x9b31m \r\n line two</html>";

function answer(name: string, status: number, body: string, ...headers: readonly [string, string][]): Fault {
  return { kind: "answer", name, status, body, headers };
}

/** A first answer that breaks at byte 20,000, and what the question for the rest gets. */
function thenRange(fault: Fault): Rule {
  return (request) => {
    if (!isLayer(request)) return undefined;
    return request.count === 1 ? { kind: "reset", after: 20_000 } : fault;
  };
}

describe("a download goes well in spite of", () => {
  const cases: Readonly<Record<string, Rule>> = {
    "a delay everywhere": () => ({ kind: "delay", time: 100 }),
    "a silence in the middle of a blob": when(isLayer, { kind: "stall", after: 9000 }, 1),
    "a silence before a manifest": when(isManifest, { kind: "stall", after: 0 }, 1),
    "a reset in the middle of a blob": when(isLayer, { kind: "reset", after: 30_001 }, 2),
    "a reset in the middle of a manifest": when(isManifest, { kind: "reset", after: 100 }, 1),
    "a lost answer": when(isManifest, { kind: "lost answer" }, 2),
    "a lost request": when(isBlob, { kind: "lost request" }, 2),
    "a body shorter than its Content-Length": when(
      isLayer,
      { kind: "truncate", after: 50, honest: false },
      2,
    ),
    "a registry that stops to send and keeps listening": when(
      isLayer,
      { kind: "half-close", after: 4000 },
      1,
    ),
    "the whole blob to a question for the rest": thenRange({ kind: "range", answer: "whole" }),
    "another part than was asked for": thenRange({ kind: "range", answer: "another part" }),
    "a wrong Docker-Content-Digest": when(isManifest, {
      kind: "headers",
      headers: [["Docker-Content-Digest", "nonsense\u00ff"]],
    }),
    "a redirect whose body never comes": when(
      isManifest,
      answer("307", 307, "x", ["Location", "/v2/app/manifests/1"], ["Content-Length", "9"]),
      1,
    ),
    "a head that never comes, once": when(isLayer, { kind: "silence" }, 1),
    "a header of 100 kB": when(isBlob, { kind: "headers", headers: [["X-Large", "x".repeat(100_000)]] }),
    "500 for a while": when(isBlob, answer("500", 500, "oops"), 2),
    "502 with a web page": when(isManifest, answer("502", 502, RAW_ESCAPES), 2),
    "429 with a negative Retry-After": when(isManifest, answer("429", 429, "", ["Retry-After", "-5"]), 1),
    "429 with a Retry-After in the past": when(
      isManifest,
      answer("429", 429, "", ["Retry-After", "Thu, 01 Jan 1970 00:00:00 GMT"]),
      1,
    ),
    "429 with nonsense as Retry-After": when(
      isManifest,
      answer("429", 429, "", ["Retry-After", "soon\u00e9"]),
      1,
    ),
    "each header twice": when(isLayer, {
      kind: "headers",
      headers: [
        ["Content-Type", "application/octet-stream"],
        ["Content-Type", "text/html"],
        ["Docker-Content-Digest", "sha256:0"],
      ],
    }),
  };
  for (const [title, rule] of Object.entries(cases)) {
    test(title, async () => {
      const pulled = await pull(source.host, rule, ["--retry-times=2", "--retry-delay=100ms"]);
      expectWhole(pulled);
      expect(pulled.registry.faults.size).toBeGreaterThan(0);
    });
  }
});

describe("a download fails with one line, and leaves nothing, on", () => {
  const cases: Readonly<Record<string, readonly [rule: Rule, message: RegExp, flags?: readonly string[]]>> = {
    "silence for ever": [when(isLayer, { kind: "stall", after: 100 }), /no data for 0.5 s/],
    "a short blob that says so": [
      when(isLayer, { kind: "truncate", after: 99, honest: true }),
      /did not match, expected \d+ bytes, got 99/,
    ],
    "a short blob for ever": [
      when(isLayer, { kind: "truncate", after: 99, honest: false }),
      /connection|closed|ended|EOF|reset|another part/i,
    ],
    "one bit of a blob": [when(isLayer, { kind: "flip bit", at: 31_337 }), /Digest did not match/],
    "one bit of a config": [
      when((request) => isBlob(request) && !isLayer(request), { kind: "flip bit", at: 12 }),
      /did not match/i,
    ],
    "one bit of a manifest": [
      when(isManifest, { kind: "flip bit", at: 40 }),
      /JSON|match|media type|unsupported|manifest/i,
    ],
    "one bit of a manifest that is JSON still": [
      when(isManifest, { kind: "flip bit", at: manifestByte('"size"') + 1 }),
      /the manifest has digest sha256:\w+, and the registry says sha256:/,
    ],
    "a Content-Length that is too small": [
      when(isLayer, { kind: "content length", delta: -7 }),
      /did not match|expected/,
    ],
    "416": [thenRange({ kind: "range", answer: "refused" }), /416|range/i],
    "401 for ever": [
      when(() => true, answer("401", 401, "", ["WWW-Authenticate", 'Basic realm="again"'])),
      /authentication required/,
      ["--src-creds=me:chaos-secret-51c"],
    ],
    "429 that asks for 30 years": [
      when(isManifest, answer("429", 429, "", ["Retry-After", "1000000000"])),
      /deadline exceeded/,
      ["--command-timeout=2s"],
    ],
    "503 for ever": [when(isManifest, answer("503", 503, RAW_ESCAPES)), /503/],
    "a web page with escape sequences": [
      when(isManifest, answer("403", 403, RAW_ESCAPES, ["Content-Type", "text/html"])),
      /denied|403/i,
    ],
    "an error message with escape sequences": [
      when(isManifest, answer("404", 404, '{"errors":[{"code":"X","message":"\\u001b[2Jhi\\nthere"}]}')),
      /hi/,
    ],
    "redirects in a circle": [
      when(isManifest, answer("302", 302, "", ["Location", "/v2/app/manifests/1"])),
      /stopped after 10 redirects/,
    ],
    "deeply nested JSON": [
      when(isManifest, answer("nested", 200, '{"a":'.repeat(600_000), ["Content-Type", "application/json"])),
      /nested|JSON/,
    ],
    "a gigantic manifest": [
      when(isManifest, answer("huge", 200, " ".repeat(30_000_000), ["Content-Type", "application/json"])),
      /exceeded maximum allowed size/,
    ],
    "a gigantic error": [when(isManifest, answer("huge", 400, "x".repeat(30_000_000))), /400/],
    "a head that comes byte by byte": [
      when(isManifest, { kind: "slow head", time: 1000 }),
      /no data|deadline exceeded/,
      ["--command-timeout=3s"],
    ],
    "no HTTP at all": [
      when(isManifest, answer("bad status", 99, "", ["\x00\x1b[2J", "x"])),
      /malformed HTTP response/,
    ],
  };
  for (const [title, [rule, message, flags = []]] of Object.entries(cases)) {
    test(title, async () => {
      const pulled = await pull(source.host, rule, flags);
      expectRefusal(pulled, message);
      expect(pulled.registry.faults.size).toBeGreaterThan(0);
    });
  }
});

describe("an upload", () => {
  const survived: Readonly<Record<string, Rule>> = {
    "whose session vanishes once": when(isClosingPut, answer("vanished", 404, "{}"), 1),
    "whose closing PUT is reset": when(isClosingPut, { kind: "lost answer" }, 1),
    "whose blob is changed on the way once": when(isClosingPut, { kind: "flip sent bit", at: 1000 }, 1),
    "that cannot be opened at first": when(isOpening, answer("503", 503, ""), 1),
    "whose manifest's answer is lost": when(isSentManifest, { kind: "lost answer" }, 1),
    "that meets silence once": when(isClosingPut, { kind: "stall", after: 0 }, 1),
  };
  for (const [title, rule] of Object.entries(survived)) {
    test(`${title} ends well with --retry-times`, async () => {
      const { outcome, isTagged, registry } = await push(rule, ["--retry-times=3", "--retry-delay=100ms"]);
      expect(registry.faults.size).toBeGreaterThan(0);
      expectTidy(outcome);
      // What is reported must be so, whichever it is.
      expect(isTagged).toBe(outcome.exitCode === 0);
    });
  }

  const refused: Readonly<Record<string, readonly [rule: Rule, message: RegExp]>> = {
    "whose session is never there": [
      when(isClosingPut, answer("vanished", 404, '{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}')),
      /upload/i,
    ],
    "without a Location": [when(isOpening, answer("no Location", 202, "")), /without a Location/],
    "whose Location is nonsense": [
      when(isOpening, answer("bad Location", 202, "", ["Location", "http://[::"])),
      /unusable address/,
    ],
    "whose Location is a file": [
      when(isOpening, answer("bad Location", 202, "", ["Location", "file:///etc/passwd"])),
      /unusable address/,
    ],
    "whose every blob is changed on the way": [
      when(isClosingPut, { kind: "flip sent bit", at: 1000 }),
      /digest|invalid/i,
    ],
    "whose manifest is refused with a web page": [
      when(isSentManifest, answer("400", 400, RAW_ESCAPES, ["Content-Type", "text/html"])),
      /400|manifest/,
    ],
  };
  for (const [title, [rule, message]] of Object.entries(refused)) {
    test(`${title} fails with one line and no tag`, async () => {
      const { outcome, isTagged, time } = await push(rule);
      expectFailure(outcome, time, message);
      expect(isTagged).toBe(false);
    });
  }
});

test("a manifest that a registry has stored in another form is told", async () => {
  const wrong: Fault = { kind: "headers", headers: [["Docker-Content-Digest", `sha256:${"0".repeat(64)}`]] };
  const { outcome, time } = await push(when(isSentManifest, wrong));
  expectFailure(outcome, time, /uploading manifest .*, and the registry says sha256:0000/);
});

describe("a list of tags", () => {
  const list = async (rule: Rule, flags: readonly string[] = []) => {
    await using registry = await startMisbehaving(source.host, rule);
    const started = performance.now();
    const words = ["list-tags", "--tls-verify=false", ...flags, `docker://${registry.host}/app`];
    return { outcome: await runOurs(words), time: performance.now() - started, registry };
  };
  const isTags = ({ target }: SeenRequest): boolean => target.includes("/tags/list");
  const page = '{"name":"app","tags":["1"]}';

  test("whose next page is itself ends", async () => {
    const next: [string, string] = ["Link", '</v2/app/tags/list?n=1&last=1>; rel="next"'];
    const { outcome, time, registry } = await list(when(isTags, answer("loop", 200, page, next)));
    expectTidy(outcome);
    expect(time).toBeLessThan(20_000);
    expect(registry.requests.length).toBeLessThan(50);
  });

  test("deeply nested fails with one line", async () => {
    const { outcome, time } = await list(when(isTags, answer("nested", 200, `{"tags":${"[".repeat(1e6)}`)));
    expectFailure(outcome, time, /JSON|nest/);
  });

  test("with escape sequences among the tags shows none", async () => {
    const body = '{"name":"app","tags":["\\u001b[2J","ok"]}';
    expectTidy((await list(when(isTags, answer("escapes", 200, body)))).outcome);
  });
});
