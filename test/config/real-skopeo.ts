import { spawn } from "node:child_process";
import { newestSkopeo } from "../support/peers.ts";

/** Real skopeo of the release whose messages are the reference, where there is one. */
export const realSkopeo: string | undefined = newestSkopeo?.version.startsWith("1.22.")
  ? newestSkopeo.path
  : undefined;

/** What a run of real skopeo logged. */
export interface RealRun {
  /** The text of the error that ended the run; "" after success. */
  readonly fatal: string;
  readonly warnings: readonly string[];
}

/** Runs real skopeo with nothing in its environment but `env`. */
export async function runRealSkopeo(
  parameters: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RealRun> {
  const child = spawn(realSkopeo ?? "", parameters, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: process.env.PATH ?? "", ...env },
  });
  let log = "";
  for await (const text of child.stderr.setEncoding("utf8")) log += text;
  return { fatal: messages(log, "fatal")[0] ?? "", warnings: messages(log, "warning") };
}

function messages(log: string, level: string): string[] {
  const records = log.matchAll(new RegExp(`level=${level} msg=("(?:[^"\\\\]|\\\\.)*"|\\S+)`, "g"));
  return [...records].map(([, message = ""]) => (message.startsWith('"') ? unquote(message) : message));
}

function unquote(text: string): string {
  const value: unknown = JSON.parse(text.replaceAll("\\x", "\\u00"));
  return typeof value === "string" ? value : "";
}
