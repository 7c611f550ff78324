import { describe, expect, test } from "bun:test";
import { forEachLimited, Semaphore } from "../../src/core/limiter.ts";
import { sleep } from "../../src/core/retry.ts";

describe("forEachLimited", () => {
  test("runs at most so many at a time, and all of them", async () => {
    let running = 0;
    let most = 0;
    const done: number[] = [];
    await forEachLimited([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
      most = Math.max(most, ++running);
      await sleep(2);
      running--;
      done.push(item);
    });
    expect(most).toBe(3);
    expect(done.toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  test("the first failure aborts the others and waits for them", async () => {
    let ended = 0;
    const started: number[] = [];
    const run = forEachLimited([1, 2, 3, 4], 2, async (item, _, { signal }) => {
      started.push(item);
      try {
        if (item === 1) throw new Error("first");
        await sleep(60_000, { signal });
      } finally {
        ended++;
      }
    });
    await expect(run).rejects.toThrow("first");
    expect(ended).toBe(2);
    expect(started).toEqual([1, 2]);
  });

  test("an aborted caller gets its own reason", async () => {
    const controller = new AbortController();
    const run = forEachLimited([1], 1, (_, __, { signal }) => sleep(60_000, { signal }), {
      signal: controller.signal,
    });
    controller.abort(new Error("enough"));
    await expect(run).rejects.toThrow("enough");
  });
});

describe("Semaphore", () => {
  test("hands a freed place to the one that waited longest", async () => {
    const semaphore = new Semaphore(1);
    const release = await semaphore.acquire();
    const order: string[] = [];
    const first = semaphore.acquire().then((free) => {
      order.push("first");
      free();
    });
    const second = semaphore.acquire().then((free) => {
      order.push("second");
      free();
    });
    release();
    release();
    await Promise.all([first, second]);
    expect(order).toEqual(["first", "second"]);
  });

  test("a waiter that is aborted leaves the queue", async () => {
    const semaphore = new Semaphore(1);
    const release = await semaphore.acquire();
    const controller = new AbortController();
    const waiting = semaphore.acquire({ signal: controller.signal });
    controller.abort(new Error("gone"));
    await expect(waiting).rejects.toThrow("gone");
    release();
    expect(typeof (await semaphore.acquire())).toBe("function");
  });
});
