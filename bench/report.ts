import type { Case, Goal, Tool } from "./cases.ts";
import type { Traffic } from "./delay-proxy.ts";
import { type Measurement, median } from "./measure.ts";

/** What a tool did in a case. */
export interface ToolResult {
  readonly measurements: readonly Measurement[];
  /** Of one run that is not measured; undefined where there is no registry. */
  readonly traffic: Traffic | undefined;
}

export type CaseResults = ReadonlyMap<Tool, ToolResult>;

/** The value that a case compares, and how it is written. */
interface Figure {
  readonly value: number;
  readonly text: string;
}

export function tableHead(tools: readonly Tool[]): string {
  const names = tools.map((tool) => ` ${tool} |`).join("");
  return `| work | goal |${names} ratio | goal met |\n|---|---|${"---|".repeat(tools.length)}---|---|`;
}

/** A line for a case: medians of each tool, and ours in relation to real skopeo's. */
export function tableRow(benchmark: Case, tools: readonly Tool[], results: CaseResults): string {
  const cells = tools.map((tool) => figureOf(benchmark, results.get(tool))?.text ?? "–");
  const ratio = ratioOf(benchmark, results);
  const met = isMet(benchmark, results);
  const verdict = met === undefined ? "–" : met ? "yes" : "**no**";
  const words = [benchmark.title, goalText(benchmark.goal), ...cells, ratio?.toFixed(2) ?? "–", verdict];
  return `| ${words.join(" | ")} |`;
}

/** Requests and megabytes at the registries, of every case that has some. */
export function trafficTable(all: readonly (readonly [Case, CaseResults])[], tools: readonly Tool[]): string {
  const rows = all
    .filter(([benchmark]) => benchmark.image !== undefined)
    .map(([{ title }, results]) => {
      const cells = tools.map((tool) => {
        const traffic = results.get(tool)?.traffic;
        if (traffic === undefined) return "–";
        return `${traffic.requests}; ${megabytes(traffic.bytesFromServer)} / ${megabytes(traffic.bytesToServer)}`;
      });
      return `| ${[title, ...cells].join(" | ")} |`;
    });
  const head = `| requests; MB from / to registries | ${tools.join(" | ")} |\n|---|${"---|".repeat(tools.length)}`;
  return rows.length === 0 ? "" : [head, ...rows].join("\n");
}

/** The median of ours divided by that of real skopeo. */
export function ratioOf(benchmark: Case, results: CaseResults): number | undefined {
  const [mine, theirs] = [
    figureOf(benchmark, results.get("ours")),
    figureOf(benchmark, results.get("skopeo")),
  ];
  return mine && theirs && mine.value / theirs.value;
}

/** Undefined where ours, or what it is compared with, is missing. */
export function isMet(benchmark: Case, results: CaseResults): boolean | undefined {
  const mine = results.get("ours");
  const figure = figureOf(benchmark, mine);
  const ratio = ratioOf(benchmark, results);
  const { goal } = benchmark;
  if (figure === undefined || (goal.ratio !== undefined && ratio === undefined)) return undefined;
  return (
    (goal.ratio === undefined || (ratio ?? 0) <= goal.ratio) &&
    (goal.megabytes === undefined || figure.value <= goal.megabytes) &&
    (goal.requests === undefined || (mine?.traffic?.requests ?? 0) <= goal.requests)
  );
}

function figureOf({ goal }: Case, result: ToolResult | undefined): Figure | undefined {
  if (result === undefined || result.measurements.length === 0) return undefined;
  if (goal.megabytes !== undefined) {
    const value = Math.max(...result.measurements.map(({ peakMegabytes }) => peakMegabytes ?? 0));
    return { value, text: `${value.toFixed(0)} MB` };
  }
  const value = median(result.measurements.map(({ milliseconds }) => milliseconds));
  const requests = goal.requests === undefined ? "" : `, ${result.traffic?.requests} requests`;
  return { value, text: `${value.toFixed(value < 100 ? 1 : 0)} ms${requests}` };
}

function goalText({ ratio, requests, megabytes: limit }: Goal): string {
  return [
    ...(ratio === undefined ? [] : [`≤ ${ratio}`]),
    ...(requests === undefined ? [] : [`≤ ${requests} requests`]),
    ...(limit === undefined ? [] : [`≤ ${limit} MB`]),
  ].join(", ");
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(bytes < 10_000_000 ? 2 : 0);
}
