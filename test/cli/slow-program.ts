import { readSync } from "node:fs";
import { defineCommand } from "../../src/cli/command.ts";
import { createErrorOutput, standardOutput } from "../../src/cli/output.ts";
import { runProgram } from "../../src/cli/program.ts";
import { entryOf } from "./capture.ts";

/** A program for tests that run it as a process: one command waits, one never listens, one talks without end. */
const wait = defineCommand({
  name: "wait",
  synopsis: "",
  summary: "Wait until cancelled",
  flags: {},
  run: ({ signal, stdout }) =>
    new Promise((_, reject) => {
      const timer = setInterval(() => undefined, 1000);
      signal.addEventListener("abort", () => {
        clearInterval(timer);
        stdout.write("cleaned up\n");
        reject(signal.reason);
      });
      stdout.write("waiting\n");
    }),
});

const stubborn = defineCommand({
  name: "stubborn",
  synopsis: "",
  summary: "Wait for ever",
  flags: {},
  run: ({ stdout }) =>
    new Promise(() => {
      setInterval(() => undefined, 1000);
      stdout.write("waiting\n");
    }),
});

const talk = defineCommand({
  name: "talk",
  synopsis: "",
  summary: "Write until nobody reads",
  flags: {},
  async run({ stdout }) {
    for (;;) stdout.write("x".repeat(100_000));
  },
});

const echo = defineCommand({
  name: "echo",
  synopsis: "",
  summary: "Write what is read",
  flags: {},
  async run({ stdout }) {
    const buffer = new Uint8Array(100_000);
    for (let size = readSync(0, buffer); size > 0; size = readSync(0, buffer)) {
      stdout.write(buffer.subarray(0, size));
    }
  },
});

process.exitCode = await runProgram(process.argv.slice(2), {
  stdout: standardOutput,
  stderr: createErrorOutput(),
  commands: [wait, stubborn, talk, echo].map(entryOf),
});
