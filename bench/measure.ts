import { readFileSync } from "node:fs";

/** One run of a program: wall time in milliseconds, peak resident memory in MB. */
export interface Measurement {
  readonly milliseconds: number;
  readonly peakMegabytes: number;
}

/** Runs a program to its end. @throws when it fails: a wrong result is no fast result */
export async function measure(command: readonly string[]): Promise<Measurement> {
  const start = performance.now();
  const child = Bun.spawn([...command], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    env: process.env,
  });
  const stderr = new Response(child.stderr).text();
  const exitCode = await child.exited;
  const milliseconds = performance.now() - start;
  if (exitCode !== 0) throw new Error(`${command.join(" ")} ended with ${exitCode}: ${await stderr}`);
  return { milliseconds, peakMegabytes: (child.resourceUsage()?.maxRSS ?? 0) / 1_000_000 };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] =
    sorted.length % 2 === 0 ? sorted.slice(middle - 1, middle + 1) : [sorted[middle], sorted[middle]];
  return (low + high) / 2;
}

/** The processor's name and the number of cores. */
export function describeMachine(): string {
  const model =
    /^model name\s*:\s*(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "unknown processor";
  return `${model}, ${navigator.hardwareConcurrency} cores, ${process.platform} ${process.arch}`;
}
