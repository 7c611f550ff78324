import { parentPort } from "node:worker_threads";
import { type BlockCompression, compressBlock } from "./compress-block.ts";

/** What a worker thread is asked: to compress a block. It answers in the order of the questions. */
export interface CompressionJob extends BlockCompression {
  readonly block: Uint8Array<ArrayBuffer>;
}

/** The answer, with the memory of the block, to be used again. */
export interface CompressionResult {
  readonly compressed: Uint8Array;
  readonly memory: ArrayBuffer;
}

parentPort?.on("message", ({ block, format, level }: CompressionJob) => {
  const compressed = compressBlock(block, { format, level });
  const result: CompressionResult = { compressed, memory: block.buffer };
  parentPort?.postMessage(result, [block.buffer]);
});
