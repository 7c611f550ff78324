import { logMessages } from "./log-messages.ts";
import { peerPath } from "./peers.ts";
import { run } from "./run.ts";

/** Real skopeo of the release whose messages are the reference, where there is one. */
export const realSkopeo: string | undefined = peerPath("skopeo 1.22");

/** How a run of real skopeo ended. */
export interface RealRun {
  readonly exitCode: number;
  readonly stdout: string;
  /** The text of the error that ended the run; "" after success. */
  readonly fatal: string;
  readonly warnings: readonly string[];
}

/** Runs `realSkopeo` without any configuration, but for what `env` leads to. */
export async function runRealSkopeo(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RealRun> {
  const { exitCode, stdout, stderr } = await run([realSkopeo ?? "", ...words], { env });
  return {
    exitCode,
    stdout,
    fatal: logMessages(stderr, "fatal")[0] ?? "",
    warnings: logMessages(stderr, "warning"),
  };
}
