import * as v from "valibot";
import type { OperationOptions } from "../core/byte-stream.ts";
import type { Credentials } from "../core/credentials.ts";
import { ImageError } from "../core/errors.ts";
import { foldKeys, TableSchema } from "./fold-keys.ts";
import type { Environment } from "./locations.ts";

/** What a credential helper can be asked to do; it is the only argument of its program. */
export type HelperAction = "get" | "store" | "erase" | "list";

export interface HelperOptions extends OperationOptions {
  readonly environment: Environment;
  /** How long a helper may take, in milliseconds: it may have to ask its user. */
  readonly timeout?: number | undefined;
}

const DEFAULT_TIMEOUT = 120_000;
/** How long the output of a helper that has ended is waited for: what it has started may keep it open. Milliseconds. */
const LAST_WORDS = 1000;
/** No helper has more to say; in characters. */
const OUTPUT_LIMIT = 1024 * 1024;
const NOT_FOUND = "credentials not found in native keychain";

const AnswerSchema = v.pipe(
  TableSchema,
  v.transform((answer) => foldKeys(answer, ["Username", "Secret"])),
  v.object({ Username: v.nullish(v.string(), ""), Secret: v.nullish(v.string(), "") }),
);

/**
 * What the helper `docker-credential-<name>` knows of a registry, `host[:port]`; undefined when it knows nothing.
 * Registry-and-config reference 11.3.
 * @throws {ImageError} UNAUTHORIZED when the helper cannot be asked or fails
 */
export async function getFromHelper(
  name: string,
  registry: string,
  options: HelperOptions,
): Promise<Credentials | undefined> {
  const outcome = await runHelper(name, "get", registry, options);
  if (outcome.failure !== undefined) {
    if (outcome.output.trim() === NOT_FOUND) return undefined;
    throw helperFailure(outcome.failure, printable(outcome.output));
  }
  const answer = parseAnswer(name, outcome.output);
  if (answer.Username === "<token>") return { username: "", password: "", identityToken: answer.Secret };
  return { username: answer.Username, password: answer.Secret };
}

/** How a helper ended. */
export interface HelperOutcome {
  /** Its standard output: the answer, or the reason of a failure. May hold secrets. */
  readonly output: string;
  /** `exit status 1`, `signal: SIGKILL`; undefined after success. */
  readonly failure: string | undefined;
}

/**
 * Runs the program of a helper with `input` on its standard input; its standard error is shown to the user.
 * An abort ends the program and rejects with the signal's reason.
 * @throws {ImageError} UNAUTHORIZED when it cannot be started, takes too long or says too much
 */
export async function runHelper(
  name: string,
  action: HelperAction,
  input: string,
  options: HelperOptions,
): Promise<HelperOutcome> {
  const program = `docker-credential-${name}`;
  if (/[/\\\0]/.test(name)) throw helperFailure(`exec: ${JSON.stringify(program)}: invalid name`);
  const { spawn } = await import("node:child_process");
  options.signal?.throwIfAborted();
  const timeout = options.timeout ?? DEFAULT_TIMEOUT;
  return new Promise((resolve, reject) => {
    const child = spawn(program, [action], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...options.environment.env },
      windowsHide: true,
    });
    const stop = (reason: unknown): void => {
      finish();
      child.kill("SIGKILL");
      reject(reason);
    };
    const onAbort = (): void => stop(options.signal?.reason);
    const timer = setTimeout(() => stop(helperFailure(`no answer within ${timeout / 1000} s`)), timeout);
    let lastWords: ReturnType<typeof setTimeout> | undefined;
    const finish = (): void => {
      clearTimeout(timer);
      clearTimeout(lastWords);
      options.signal?.removeEventListener("abort", onAbort);
    };
    options.signal?.addEventListener("abort", onAbort, { once: true });

    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (output.length > OUTPUT_LIMIT) stop(helperFailure(`answer of more than ${OUTPUT_LIMIT} characters`));
    });
    child.on("error", (error) => {
      finish();
      reject(helperFailure(startFailure(program, error), "", error));
    });
    const end = (status: number | null, signal: NodeJS.Signals | null): void => {
      finish();
      child.stdout.destroy();
      resolve({ output, failure: describeEnd(status, signal) });
    };
    child.on("exit", (status, signal) => {
      lastWords = setTimeout(() => end(status, signal), LAST_WORDS);
    });
    child.on("close", end);
    // A helper may end without reading what it is asked; its end says all there is to know.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}

function describeEnd(status: number | null, signal: NodeJS.Signals | null): string | undefined {
  if (status === 0) return undefined;
  return status === null ? `signal: ${signal}` : `exit status ${status}`;
}

function startFailure(program: string, error: Error): string {
  const code = "code" in error ? error.code : undefined;
  const reason =
    code === "ENOENT" ? "executable file not found in $PATH" : String(code ?? "cannot be started");
  return `exec: ${JSON.stringify(program)}: ${reason}`;
}

function parseAnswer(name: string, output: string): v.InferOutput<typeof AnswerSchema> {
  let value: unknown;
  try {
    value = JSON.parse(output);
  } catch {
    // The parser's error would quote the output, which may hold the secret.
    throw helperFailure(`the answer of docker-credential-${name} is not JSON`);
  }
  const result = v.safeParse(AnswerSchema, value ?? {});
  if (result.success) return result.output;
  throw helperFailure(`the answer of docker-credential-${name} has an unexpected form`);
}

/** A failed helper says why in plain words; what looks like data might be credentials. */
function printable(output: string): string {
  const text = output.trim();
  return /^[{["]/.test(text) ? "(withheld)" : text;
}

function helperFailure(reason: string, output: string = "", cause?: unknown): ImageError {
  return new ImageError("UNAUTHORIZED", `error getting credentials - err: ${reason}, out: \`${output}\``, {
    cause,
  });
}
