/**
 * How fast is ours beside skopeo, crane and oras? Whole processes, in turn, medians. `--only NAME` (repeatable) takes
 * some of the cases, `--runs N` another number of runs. A Markdown table goes to standard output, every figure to
 * `bench/results/`.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { findProgram, newestSkopeo } from "../test/support/peers.ts";
import { mustRun } from "../test/support/run.ts";
import { CASES, type Case, type Tool } from "./cases.ts";
import { describeMachine, type Measurement, measure } from "./measure.ts";
import {
  type CaseResults,
  isMet,
  ratioOf,
  type ToolResult,
  tableHead,
  tableRow,
  trafficTable,
} from "./report.ts";
import { type Stage, startStage } from "./stage.ts";

const binary = process.env.SKOPEO_BINARY ?? join(import.meta.dir, "..", "dist", "skopeo");
const programs: readonly (readonly [Tool, string | undefined])[] = [
  ["skopeo", newestSkopeo?.path],
  ["ours", existsSync(binary) ? binary : undefined],
  ["crane", findProgram("crane")],
  ["oras", findProgram("oras")],
];
const paths = new Map(programs.flatMap(([tool, path]) => (path === undefined ? [] : [[tool, path]])));
const tools = [...paths.keys()];
for (const [tool, path] of programs) {
  if (path === undefined) console.error(`LEFT OUT, because it is missing: ${tool}`);
}

const { values } = parseArgs({
  options: { only: { type: "string", multiple: true }, runs: { type: "string" } },
});
const cases = chosenCases(values.only);
const images = new Set(cases.flatMap(({ image }) => (image === undefined ? [] : [image])));
await using stage = await startStage([...images]);

const header = `${describeMachine()}; Bun ${Bun.version}\n${await versions()}`;
console.log(`${header}\n\n${tableHead(tools)}`);
const all: (readonly [Case, CaseResults])[] = [];
for (const benchmark of cases) {
  const results = await compare(stage, benchmark, Number(values.runs ?? benchmark.runs));
  console.log(tableRow(benchmark, tools, results));
  all.push([benchmark, results]);
}
console.log(`\n${trafficTable(all, tools)}`);
save();

function chosenCases(names: readonly string[] | undefined): readonly Case[] {
  const unknown = names?.find((name) => !CASES.some((one) => one.name === name));
  if (unknown === undefined) return CASES.filter(({ name }) => names?.includes(name) ?? true);
  console.error(`no case "${unknown}"; there are ${CASES.map(({ name }) => name).join(", ")}`);
  process.exit(1);
}

/** Every tool does the work in every run, another one first each time. One that fails is left out of the case. */
async function compare(on: Stage, benchmark: Case, runs: number): Promise<CaseResults> {
  const results = new Map<Tool, ToolResult>();
  const taking = new Map(paths);
  // Run 0 warms caches and counts traffic through proxies; its time does not count.
  for (let run = 0; run <= runs; run++) {
    for (const [tool, path] of rotated([...taking], run)) {
      try {
        const outcome = await runOnce(on, benchmark, tool, path, run === 0);
        if (outcome === undefined) continue;
        const { measurements = [], traffic } = results.get(tool) ?? {};
        results.set(
          tool,
          run === 0
            ? { measurements, traffic: outcome.traffic }
            : { measurements: [...measurements, outcome.measurement], traffic },
        );
      } catch (error) {
        console.error(`${benchmark.name} FAILED: ${error instanceof Error ? error.message : error}`);
        process.exitCode = 1;
        taking.delete(tool);
        results.delete(tool);
      }
    }
  }
  return results;
}

function rotated<T>(list: readonly T[], by: number): readonly T[] {
  const start = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}

async function runOnce(
  on: Stage,
  { image, roundTrip, goal, isRepeated, command }: Case,
  tool: Tool,
  path: string,
  isCounted: boolean,
): Promise<{ measurement: Measurement; traffic: ToolResult["traffic"] } | undefined> {
  const watchesMemory = goal.megabytes !== undefined;
  await using place = await on.open({ image, roundTrip, isCounted });
  const words = command(tool, place);
  if (words === undefined) return undefined;
  if (isRepeated) await measure([path, ...words], false);
  place.resetTraffic();
  const measurement = await measure([path, ...words], watchesMemory);
  return { measurement, traffic: place.traffic() };
}

async function versions(): Promise<string> {
  const texts = await Promise.all(
    [...paths].map(async ([tool, path]) => {
      const text = await mustRun([path, tool === "crane" || tool === "oras" ? "version" : "--version"]);
      return `${tool} ${/\d+\.\d+\.\d+\S*/.exec(text)?.[0] ?? "(version unknown)"}`;
    }),
  );
  return texts.join(", ");
}

function save(): void {
  const folder = join(import.meta.dir, "results");
  mkdirSync(folder, { recursive: true });
  const entries = all.map(([benchmark, results]) => ({
    name: benchmark.name,
    goal: benchmark.goal,
    ratio: ratioOf(benchmark, results),
    isMet: isMet(benchmark, results),
    tools: Object.fromEntries(results),
  }));
  const time = new Date().toISOString();
  const path = join(folder, `${time.slice(0, 19).replaceAll(":", "")}.json`);
  writeFileSync(path, `${JSON.stringify({ time, header, cases: entries }, null, 2)}\n`);
}
