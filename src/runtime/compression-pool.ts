import { availableParallelism } from "node:os";
import { type BlockCompression, compressBlock } from "./compress-block.ts";
import type { CompressionJob, CompressionResult } from "./compression-worker.ts";

/** More threads than this would wait for the bytes to come. */
const MOST_WORKERS = 8;

interface PoolWorker {
  readonly compress: (job: CompressionJob) => Promise<CompressionResult>;
  /** Jobs sent and not answered yet. */
  pending: number;
}

let workers: Promise<readonly PoolWorker[]> | undefined;

/** How many blocks it takes to keep all threads busy. */
export function compressionParallelism(): number {
  return Math.min(availableParallelism(), MOST_WORKERS);
}

/**
 * Compresses a block in the least busy of this process's worker threads, which start with the first block and do not
 * keep the process alive. The block's memory moves to the thread and comes back with the answer. Where threads can't be
 * started, the block is compressed here and now.
 */
export async function compressInWorker(
  block: Uint8Array<ArrayBuffer>,
  compression: BlockCompression,
): Promise<CompressionResult> {
  workers ??= startWorkers();
  const [first, ...others] = await workers;
  if (first === undefined) return { compressed: compressBlock(block, compression), memory: block.buffer };
  const worker = others.reduce((least, other) => (other.pending < least.pending ? other : least), first);
  return await worker.compress({ block, ...compression });
}

async function startWorkers(): Promise<readonly PoolWorker[]> {
  const started = await Promise.all(Array.from({ length: compressionParallelism() }, startWorker));
  return started.filter((worker) => worker !== undefined);
}

/** The worker's file has the extension that this one has: `.ts` as written, `.js` when published. */
function workerFile(): URL {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return new URL(`./compression-worker.${extension}`, import.meta.url);
}

async function startWorker(): Promise<PoolWorker | undefined> {
  const { Worker } = await import("node:worker_threads");
  const thread = new Worker(workerFile());
  const waiting: { resolve: (result: CompressionResult) => void; reject: (error: unknown) => void }[] = [];
  const isOnline = await new Promise<boolean>((resolve) => {
    thread.once("online", () => resolve(true));
    thread.once("error", () => resolve(false));
  });
  if (!isOnline) return undefined;
  const worker: PoolWorker = {
    pending: 0,
    compress: (job) => {
      worker.pending++;
      thread.ref();
      thread.postMessage(job, [job.block.buffer]);
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
  };
  thread.on("message", (result: CompressionResult) => {
    if (--worker.pending === 0) thread.unref();
    waiting.shift()?.resolve(result);
  });
  thread.on("error", (error) => {
    for (const { reject } of waiting.splice(0)) reject(error);
  });
  // Not before the thread is there, or a process with nothing else to wait for would end without its first block; and
  // not before the listeners, each of which keeps the process alive again.
  thread.unref();
  return worker;
}
