import { describe, expect, test } from "bun:test";
import { proxyFor } from "../../src/config/proxy.ts";
import { errorMessage, ImageError } from "../../src/core/errors.ts";

describe("choosing a proxy", () => {
  const chosen: readonly [env: Record<string, string>, url: string, proxy: string | undefined][] = [
    [{}, "https://a.example/", undefined],
    [{ HTTPS_PROXY: "http://p:3128" }, "https://a.example/", "http://p:3128/"],
    [{ HTTPS_PROXY: "http://p:3128" }, "http://a.example/", undefined],
    [{ HTTP_PROXY: "http://p:3128" }, "http://a.example/", "http://p:3128/"],
    [{ HTTP_PROXY: "http://p:3128" }, "https://a.example/", undefined],
    [{ https_proxy: "http://p:3128" }, "https://a.example/", "http://p:3128/"],
    [
      { HTTPS_PROXY: "http://upper:1", https_proxy: "http://lower:1" },
      "https://a.example/",
      "http://upper:1/",
    ],
    [{ HTTPS_PROXY: "", https_proxy: "http://lower:1" }, "https://a.example/", "http://lower:1/"],
    [{ ALL_PROXY: "http://p:1" }, "https://a.example/", undefined],
    [{ HTTPS_PROXY: "p:3128" }, "https://a.example/", "http://p:3128/"],
    [{ HTTPS_PROXY: "user:secret@p:3128" }, "https://a.example/", "http://user:secret@p:3128/"],
    [{ HTTPS_PROXY: "https://user:secret@p:3128" }, "https://a.example/", "https://user:secret@p:3128/"],
    [{ HTTPS_PROXY: "socks5://p:1080" }, "https://a.example/", "socks5://p:1080"],
    [{ HTTP_PROXY: "http://p:1", REQUEST_METHOD: "GET" }, "http://a.example/", undefined],
    [{ HTTPS_PROXY: "http://p:1", REQUEST_METHOD: "GET" }, "https://a.example/", "http://p:1/"],
  ];
  for (const [env, url, proxy] of chosen) {
    test(`${JSON.stringify(env)} for ${url}`, () => expect(proxyFor(url, env)).toBe(proxy));
  }

  test("a bad address is an error that does not quote it", () => {
    for (const value of [
      "http://user:secret@",
      "ftp://user:secret@p",
      "http://user:secret@p:port",
      "secret secret",
    ]) {
      try {
        expect(proxyFor("https://a.example/", { HTTPS_PROXY: value })).toBe("an error");
      } catch (error) {
        expect(error).toBeInstanceOf(ImageError);
        expect(errorMessage(error)).toBe("invalid proxy address in HTTPS_PROXY");
      }
    }
  });
});

describe("NO_PROXY", () => {
  const env = { HTTP_PROXY: "http://p:1", HTTPS_PROXY: "http://p:1" };
  /** Entries, hosts that they cover, and hosts that they do not. */
  const lists: readonly [entries: string, direct: readonly string[], proxied: readonly string[]][] = [
    [
      "",
      ["localhost", "127.0.0.1", "127.1.2.3", "[::1]", "[::ffff:127.0.0.1]", "LOCALHOST"],
      ["a.localhost", "10.0.0.1"],
    ],
    ["*", ["a.example", "10.0.0.1", "[fd00::1]"], []],
    ["b.example,*", ["a.example"], []],
    [
      "example.com",
      ["example.com", "a.example.com", "a.b.example.com"],
      ["badexample.com", "example.com.org"],
    ],
    [".example.com", ["a.example.com"], ["example.com", "badexample.com"]],
    ["*.example.com", ["a.example.com"], ["example.com"]],
    ["EXAMPLE.com", ["Example.COM"], []],
    [" a.example , , b.example ", ["a.example", "b.example"], ["c.example"]],
    ["example.com:8443", ["example.com:8443", "a.example.com:8443"], ["example.com", "example.com:443"]],
    ["example.com:443", ["example.com"], ["example.com:8443"]],
    [":443", [], ["example.com"]],
    ["10.0.0.1", ["10.0.0.1", "10.0.0.1:5000"], ["10.0.0.2", "a.example"]],
    ["10.0.0.1:5000", ["10.0.0.1:5000"], ["10.0.0.1"]],
    ["10.0.0.0/8", ["10.1.2.3", "10.255.0.1:5000"], ["11.0.0.1", "10.example"]],
    ["10.0.0.0/9", ["10.127.0.1"], ["10.128.0.1"]],
    ["10.0.0.1/32", ["10.0.0.1"], ["10.0.0.2"]],
    ["0.0.0.0/0", ["8.8.8.8"], ["[fd00::1]", "a.example"]],
    ["fd00::/8", ["[fd00::1]", "[fdff::1]:5000"], ["[fe00::1]", "10.0.0.1"]],
    ["fd00::1", ["[fd00::1]", "[fd00:0:0::1]:80"], ["[fd00::2]"]],
    ["[fd00::1]:5000", ["[fd00::1]:5000"], ["[fd00::1]"]],
    ["::ffff:10.0.0.1", ["10.0.0.1"], ["10.0.0.2"]],
    ["10.0.0.0/33,10.0.0/8,010.0.0.1", [], ["10.0.0.1"]],
  ];
  for (const [entries, direct, proxied] of lists) {
    for (const host of direct) {
      test(`"${entries}" covers ${host}`, () =>
        expect(proxyFor(`https://${host}/v2/`, { ...env, NO_PROXY: entries })).toBeUndefined());
    }
    for (const host of proxied) {
      test(`"${entries}" does not cover ${host}`, () =>
        expect(proxyFor(`https://${host}/v2/`, { ...env, NO_PROXY: entries })).toBe("http://p:1/"));
    }
  }

  test("counts ports of plain HTTP as 80", () => {
    expect(proxyFor("http://a.example/", { ...env, NO_PROXY: "a.example:80" })).toBeUndefined();
  });

  test("may be written in lower case", () => {
    expect(proxyFor("https://a.example/", { ...env, no_proxy: "a.example" })).toBeUndefined();
    expect(proxyFor("https://a.example/", { ...env, NO_PROXY: "b.example", no_proxy: "a.example" })).toBe(
      "http://p:1/",
    );
  });
});
