import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newestSkopeo } from "./peers.ts";

/** How a program ended, and what it wrote. */
export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What the program reads from standard input, which is empty otherwise. */
  readonly stdin?: string | Uint8Array;
  /** Milliseconds. */
  readonly timeout?: number;
}

const REPOSITORY = join(import.meta.dir, "..", "..");

/** Our command: the binary named by SKOPEO_BINARY, or else the sources. */
export const OURS: readonly string[] = process.env.SKOPEO_BINARY
  ? [process.env.SKOPEO_BINARY]
  : [process.execPath, join(REPOSITORY, "src", "cli", "bin.ts")];

/** A home without configuration, so that nothing of the machine's own reaches a test. */
const EMPTY_HOME = mkdtempSync(join(tmpdir(), "skopeo-test-home-"));

export async function runOurs(words: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return await run([...OURS, ...words], options);
}

/** Runs real skopeo, which needs to be told that it may do without a policy. @throws where there is none */
export async function runReal(words: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  if (newestSkopeo === undefined) throw new Error("skopeo is not installed");
  return await run([newestSkopeo.path, "--insecure-policy", ...words], options);
}

/** Starts our command without waiting for it. */
export function startOurs(
  words: readonly string[],
  options: RunOptions = {},
): Bun.Subprocess<Blob, "pipe", "pipe"> {
  return Bun.spawn([...OURS, ...words], {
    ...spawnOptions(options),
    stdout: "pipe",
    stderr: "pipe",
    stdin: new Blob([options.stdin ?? ""]),
  });
}

/** Runs a program to its end. @throws when it takes longer than its time */
export async function run(command: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const child = Bun.spawn([...command], {
    ...spawnOptions(options),
    stdout: "pipe",
    stderr: "pipe",
    stdin: options.stdin === undefined ? "ignore" : new Blob([options.stdin]),
    timeout: options.timeout ?? 60_000,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (child.signalCode === "SIGKILL") throw new Error(`${command.join(" ")} was killed\n${stderr}`);
  return { exitCode, stdout, stderr };
}

/** As `run`, for preparations that must succeed. */
export async function mustRun(command: readonly string[], options: RunOptions = {}): Promise<string> {
  const outcome = await run(command, options);
  if (outcome.exitCode === 0) return outcome.stdout;
  throw new Error(`${command.join(" ")} ended with ${outcome.exitCode}\n${outcome.stdout}${outcome.stderr}`);
}

/** The text of the one fatal record that a failed run ends with, but for the hint at its end. */
export function fatalMessage(outcome: Outcome): string {
  return fatalText(outcome).replace(/\nHint: .*$/, "");
}

/** What the fatal record of a failed run says to do next; "" without a hint. */
export function hintOf(outcome: Outcome): string {
  return /\nHint: (.*)$/.exec(fatalText(outcome))?.[1] ?? "";
}

function fatalText(outcome: Outcome): string {
  const lines = outcome.stderr.split("\n").filter((line) => line.includes("level=fatal"));
  const quoted = /msg=("(?:[^"\\]|\\.)*"|\S+)/.exec(lines.at(-1) ?? "")?.[1];
  if (lines.length !== 1 || quoted === undefined)
    throw new Error(`no single fatal record in:\n${outcome.stderr}`);
  return quoted.startsWith('"') ? String(JSON.parse(quoted)) : quoted;
}

function spawnOptions(options: RunOptions): { cwd?: string; env: Record<string, string> } {
  const env: Record<string, string> = {
    PATH: process.env.PATH ?? "",
    HOME: EMPTY_HOME,
    TZ: "UTC",
    XDG_RUNTIME_DIR: EMPTY_HOME,
    ...options.env,
  };
  return { env, ...(options.cwd === undefined ? {} : { cwd: options.cwd }) };
}
