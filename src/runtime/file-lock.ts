import { open, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { isMissing, randomSuffix } from "./files.ts";

/** How long a lock without its holder's id is respected, in milliseconds; who is not killed over it writes that at once. */
const ANONYMOUS_STALE_AFTER = 2_000;
/** How long an untouched lock of an unknown holder is respected, in milliseconds; a live holder touches it more often. */
const STALE_AFTER = 30_000;
const TOUCH_EVERY = 5_000;
const POLL_EVERY = 25;

/**
 * Runs `work` while this process alone holds the lock file at `path`, waiting for other holders.
 * The lock of a process of this host that has died, or one that nobody has touched for half a minute, is taken over.
 */
export async function withFileLock<T>(
  path: string,
  work: () => Promise<T>,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<T> {
  while (!(await tryLock(path))) {
    options.signal?.throwIfAborted();
    await removeIfStale(path);
    await delay(POLL_EVERY * (0.5 + Math.random()), undefined, { signal: options.signal });
  }
  const touch = setInterval(
    () => void utimes(path, new Date(), new Date()).catch(() => undefined),
    TOUCH_EVERY,
  );
  try {
    return await work();
  } finally {
    clearInterval(touch);
    await rm(path, { force: true });
  }
}

/** As `withFileLock`, until the result is disposed. */
export async function holdFileLock(
  path: string,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<AsyncDisposable> {
  const released = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const holding = withFileLock(
    path,
    async () => {
      held.resolve();
      await released.promise;
    },
    options,
  );
  holding.catch(held.reject);
  await held.promise;
  return {
    async [Symbol.asyncDispose]() {
      released.resolve();
      await holding;
    },
  };
}

async function tryLock(path: string): Promise<boolean> {
  try {
    const handle = await open(path, "wx", 0o644);
    try {
      await handle.writeFile(`${process.pid} ${hostname()}\n`);
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** Moves a dead holder's lock aside, so that of several waiters only one removes it and no live lock is lost. */
async function removeIfStale(path: string): Promise<void> {
  try {
    const before = await stat(path);
    const holder = await readFile(path, "utf8");
    const patience = holder === "" ? ANONYMOUS_STALE_AFTER : STALE_AFTER;
    const isStale = isDead(holder) || Date.now() - before.mtimeMs > patience;
    if (!isStale) return;
    const aside = `${path}.stale-${randomSuffix()}`;
    await rename(path, aside);
    await rm(aside, { force: true });
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

function isDead(holder: string): boolean {
  const [pid, host] = holder.trim().split(" ");
  if (pid === undefined || !/^\d+$/.test(pid) || host !== hostname()) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ESRCH";
  }
}
