import { expect, test } from "bun:test";
import { ImageError } from "../../src/core/errors.ts";
import { retrying, sleep } from "../../src/core/retry.ts";

const passing = new ImageError("NETWORK_FAILURE", "broken", { transient: true });

test("tries again after failures that may pass, and tells each time", async () => {
  const told: number[] = [];
  let calls = 0;
  const policy = { times: 3, delay: 1, onRetry: ({ retry }: { retry: number }) => told.push(retry) };
  const result = await retrying(policy, async () => {
    if (++calls < 3) throw passing;
    return "done";
  });
  expect(result).toBe("done");
  expect(told).toEqual([1, 2]);
});

test("gives the last failure when all tries are used up", async () => {
  let calls = 0;
  const run = retrying({ times: 2, delay: 1 }, async () => {
    calls++;
    throw passing;
  });
  await expect(run).rejects.toBe(passing);
  expect(calls).toBe(3);
});

test("does not repeat what will fail again", async () => {
  let calls = 0;
  const run = retrying({ times: 5, delay: 1 }, async () => {
    calls++;
    throw new ImageError("UNAUTHORIZED", "no");
  });
  await expect(run).rejects.toThrow("no");
  expect(calls).toBe(1);
});

test("an abort ends the wait between tries", async () => {
  const controller = new AbortController();
  const run = retrying(
    { times: 1, delay: 60_000 },
    async () => {
      setTimeout(() => controller.abort(new Error("enough")), 5);
      throw passing;
    },
    { signal: controller.signal },
  );
  await expect(run).rejects.toThrow("enough");
});

test("sleeping with an aborted signal fails at once", async () => {
  await expect(sleep(60_000, { signal: AbortSignal.abort(new Error("before")) })).rejects.toThrow("before");
});
