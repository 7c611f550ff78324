import { spawnSync } from "node:child_process";
import { newestSkopeo } from "../support/peers.ts";
import { logMessages } from "./capture.ts";

/** Real skopeo of the release whose messages are the reference, where there is one. */
export const realSkopeo: string | undefined = newestSkopeo?.version.startsWith("1.22.")
  ? newestSkopeo.path
  : undefined;

export interface RealRun {
  readonly exitCode: number | null;
  readonly stdout: string;
  /** The text of the error that ended the run; "" after success. */
  readonly fatal: string;
  readonly warnings: readonly string[];
}

export function runRealSkopeo(words: readonly string[]): RealRun {
  const { status, stdout, stderr } = spawnSync(realSkopeo ?? "", words, { encoding: "utf8", input: "" });
  return {
    exitCode: status,
    stdout,
    fatal: logMessages(stderr, "fatal")[0] ?? "",
    warnings: logMessages(stderr, "warning"),
  };
}
