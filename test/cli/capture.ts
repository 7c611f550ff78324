import type { Command } from "../../src/cli/command.ts";
import type { CommandEntry } from "../../src/cli/command-table.ts";
import type { ErrorOutput, Output } from "../../src/cli/output.ts";
import { runProgram } from "../../src/cli/program.ts";
import { logMessages } from "../support/log-messages.ts";

/** What a run of the program left behind. */
export interface CapturedRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The messages of all log records of level `level`. */
  messages(level: string): readonly string[];
}

/** Runs the program in this process, with the given commands as its only ones. */
export async function runCaptured(
  words: readonly string[],
  commands: readonly CommandEntry[],
): Promise<CapturedRun> {
  const stdout = createCapture();
  const stderr = createCapture();
  const exitCode = await runProgram(words, { stdout, stderr, commands });
  return {
    exitCode,
    stdout: stdout.text,
    stderr: stderr.text,
    messages: (level) => logMessages(stderr.text, level),
  };
}

export function entryOf(command: Command): CommandEntry {
  return { name: command.name, summary: command.summary, load: async () => ({ command }) };
}

export interface Capture extends Output, ErrorOutput {
  text: string;
}

/** An output that keeps everything; not a terminal unless it is said to be one. */
export function createCapture(isTerminal: boolean = false): Capture {
  let writer: ((text: string) => void) | undefined;
  const capture: Capture = {
    text: "",
    isTerminal,
    write(data) {
      const text = typeof data === "string" ? data : new TextDecoder().decode(data);
      if (writer) writer(text);
      else capture.text += text;
    },
    redirect(redirected) {
      writer = redirected;
      return () => {
        writer = undefined;
      };
    },
  };
  return capture;
}
