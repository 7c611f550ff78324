import { describe, expect, test } from "bun:test";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { VERSION } from "../../src/version.ts";
import { logMessages } from "../support/log-messages.ts";

const slowProgram = join(import.meta.dir, "slow-program.ts");
const bin = join(import.meta.dir, "../../src/cli/bin.ts");

/** Starts the test program and waits until its command says that it runs. */
async function start(
  ...words: readonly string[]
): Promise<ChildProcess & { output(): string; log(): string }> {
  const child = spawn(process.execPath, [slowProgram, ...words], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let log = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  child.stderr.on("data", (chunk) => {
    log += chunk;
  });
  while (!output.includes("waiting")) await Bun.sleep(5);
  return Object.assign(child, { output: () => output, log: () => log });
}

describe("a signal", () => {
  for (const [signal, exitCode] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    test(`${signal} cancels the command, which cleans up, and gives exit code ${exitCode}`, async () => {
      const child = await start("wait");
      child.kill(signal);
      const [code] = await once(child, "close");
      expect(code).toBe(exitCode);
      expect(child.output()).toEndWith("cleaned up\n");
      expect(logMessages(child.log(), "fatal")).toEqual([`interrupted by ${signal}`]);
    });
  }

  test("that comes a second time ends the process at once", async () => {
    const child = await start("stubborn");
    child.kill("SIGINT");
    await Bun.sleep(100);
    expect(child.exitCode).toBeNull();
    child.kill("SIGINT");
    const [code] = await once(child, "close");
    expect(code).toBe(130);
  });
});

test("a command timeout cancels the command, which cleans up, and gives exit code 1", async () => {
  const child = await start("--command-timeout=300ms", "wait");
  const [code] = await once(child, "close");
  expect(code).toBe(1);
  expect(child.output()).toEndWith("cleaned up\n");
  expect(logMessages(child.log(), "fatal")[0]).toEndWith("timeout of 300ms: context deadline exceeded");
});

test("output that nobody reads any more ends the program without a word", async () => {
  const child = spawn(process.execPath, [slowProgram, "talk"], { stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  child.stderr.on("data", (chunk) => {
    log += chunk;
  });
  child.stdout.once("data", () => child.stdout.destroy());
  const [code] = await once(child, "close");
  expect(code).toBe(141);
  expect(log).toBe("");
});

test("log lines that nobody reads do no harm", async () => {
  const child = spawn(process.execPath, [slowProgram, "nosuch"], { stdio: ["ignore", "pipe", "pipe"] });
  child.stderr.destroy();
  const [code] = await once(child, "close");
  expect(code).toBe(1);
});

test("every byte of a long output arrives, through a reader that dawdles", async () => {
  const input = crypto.getRandomValues(new Uint8Array(60_000));
  const long = Buffer.concat(Array.from({ length: 40 }, () => input));
  const child = spawn(process.execPath, [slowProgram, "echo"], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(long);
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout) {
    chunks.push(chunk);
    await Bun.sleep(1);
  }
  expect(Buffer.concat(chunks).equals(long)).toBe(true);
});

test("the version is printed without loading anything else", () => {
  const { stdout, status } = spawnSync(process.execPath, [bin, "--version"], { encoding: "utf8" });
  expect({ stdout, status }).toEqual({ stdout: `skopeo version ${VERSION}\n`, status: 0 });
});

test("the exit code of a failure is that of the process", () => {
  const { stderr, status } = spawnSync(process.execPath, [bin, "nosuch"], { encoding: "utf8" });
  expect(status).toBe(1);
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
});
