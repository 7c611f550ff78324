import { afterEach, describe, expect, setSystemTime, test } from "bun:test";
import { createLogger } from "../../src/cli/log.ts";
import { redact } from "../../src/cli/redact.ts";
import { type Capture, createCapture } from "./capture.ts";

afterEach(() => {
  setSystemTime();
});

function logged(isTerminal: boolean, write: (log: ReturnType<typeof createLogger>) => void): string {
  const capture: Capture = createCapture(isTerminal);
  write(createLogger(capture));
  return capture.text;
}

describe("without a terminal", () => {
  test("a record is a line of key=value pairs, fields in order of their names", () => {
    setSystemTime(new Date("2026-11-23T07:41:12.999Z"));
    const text = logged(false, (log) => log.info("Getting tags", { image: "reg.example:5000/app", a: 1 }));
    const [, time = ""] = /^time="([^"]*)"/.exec(text) ?? [];
    expect(new Date(time)).toEqual(new Date("2026-11-23T07:41:12Z"));
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)$/);
    expect(text).toBe(`time="${time}" level=info msg="Getting tags" a=1 image="reg.example:5000/app"\n`);
  });

  const values: readonly (readonly [message: string, written: string])[] = [
    ["plain", "plain"],
    ["a-b_c.d/e@f^g+h9", "a-b_c.d/e@f^g+h9"],
    ["", ""],
    ["two words", '"two words"'],
    ["a:b", '"a:b"'],
    ['say "x"', '"say \\"x\\""'],
    ["back\\slash", '"back\\\\slash"'],
    ["line\nline\ttab\r", '"line\\nline\\ttab\\r"'],
    ["bell\x07 and \x1b[31m", '"bell\\a and \\x1b[31m"'],
    ["it’s – ünïcode", '"it’s – ünïcode"'],
    ["hard\u00a0space \u200b \u{e0001}", '"hard\\u00a0space \\u200b \\U000e0001"'],
  ];
  for (const [message, written] of values) {
    test(`${JSON.stringify(message)} is written ${written}`, () => {
      expect(logged(false, (log) => log.fatal(message))).toEndWith(` level=fatal msg=${written}\n`);
    });
  }

  test("each level has its name, and debug records appear only when wanted", () => {
    const text = logged(false, (log) => {
      log.debug("unseen");
      log.enableDebug();
      log.debug("a");
      log.info("b");
      log.warn("c");
      log.error("d");
      log.fatal("e");
    });
    const levels = [...text.matchAll(/level=(\w+) msg=(\w+)/g)].map(([, level, message]) => [level, message]);
    expect(levels).toEqual([
      ["debug", "a"],
      ["info", "b"],
      ["warning", "c"],
      ["error", "d"],
      ["fatal", "e"],
    ]);
  });
});

test("on a terminal a record is coloured, padded, and has real newlines", () => {
  const text = logged(true, (log) => {
    log.warn("short", { count: 3, name: "a b" });
    log.fatal("one\ntwo");
  });
  const fields = ' \x1b[33mcount\x1b[0m=3 \x1b[33mname\x1b[0m="a b"';
  expect(text.replace(/\[\d{4}\]/g, "[SSSS]")).toBe(
    `\x1b[33mWARN\x1b[0m[SSSS] ${"short".padEnd(44)} ${fields}\n` +
      `\x1b[31mFATA\x1b[0m[SSSS] ${"one\ntwo".padEnd(44)} \n`,
  );
});

describe("nothing secret is printed", () => {
  const secrets: readonly (readonly [text: string, masked: string])[] = [
    ["Authorization: Bearer eyJhbGciOi.J9-_x==", "Authorization: Bearer ***"],
    ["authorization: Basic dXNlcjpwYXNz", "authorization: Basic ***"],
    ['{"Authorization":"Basic dXNlcjpwYXNz"}', '{"Authorization":"Basic ***"}'],
    ["Proxy-Authorization: abc123", "Proxy-Authorization: ***"],
    ["header was Bearer abcdef123456, refused", "header was Bearer ***, refused"],
    ["POST /token?password=hunter2&service=x", "POST /token?password=***&service=x"],
    ["refresh_token=abc.def&scope=y", "refresh_token=***&scope=y"],
    ['{"access_token":"abc\\"d","token": "x"}', '{"access_token":"***","token": "***"}'],
    ['{"auths":{"r":{"auth":"dTpw"}}}', '{"auths":{"r":{"auth":"***"}}}'],
    ["Get https://user:pa%20ss@reg.example/v2/: refused", "Get https://***@reg.example/v2/: refused"],
  ];
  for (const [text, masked] of secrets) {
    test(masked, () => {
      expect(redact(text)).toBe(masked);
      const line = logged(false, (log) => log.error(text, { detail: text }));
      for (const part of ["eyJ", "dXNl", "abc", "hunter2", "dTpw", "pa%20ss"]) {
        if (text.includes(part)) expect(line).not.toContain(part);
      }
    });
  }

  const harmless: readonly string[] = [
    "password must be specified when username is specified",
    "invalid username/password: unauthorized: incorrect username or password",
    "copying docker://busybox:1@sha256:0b6c8cd7 to docker://u@x",
    "unable to retrieve auth token: invalid token",
    'Www-Authenticate: Bearer realm="https://auth.example/token",service="reg.example"',
    "Basic authentication is required",
    "flag needs an argument: --src-password",
  ];
  for (const text of harmless) {
    test(`but "${text}" is`, () => {
      expect(redact(text)).toBe(text);
    });
  }
});
