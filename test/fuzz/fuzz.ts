import { expect } from "bun:test";
import fc from "fast-check";
import { ImageError } from "../../src/core/errors.ts";

/**
 * An ordinary run takes the same inputs each time, so that it fails for what was changed only. `FUZZ_RUNS=20` makes a long run
 * of it with new ones, and `FUZZ_SEED=1` repeats a run; a failure prints its seed.
 */
const FACTOR = Number(process.env.FUZZ_RUNS ?? "1");
const SEED: number | undefined = readSeed();

/** What one input may take, generously: the two cores of a busy machine can hold any input up. */
const PATIENCE_MS = 10_000;

const INNATE = Reflect.ownKeys(Object.prototype).length + Reflect.ownKeys(Array.prototype).length;

/** Words of failures that the runtime made, and that no user should have to read. */
const RUNTIME_WORDS =
  /(undefined|null) is not|is not a function|is not an object|Cannot (read properties|convert (undefined|object)|destructure)|Maximum call stack|Invalid array length|Out of memory|JSON Parse error|evaluating '|native code|\[object /i;

export interface FuzzOptions {
  /** Inputs in an ordinary run. */
  readonly runs?: number;
  /** Whether an error is one of the parser's documented ones; an `ImageError` always is. */
  readonly isRefusal?: (error: unknown) => boolean;
}

/**
 * Asserts that `parse` answers or refuses every input of `inputs`: with an `ImageError` worded by
 * the program, in time, and without a trace in the prototypes that everything shares.
 */
export async function answersOrRefuses<T>(
  inputs: fc.Arbitrary<T>,
  parse: (input: T) => unknown,
  { runs = 300, isRefusal = () => false }: FuzzOptions = {},
): Promise<void> {
  await holds(
    inputs,
    async (input) => {
      const start = performance.now();
      try {
        await parse(input);
      } catch (error) {
        if (!(error instanceof ImageError) && !isRefusal(error)) throw error;
        expect(error instanceof Error ? error.message : "").not.toMatch(RUNTIME_WORDS);
      }
      expect(performance.now() - start).toBeLessThan(PATIENCE_MS);
      expect(Reflect.ownKeys(Object.prototype).length + Reflect.ownKeys(Array.prototype).length).toBe(INNATE);
    },
    runs,
  );
}

/** Asserts `property` for `runs` inputs, times `FUZZ_RUNS`. */
export async function holds<T>(
  inputs: fc.Arbitrary<T>,
  property: (input: T) => unknown,
  runs = 300,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(inputs, async (input) => {
      await property(input);
    }),
    { numRuns: Math.ceil(runs * FACTOR), ...(SEED === undefined ? {} : { seed: SEED }) },
  );
}

function readSeed(): number | undefined {
  const { FUZZ_SEED, FUZZ_RUNS } = process.env;
  if (FUZZ_SEED !== undefined) return Number(FUZZ_SEED);
  return FUZZ_RUNS === undefined ? 1 : undefined;
}

/** What `parse` makes of an input; `undefined` if it refuses it. Failures of the runtime pass. */
export async function parsed<T>(parse: () => T): Promise<Awaited<T> | undefined> {
  try {
    return await parse();
  } catch (error) {
    if (error instanceof ImageError) return undefined;
    throw error;
  }
}
