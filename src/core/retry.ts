import type { OperationOptions } from "./byte-stream.ts";
import { ImageError, isAbort } from "./errors.ts";

/** How often and how patiently to try again. Times in milliseconds. */
export interface RetryPolicy {
  /** Tries after the first one; 0 means never again. */
  readonly times: number;
  /** The wait before each retry; without it 1 s, 2 s, 4 s and so on. */
  readonly delay?: number | undefined;
  /** Told before each wait. */
  readonly onRetry?:
    | ((attempt: { error: unknown; retry: number; times: number; delay: number }) => void)
    | undefined;
}

/** Runs `operation` again after a transient failure, waiting in between with up to a tenth of random extra. */
export async function retrying<T>(
  policy: RetryPolicy,
  operation: () => Promise<T>,
  options: OperationOptions = {},
): Promise<T> {
  for (let retry = 1; ; retry++) {
    try {
      return await operation();
    } catch (error) {
      if (retry > policy.times || isAbort(error) || !isTransient(error)) throw error;
      const delay = policy.delay || 1000 * 2 ** (retry - 1);
      policy.onRetry?.({ error, retry, times: policy.times, delay });
      await sleep(delay * (1 + Math.random() / 10), options);
    }
  }
}

/** Whether trying the same again may help. */
export function isTransient(error: unknown): boolean {
  return error instanceof ImageError && error.transient;
}

/** Waits `milliseconds`; an abort ends the wait with its reason. */
export function sleep(milliseconds: number, options: OperationOptions = {}): Promise<void> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
