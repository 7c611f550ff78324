/**
 * Copies images among registries that misbehave at random, for as long as is asked, and checks every byte that arrives:
 * `npm run chaos -- --minutes 10 --seed 42`. A round that goes wrong is repeated by its seed.
 */
import { parseArgs } from "node:util";
import { runChaos } from "../test/chaos/chaos.ts";

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "1" }, seed: { type: "string" } },
});
const minutes = Number(values.minutes);
const firstSeed = Number(values.seed ?? process.env.CHAOS_SEED ?? Math.floor(Math.random() * 1e9));
if (!(minutes > 0) || !Number.isInteger(firstSeed)) {
  console.error("usage: bun scripts/chaos.ts [--minutes N] [--seed S]");
  process.exit(2);
}
const end = performance.now() + minutes * 60_000;
const faults = new Map<string, number>();
const sums = { rounds: 0, copied: 0, failed: 0, retried: 0, violations: 0 };
console.log(`seed ${firstSeed}`);
for (let seed = firstSeed; performance.now() < end; seed += 10) {
  const figures = await runChaos({ seed, images: 10, share: 0.1 });
  sums.rounds++;
  sums.copied += figures.copied;
  sums.failed += figures.failed;
  sums.retried += figures.retried;
  sums.violations += figures.violations.length;
  for (const [name, count] of figures.faults) faults.set(name, (faults.get(name) ?? 0) + count);
  for (const violation of figures.violations) console.error(`seed ${seed}: ${violation}`);
}
for (const [name, count] of [...faults].toSorted(([, a], [, b]) => b - a))
  console.log(`${String(count).padStart(6)}  ${name}`);
console.log(
  `${sums.rounds} rounds: ${sums.copied} images copied, ${sums.failed} failed and absent, ${sums.retried} retried, ` +
    `${[...faults.values()].reduce((sum, count) => sum + count, 0)} faults, ${sums.violations} violations`,
);
process.exit(sums.violations === 0 ? 0 : 1);
