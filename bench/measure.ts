import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** One run of a program. */
export interface Measurement {
  readonly milliseconds: number;
  /** The most memory that it had resident, in MB; undefined where it was not asked for. */
  readonly peakMegabytes: number | undefined;
}

const POLL_MILLISECONDS = 4;
/** A home without configuration, so that every tool starts alike. */
const HOME = mkdtempSync(join(tmpdir(), "skopeo-bench-home-"));
process.on("exit", () => rmSync(HOME, { recursive: true, force: true }));

/** Runs a program to its end. @throws when it fails: a wrong result is no fast result */
export async function measure(command: readonly string[], watchesMemory: boolean): Promise<Measurement> {
  const start = performance.now();
  const child = Bun.spawn([...command], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    env: { PATH: process.env.PATH ?? "", HOME, TZ: "UTC" },
  });
  const peak = watchesMemory ? watchPeak(child) : undefined;
  const stderr = new Response(child.stderr).text();
  const exitCode = await child.exited;
  const milliseconds = performance.now() - start;
  if (exitCode !== 0) throw new Error(`${command.join(" ")} ended with ${exitCode}: ${await stderr}`);
  return { milliseconds, peakMegabytes: await peak };
}

/**
 * Follows the kernel's high-water mark of a process till it ends. What the kernel tells after the end would not do: it
 * counts in what the process had before it became another program, which is this one's size.
 */
async function watchPeak(child: Bun.Subprocess): Promise<number> {
  let kilobytes = 0;
  while (child.exitCode === null && child.signalCode === null) {
    kilobytes = Math.max(kilobytes, highWaterMark(child.pid));
    await Bun.sleep(POLL_MILLISECONDS);
  }
  return (kilobytes * 1024) / 1_000_000;
}

/** Of a process, in KiB; 0 once it has ended. */
function highWaterMark(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] =
    sorted.length % 2 === 0 ? sorted.slice(middle - 1, middle + 1) : [sorted[middle], sorted[middle]];
  return (low + high) / 2;
}

/** The processor's name, the number of cores, and the operating system. */
export function describeMachine(): string {
  const model =
    /^model name\s*:\s*(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "unknown processor";
  const memory = /^MemTotal:\s*(\d+)/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1] ?? "0";
  const gigabytes = Math.round((Number(memory) * 1024) / 1e9);
  return `${model}, ${navigator.hardwareConcurrency} cores, ${gigabytes} GB, ${process.platform} ${process.arch}`;
}
