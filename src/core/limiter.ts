import type { OperationOptions } from "./byte-stream.ts";

/**
 * Runs `work` over `items`, at most `limit` at a time and in order of the items. The first failure aborts the
 * others, waits until they have ended, and is thrown: nothing is disposed under a running sibling.
 */
export async function forEachLimited<T>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number, options: { readonly signal: AbortSignal }) => Promise<void>,
  options: OperationOptions = {},
): Promise<void> {
  const controller = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, controller.signal]) : controller.signal;
  const failures: unknown[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (failures.length === 0 && !signal.aborted && next < items.length) {
      const index = next++;
      try {
        await work(items[index] as T, index, { signal });
      } catch (error) {
        failures.push(error);
        controller.abort();
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  options.signal?.throwIfAborted();
  if (failures.length > 0) throw failures[0];
}

/** Those who wait for their turn, in the order in which they came; an abort takes one out. */
export class WaitingLine {
  readonly #waiting: (() => void)[] = [];

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Resolves when it is the caller's turn; rejects with the signal's reason. */
  wait({ signal }: OperationOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        signal?.removeEventListener("abort", leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", leave, { once: true });
      this.#waiting.push(enter);
    });
  }

  /** Gives the first one its turn. Whether there was any. */
  admit(): boolean {
    const next = this.#waiting.shift();
    next?.();
    return next !== undefined;
  }
}

/** A counting semaphore: `acquire` resolves with the function that gives the place back. */
export class Semaphore {
  #free: number;
  readonly #line = new WaitingLine();

  constructor(places: number) {
    this.#free = places;
  }

  async acquire(options: OperationOptions = {}): Promise<() => void> {
    options.signal?.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#line.wait(options);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      if (!this.#line.admit()) this.#free++;
    };
  }
}
