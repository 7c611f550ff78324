import { lstat, lutimes, open, readFile, readlink, rename, rm, symlink } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { errorCode, isMissing, randomSuffix } from "./files.ts";

/** How long an untouched lock of an unknown holder is respected, in milliseconds; a live holder touches it more often. */
const STALE_AFTER = 30_000;
/** What systems and file systems say that have no symbolic links, or give them to some users only. */
const WITHOUT_LINKS: ReadonlySet<string> = new Set([
  "EPERM",
  "EACCES",
  "ENOSYS",
  "ENOTSUP",
  "EOPNOTSUPP",
  "EINVAL",
]);
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
    () => void lutimes(path, new Date(), new Date()).catch(() => undefined),
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

/**
 * A symbolic link is made with its content in one step, so that no lock is ever seen without the name of its holder. Where a file
 * system or an operating system does not have them, it is a file.
 */
async function tryLock(path: string): Promise<boolean> {
  const holder = `${process.pid} ${hostname()}`;
  try {
    await symlink(holder, path);
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    if (!WITHOUT_LINKS.has(errorCode(error) ?? "")) throw error;
  }
  return await tryLockByFile(path, holder);
}

async function tryLockByFile(path: string, holder: string): Promise<boolean> {
  try {
    const handle = await open(path, "wx", 0o644);
    try {
      await handle.writeFile(holder);
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}

/** Moves a dead holder's lock aside, so that of several waiters only one removes it and no live lock is lost. */
async function removeIfStale(path: string): Promise<void> {
  try {
    const { mtimeMs } = await lstat(path);
    const isStale = isDead(await readHolder(path)) || Date.now() - mtimeMs > STALE_AFTER;
    if (!isStale) return;
    const aside = `${path}.stale-${randomSuffix()}`;
    await rename(path, aside);
    await rm(aside, { force: true });
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

async function readHolder(path: string): Promise<string> {
  try {
    return await readlink(path);
  } catch (error) {
    if (errorCode(error) !== "EINVAL") throw error;
    return await readFile(path, "utf8");
  }
}

function isDead(holder: string): boolean {
  const [pid, host] = holder.trim().split(" ");
  if (pid === undefined || !/^\d+$/.test(pid) || host !== hostname()) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return errorCode(error) === "ESRCH";
  }
}
