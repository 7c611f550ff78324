/** How fast is ours beside skopeo, crane and oras? Whole processes, in turn, medians. `--only NAME`, `--runs N`. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startDockerRegistry } from "../test/support/docker-registry.ts";
import { buildImage, temporary, writeLayout } from "../test/support/images.ts";
import { findProgram, newestSkopeo } from "../test/support/peers.ts";
import { mustRun } from "../test/support/run.ts";
import { CASES, type Case, type Stage, type Tool } from "./cases.ts";
import { startDelayProxy } from "./delay-proxy.ts";
import { describeMachine, type Measurement, measure, median } from "./measure.ts";

const ROUND_TRIP = 40;
const MB = 1_000_000;
const { values } = parseArgs({
  options: { only: { type: "string", multiple: true }, runs: { type: "string" } },
});
const ours = join(import.meta.dir, "..", "dist", "skopeo");
const programs: readonly (readonly [Tool, string | undefined])[] = [
  ["ours", ours],
  ["skopeo", newestSkopeo?.path],
  ["crane", findProgram("crane")],
  ["oras", findProgram("oras")],
];
const tools = programs.flatMap(([tool, path]) => (path === undefined ? [] : [{ tool, path }]));
const cases = CASES.filter(({ name }) => values.only === undefined || values.only.includes(name));

await using near = await startDockerRegistry();
await using target = await startDockerRegistry();
await using farSource = await startDelayProxy(near.host, ROUND_TRIP);
await using farTarget = await startDelayProxy(target.host, ROUND_TRIP);
const stage: Stage = {
  source: near.host,
  target: target.host,
  farSource,
  farTarget,
  bigLayout: temporary("big"),
};
await fill(stage);

console.log(`${describeMachine()}\n${await versions()}\n`);
console.log(`| work | goal | ${tools.map(({ tool }) => tool).join(" | ")} | ratio to skopeo |`);
console.log(`|---|---|${tools.map(() => "---|").join("")}---|`);
const results: Record<string, unknown>[] = [];
for (const benchmark of cases) results.push(await compare(benchmark));
const folder = join(import.meta.dir, "results");
mkdirSync(folder, { recursive: true });
writeFileSync(
  join(folder, `${new Date().toISOString().slice(0, 10)}.json`),
  JSON.stringify(results, null, 2),
);
rmSync(stage.bigLayout, { recursive: true, force: true });

/** The images that the cases need, pushed by our own command. */
async function fill({ source, bigLayout }: Stage): Promise<void> {
  const images: [name: string, tags: number, layers: readonly number[]][] = [
    ["small", 1, [1000, 1000]],
    ["tags", 60, [1000]],
    ["many", 1, Array.from({ length: 24 }, () => 300_000)],
    ["big", 1, Array.from({ length: 4 }, () => 60 * MB)],
  ];
  if (cases.some(({ name }) => name === "memory")) images.push(["huge", 1, [1000 * MB]]);
  for (const [name, tags, layers] of images) {
    const layout = name === "big" ? bigLayout : temporary(name);
    writeLayout({ latest: buildImage({ seed: name, layers }) }, layout);
    for (let tag = 1; tag <= tags; tag++) {
      await mustRun([
        ours,
        "copy",
        "-q",
        "--dest-tls-verify=false",
        `oci:${layout}:latest`,
        `docker://${source}/${name}:${tag}`,
      ]);
    }
    if (layout !== bigLayout) rmSync(layout, { recursive: true, force: true });
  }
}

async function compare(benchmark: Case): Promise<Record<string, unknown>> {
  const runs = Number(values.runs ?? benchmark.runs);
  const found = new Map<Tool, { measurements: Measurement[]; requests: number }>();
  // Run 0 fills what a second run finds done, and warms caches; it does not count.
  for (let run = 0; run <= runs; run++) {
    for (const { tool, path } of tools) {
      const words = benchmark.command(tool, stage, run);
      if (words === undefined) continue;
      forgetBlobLocations();
      stage.farSource.reset();
      stage.farTarget.reset();
      const measurement = await measure([path, ...words]);
      const entry = found.get(tool) ?? { measurements: [], requests: 0 };
      if (run > 0 || runs === 0) entry.measurements.push(measurement);
      entry.requests = stage.farSource.requests() + stage.farTarget.requests();
      found.set(tool, entry);
    }
  }
  return report(benchmark, found);
}

/** Real skopeo remembers where it has seen blobs; a run must not profit from the one before. */
function forgetBlobLocations(): void {
  for (const path of [
    "/var/lib/containers/cache/blob-info-cache-v1.sqlite",
    `${process.env.HOME}/.local/share/containers/cache/blob-info-cache-v1.sqlite`,
  ]) {
    rmSync(path, { force: true });
  }
}

function report(
  benchmark: Case,
  found: ReadonlyMap<Tool, { measurements: readonly Measurement[]; requests: number }>,
): Record<string, unknown> {
  const isMemory = benchmark.compares === "memory";
  const value = (tool: Tool): number | undefined => {
    const measurements = found.get(tool)?.measurements;
    return (
      measurements && median(measurements.map((one) => (isMemory ? one.peakMegabytes : one.milliseconds)))
    );
  };
  const cell = (tool: Tool): string => {
    const number = value(tool);
    if (number === undefined) return "–";
    const requests = benchmark.countsRequests ? `, ${found.get(tool)?.requests} requests` : "";
    return `${number < 20 ? number.toFixed(1) : number.toFixed(0)} ${isMemory ? "MB" : "ms"}${requests}`;
  };
  const [mine, theirs] = [value("ours"), value("skopeo")];
  const ratio = mine === undefined || theirs === undefined ? undefined : mine / theirs;
  console.log(
    `| ${benchmark.title} | ${benchmark.goal} | ${tools.map(({ tool }) => cell(tool)).join(" | ")} | ${ratio?.toFixed(2) ?? "–"} |`,
  );
  return { name: benchmark.name, ratio, ...Object.fromEntries(tools.map(({ tool }) => [tool, value(tool)])) };
}

async function versions(): Promise<string> {
  const texts = await Promise.all(
    tools.map(async ({ tool, path }) => {
      const text = await mustRun([path, tool === "crane" || tool === "oras" ? "version" : "--version"]);
      return `${tool} ${/\d+\.\d+\.\d+/.exec(text)?.[0] ?? text.trim()}`;
    }),
  );
  return texts.join(", ");
}
