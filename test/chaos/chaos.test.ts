import { describe, expect, test } from "bun:test";
import { runChaos } from "./chaos.ts";

/** CHAOS_SEED=7 repeats one run. `scripts/chaos.ts` goes on for long. */
const chosen = Number(process.env.CHAOS_SEED ?? Number.NaN);
const seeds: readonly number[] = Number.isNaN(chosen) ? [1, 2, 3] : [chosen];

describe("among registries that misbehave at random, each image is complete or is reported and absent:", () => {
  for (const seed of seeds) {
    test(`seed ${seed}`, async () => {
      const { faults, copied, failed, violations } = await runChaos({ seed, images: 6, share: 0.08 });
      expect(violations).toEqual([]);
      expect(faults.size).toBeGreaterThan(3);
      expect(copied + failed).toBe(6 * 5);
      expect(copied).toBeGreaterThan(failed);
    });
  }
});
