import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getFromHelper, type HelperOptions, runHelper } from "../../src/config/credential-helper.ts";
import type { Credentials } from "../../src/core/credentials.ts";

const directory = mkdtempSync(join(tmpdir(), "credential-helper-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const options: HelperOptions = {
  environment: {
    env: { PATH: `${directory}:${process.env.PATH ?? ""}`, MARK: "seen" },
    home: directory,
    platform: "linux",
    uid: 1000,
  },
};

function helper(script: string): void {
  const path = join(directory, "docker-credential-t");
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}

const failed = (reason: string, output: string = ""): string =>
  `error getting credentials - err: ${reason}, out: \`${output}\``;

describe("asking a credential helper", () => {
  const answers: readonly [script: string, expected: Credentials | undefined][] = [
    [`echo '{"ServerURL":"s","Username":"u","Secret":"p"}'`, { username: "u", password: "p" }],
    [`echo '{"username":"u","SECRET":"p"}'`, { username: "u", password: "p" }],
    [`echo '{"Username":"u","Secret":"p"}'; echo noise >/dev/null`, { username: "u", password: "p" }],
    [`echo '{"Username":"<token>","Secret":"t"}'`, { username: "", password: "", identityToken: "t" }],
    [`echo '{"Username":"u"}'`, { username: "u", password: "" }],
    ["echo null", { username: "", password: "" }],
    ["echo credentials not found in native keychain; exit 1", undefined],
    ["echo '  credentials not found in native keychain  '; exit 1", undefined],
  ];
  for (const [script, expected] of answers) {
    test(`takes ${script}`, async () => {
      helper(script);
      expect(await getFromHelper("t", "h:5000", options)).toEqual(expected);
    });
  }

  const problems: readonly [script: string, message: string][] = [
    ["echo boom; exit 3", failed("exit status 3", "boom")],
    ["exit 1", failed("exit status 1")],
    [
      "echo credentials not found in native keychain, sorry; exit 1",
      failed("exit status 1", "credentials not found in native keychain, sorry"),
    ],
    ["kill -9 $$", failed("signal: SIGKILL")],
    ["true", failed("the answer of docker-credential-t is not JSON")],
    ["echo s3cret", failed("the answer of docker-credential-t is not JSON")],
    [
      `echo '{"Username":1,"Secret":"s3cret"}'`,
      failed("the answer of docker-credential-t has an unexpected form"),
    ],
    [`echo '"s3cret"'`, failed("the answer of docker-credential-t has an unexpected form")],
    [`echo '{"Username":"u","Secret":"s3cret"}'; exit 3`, failed("exit status 3", "(withheld)")],
    ["yes | head -c 3000000", failed("answer of more than 1048576 characters")],
  ];
  for (const [script, message] of problems) {
    test(`fails after ${script}, without telling a secret`, async () => {
      helper(script);
      await expect(getFromHelper("t", "h", options)).rejects.toMatchObject({ message, code: "UNAUTHORIZED" });
    });
  }

  test("fails when there is no such program", async () => {
    await expect(getFromHelper("nosuch", "h", options)).rejects.toThrow(
      failed('exec: "docker-credential-nosuch": executable file not found in $PATH'),
    );
  });

  test("runs no program outside of the search path", async () => {
    for (const name of ["../t", "a/b", "a\\b"]) {
      await expect(getFromHelper(name, "h", options)).rejects.toThrow("invalid name");
    }
  });

  test("gives the action, the input without a line break, and the environment", async () => {
    const seen = join(directory, "seen");
    helper(`printf '%s|' "$1" "$#" "$MARK" > "${seen}"; cat >> "${seen}"; echo '{}'`);
    expect(await runHelper("t", "store", '{"ServerURL":"h"}', options)).toEqual({
      output: "{}\n",
      failure: undefined,
    });
    expect(readFileSync(seen, "utf8")).toBe('store|1|seen|{"ServerURL":"h"}');
  });

  test("a helper that does not read what it is asked may answer all the same", async () => {
    helper("echo fine");
    expect((await runHelper("t", "list", "x".repeat(1_000_000), options)).output).toBe("fine\n");
  });

  test("one that has ended has answered, though what it has started goes on", async () => {
    helper(`sleep 20 & echo '{"Username":"u","Secret":"p"}'`);
    const start = Date.now();
    expect(await getFromHelper("t", "h", options)).toEqual({ username: "u", password: "p" });
    expect(Date.now() - start).toBeLessThan(10_000);
  });

  test("ends a helper that takes too long", async () => {
    helper("exec sleep 20");
    const start = Date.now();
    await expect(getFromHelper("t", "h", { ...options, timeout: 100 })).rejects.toThrow(
      failed("no answer within 0.1 s"),
    );
    expect(Date.now() - start).toBeLessThan(5000);
  });

  test("an abort ends it, also before it starts", async () => {
    helper(`echo ran >> "${directory}/ran"; exec sleep 20`);
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("enough")), 300);
    const { signal } = controller;
    await expect(getFromHelper("t", "h", { ...options, signal })).rejects.toThrow("enough");
    await expect(getFromHelper("t", "h", { ...options, signal })).rejects.toThrow("enough");
    expect(readFileSync(join(directory, "ran"), "utf8")).toBe("ran\n");
  });
});
