import { read as readDescriptor } from "node:fs";
import { ImageError } from "../core/errors.ts";
import type { Output } from "./output.ts";

const STDIN = 0;

/** Where a user is asked. */
export interface Dialogue {
  readonly stdout: Output;
  readonly signal: AbortSignal;
}

/** Shows `question` and reads one line from standard input. @throws {ImageError} at the end of the input */
export async function askLine({ stdout, signal }: Dialogue, question: string): Promise<string> {
  stdout.write(question);
  const bytes: number[] = [];
  for (;;) {
    // One byte at a time: what follows the line belongs to the next question.
    const byte = await readByte(signal);
    if (byte === undefined && bytes.length === 0) throw new ImageError("UNAUTHORIZED", "EOF");
    if (byte === undefined || byte === NEWLINE) return Buffer.from(bytes).toString("utf8").trim();
    bytes.push(byte);
  }
}

function readByte(signal: AbortSignal): Promise<number | undefined> {
  const buffer = new Uint8Array(1);
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    readDescriptor(STDIN, buffer, 0, 1, null, (error, count) => {
      signal.removeEventListener("abort", onAbort);
      if (error !== null && error.code !== "EOF") reject(error);
      else resolve(count === 0 ? undefined : buffer[0]);
    });
  });
}

/** Shows `question` and reads a secret from the terminal without showing it. @throws {ImageError} without a terminal */
export async function askSecret({ stdout, signal }: Dialogue, question: string): Promise<string> {
  stdout.write(question);
  const { stdin } = process;
  if (!stdin.isTTY) throw new ImageError("UNAUTHORIZED", "inappropriate ioctl for device");
  stdin.setRawMode(true);
  stdin.resume();
  try {
    return await readSecret(stdin, signal);
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stdout.write("\n");
  }
}

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const INTERRUPT = 0x03;
const END_OF_INPUT = 0x04;
const BACKSPACES: ReadonlySet<number> = new Set([0x08, 0x7f]);

/** In raw mode the terminal's own keys are ours to handle. */
function readSecret(stdin: NodeJS.ReadStream, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const bytes: number[] = [];
    const finish = (settle: () => void): void => {
      stdin.off("data", onData);
      signal.removeEventListener("abort", onAbort);
      settle();
    };
    const onAbort = (): void => finish(() => reject(signal.reason));
    const onData = (chunk: Buffer): void => {
      for (const byte of chunk) {
        if (byte === NEWLINE || byte === RETURN || byte === END_OF_INPUT) {
          finish(() => resolve(Buffer.from(bytes).toString("utf8")));
          return;
        }
        if (byte === INTERRUPT) process.kill(process.pid, "SIGINT");
        else if (BACKSPACES.has(byte)) removeLast(bytes);
        else bytes.push(byte);
      }
    };
    signal.addEventListener("abort", onAbort, { once: true });
    stdin.on("data", onData);
  });
}

/** One character, which may be several bytes of UTF-8. */
function removeLast(bytes: number[]): void {
  while (bytes.length > 0 && ((bytes.pop() ?? 0) & 0xc0) === 0x80);
}

/** All of standard input as text. */
export async function readAllInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}
