import { expect, test } from "bun:test";
import { parseArguments } from "../../../src/cli/arguments.ts";
import { formatDuration } from "../../../src/cli/duration.ts";
import { completeFlagValues } from "../../../src/cli/flag-values.ts";
import { readRetryPolicy, retryFlags } from "../../../src/cli/flags/retry-flags.ts";
import { createLogger } from "../../../src/cli/log.ts";
import { ImageError } from "../../../src/core/errors.ts";
import { type RetryPolicy, retrying } from "../../../src/core/retry.ts";
import { logMessages } from "../../support/log-messages.ts";
import { type Capture, createCapture } from "../capture.ts";

function policyOf(words: readonly string[], capture: Capture = createCapture()): RetryPolicy {
  const flags = completeFlagValues(retryFlags, parseArguments(retryFlags, words).given);
  return readRetryPolicy(flags, createLogger(capture));
}

test("there are no retries unless they are asked for, and negative ones are none", () => {
  expect(policyOf([]).times).toBe(0);
  expect(policyOf(["--retry-times=-3"]).times).toBe(0);
  expect(policyOf(["--retry-times=2"]).times).toBe(2);
});

test("a delay of 0 leaves the growing one", () => {
  expect(policyOf(["--retry-delay=0"]).delay).toBeUndefined();
  expect(policyOf(["--retry-delay=250ms"]).delay).toBe(250);
});

test("each retry is told as a warning, with the wait, the count and the failure", async () => {
  const capture = createCapture();
  const policy = policyOf(["--retry-times=2", "--retry-delay=3ms"], capture);
  const failure = new ImageError("NETWORK_FAILURE", "connection reset", { transient: true });
  await expect(retrying(policy, () => Promise.reject(failure))).rejects.toBe(failure);
  expect(logMessages(capture.text, "warning")).toEqual([
    "Failed, retrying in 3ms ... (1/2). Error: connection reset",
    "Failed, retrying in 3ms ... (2/2). Error: connection reset",
  ]);
});

test("durations are written as in Go", () => {
  const cases: readonly (readonly [milliseconds: number, text: string])[] = [
    [0, "0s"],
    [0.25, "250µs"],
    [1.5, "1.5ms"],
    [300, "300ms"],
    [1000, "1s"],
    [1500, "1.5s"],
    [60_000, "1m0s"],
    [90_250, "1m30.25s"],
    [3_600_000, "1h0m0s"],
    [90_061_000, "25h1m1s"],
    [-1000, "-1s"],
  ];
  for (const [milliseconds, text] of cases) expect(formatDuration(milliseconds)).toBe(text);
});
