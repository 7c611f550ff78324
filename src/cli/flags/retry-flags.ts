import { errorMessage } from "../../core/errors.ts";
import type { RetryPolicy } from "../../core/retry.ts";
import { formatDuration } from "../duration.ts";
import type { FlagTableOf, FlagValues } from "../flag.ts";
import type { Logger } from "../log.ts";

/** How often to try again. cli.md 3.2. */
export type RetryFlagTable = FlagTableOf<{ "retry-times": "integer"; "retry-delay": "duration" }>;

const group = "Retry";

export const retryFlags: RetryFlagTable = {
  "retry-times": {
    kind: "integer",
    isCommon: true,
    group,
    summary: "how often to try again after a failure that may pass (default 0)",
  },
  "retry-delay": {
    kind: "duration",
    group,
    summary: "wait this long before each retry (default 1s, 2s, 4s and so on)",
  },
};

/** The policy that the flags ask for; each retry is told as a warning. */
export function readRetryPolicy(flags: FlagValues<RetryFlagTable>, log: Logger): RetryPolicy {
  const delay = flags["retry-delay"];
  return {
    times: Math.max(0, flags["retry-times"]),
    ...(delay > 0 ? { delay } : {}),
    onRetry: ({ error, retry, times, delay }) => {
      const wait = formatDuration(delay);
      log.warn(`Failed, retrying in ${wait} ... (${retry}/${times}). Error: ${errorMessage(error)}`);
    },
  };
}
