import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";

const POOL = resolve(import.meta.dir, "../../src/runtime/compression-pool.ts");
const PROGRAM = `
const { compressInWorker } = await import(${JSON.stringify(POOL)});
const { compressed } = await compressInWorker(new Uint8Array(1000), { format: "gzip", level: 1 });
console.log(compressed.length > 0);
`;

describe("the pool of compressing threads", () => {
  for (const runtime of ["bun", "node"]) {
    test(`neither ends a program that waits for it nor keeps it alive, on ${runtime}`, async () => {
      const program = Bun.spawn(["npx", runtime, "--eval", PROGRAM], { timeout: 20_000, stderr: "ignore" });
      expect(await new Response(program.stdout).text()).toBe("true\n");
      expect(await program.exited).toBe(0);
    });
  }
});
