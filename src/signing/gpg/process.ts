import type { OperationOptions } from "../../core/byte-stream.ts";
import { SigningError } from "../simple/signer.ts";

/** How gpg is run. */
export interface GpgOptions extends OperationOptions {
  /** The environment that gpg sees, of which GNUPGHOME and PATH matter most. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How long one run may take, in milliseconds: it may have to ask its user for a passphrase. */
  readonly timeout?: number | undefined;
  /** Another program to run, for systems where it has another name. */
  readonly program?: string | undefined;
}

/** How a run ended. */
export interface GpgOutcome {
  /** The exit status; undefined when a signal ended it. */
  readonly status: number | undefined;
  readonly output: Uint8Array;
  /** Messages and status lines. */
  readonly messages: string;
}

const DEFAULT_TIMEOUT = 300_000;
/** A keyring may be large; nothing else is. Bytes. */
const OUTPUT_LIMIT: number = 64 * 1024 * 1024;
const MESSAGE_LIMIT: number = 1024 * 1024;

/** User IDs are taken and told as they are here, whatever the locale. */
const BASIC_PARAMETERS: readonly string[] = [
  "--batch",
  "--no-tty",
  "--status-fd",
  "2",
  "--display-charset",
  "utf-8",
  "--utf8-strings",
];

/**
 * Runs gpg with `input` on its standard input. An abort ends it, and rejects with the signal's reason.
 * @throws {SigningError} no-gpg when there is no such program, timed-out, or failed
 */
export async function runGpg(
  parameters: readonly string[],
  input: Uint8Array,
  options: GpgOptions,
): Promise<GpgOutcome> {
  const { signal } = options;
  const program = options.program ?? "gpg";
  const timeout = options.timeout ?? DEFAULT_TIMEOUT;
  const { spawn } = await import("node:child_process");
  signal?.throwIfAborted();
  return await new Promise((resolve, reject) => {
    const child = spawn(program, [...BASIC_PARAMETERS, ...parameters], {
      // Its messages are looked for in what it says, so that they must not be translated.
      env: { ...options.env, LANGUAGE: "en" },
      stdio: ["pipe", "pipe", "pipe"],
      windowsHide: true,
    });
    const output = new Collected(OUTPUT_LIMIT);
    const messages = new Collected(MESSAGE_LIMIT);
    const stop = (reason: unknown): void => {
      finish();
      child.kill("SIGKILL");
      // What it has started may hold these open, and this process with them.
      for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe.destroy();
      child.unref();
      reject(reason);
    };
    const onAbort = (): void => stop(signal?.reason);
    const timer = setTimeout(
      () => stop(new SigningError("timed-out", `gpg: no answer within ${timeout / 1000} s`)),
      timeout,
    );
    const finish = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    const collectFrom = (collected: Collected) => (chunk: Uint8Array) => {
      if (!collected.add(chunk)) stop(new SigningError("failed", "gpg: it says too much"));
    };
    child.stdout.on("data", collectFrom(output));
    child.stderr.on("data", collectFrom(messages));
    child.on("error", (error) => {
      finish();
      reject(startFailure(program, error));
    });
    child.on("close", (status) => {
      finish();
      resolve({
        status: status ?? undefined,
        output: output.bytes(),
        messages: new TextDecoder().decode(messages.bytes()),
      });
    });
    // It may end without reading all; its end says all there is to know.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}

/** Bytes up to a limit. */
class Collected {
  readonly #limit: number;
  readonly #chunks: Uint8Array[] = [];
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** False once there is too much. */
  add(chunk: Uint8Array): boolean {
    this.#size += chunk.length;
    if (this.#size > this.#limit) return false;
    this.#chunks.push(chunk);
    return true;
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#chunks);
  }
}

function startFailure(program: string, error: Error): SigningError {
  const code = "code" in error ? error.code : undefined;
  const reason =
    code === "ENOENT" ? "executable file not found in $PATH" : String(code ?? "cannot be started");
  return new SigningError("no-gpg", `exec: ${JSON.stringify(program)}: ${reason}`, { cause: error });
}
