import { fstatSync, writeSync } from "node:fs";
import { terminalText } from "./terminal-text.ts";

/** Somewhere text or bytes go at once. The descriptors are written directly: `process.stdout` costs 11 ms to load. */
export interface Output {
  write(data: string | Uint8Array): void;
}

/** Standard error, shared by log lines and progress. */
export interface ErrorOutput extends Output {
  readonly isTerminal: boolean;
  /** Hands everything written from now on to `writer`, for a live display that must not be written across. */
  redirect(writer: (text: string) => void): () => void;
}

/** Whoever read standard output has gone. The program ends without a word, as others do on SIGPIPE. */
export class BrokenPipeError extends Error {
  override readonly name = "BrokenPipeError";
}

const STDOUT = 1;
const STDERR = 2;
/** How long to wait for a reader of a full, non-blocking pipe between tries, in milliseconds. */
const FULL_PIPE_WAIT = 2;

/** Writes to standard output: bytes as they are, but to a terminal only what cannot harm it. @throws {BrokenPipeError} */
export const standardOutput: Output = {
  write: (data) => writeFully(STDOUT, isTerminalDescriptor(STDOUT) ? safeBytes(data) : bytesOf(data)),
};

function safeBytes(data: string | Uint8Array): Uint8Array {
  return bytesOf(terminalText(typeof data === "string" ? data : new TextDecoder().decode(data)));
}

/** Standard error of this process. What cannot be written because nobody reads it is dropped. */
export function createErrorOutput(): ErrorOutput {
  let redirected: ((text: string) => void) | undefined;
  let isTerminal: boolean | undefined;
  return {
    get isTerminal() {
      isTerminal ??= isTerminalDescriptor(STDERR);
      return isTerminal;
    },
    write(data) {
      if (redirected) redirected(typeof data === "string" ? data : new TextDecoder().decode(data));
      else writeIfRead(STDERR, bytesOf(data));
    },
    redirect(writer) {
      redirected = writer;
      return () => {
        redirected = undefined;
      };
    },
  };
}

/** Asks `node:tty`, which is slow to load, only about what may be a terminal at all. */
function isTerminalDescriptor(descriptor: number): boolean {
  try {
    if (!fstatSync(descriptor).isCharacterDevice()) return false;
  } catch {
    // The descriptor is closed.
    return false;
  }
  return process.getBuiltinModule("node:tty").isatty(descriptor);
}

function bytesOf(data: string | Uint8Array): Uint8Array {
  return typeof data === "string" ? new TextEncoder().encode(data) : data;
}

function writeIfRead(descriptor: number, bytes: Uint8Array): void {
  try {
    writeFully(descriptor, bytes);
  } catch (error) {
    if (!(error instanceof BrokenPipeError) && codeOf(error) !== "EBADF") throw error;
  }
}

function writeFully(descriptor: number, bytes: Uint8Array): void {
  for (let offset = 0; offset < bytes.length; ) {
    try {
      offset += writeSync(descriptor, bytes, offset);
    } catch (error) {
      if (codeOf(error) === "EPIPE") throw new BrokenPipeError("broken pipe", { cause: error });
      if (codeOf(error) !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_PIPE_WAIT);
    }
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
