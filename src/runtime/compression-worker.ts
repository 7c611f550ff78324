import { parentPort } from "node:worker_threads";
import { type BlockCompression, compressBlock } from "./compress-block.ts";

/** What a worker thread is asked: to compress a block. It answers in the order of the questions. */
export interface CompressionJob extends BlockCompression {
  readonly block: Uint8Array<ArrayBuffer>;
}

parentPort?.on("message", ({ block, format, level }: CompressionJob) => {
  parentPort?.postMessage(compressBlock(block, { format, level }));
});
