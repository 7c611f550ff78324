import { type Digest, digestHex } from "../../core/digest.ts";
import { blobLine } from "./progress-text.ts";

/** A blob on its way. Times in milliseconds, of any clock. */
export interface Bar {
  readonly role: "config" | "layer";
  readonly digest: Digest;
  /** Bytes in all, where known. */
  readonly size: number | undefined;
  /** Bytes moved so far. */
  readonly bytes: number;
  readonly startedAt: number;
}

const LABEL_WIDTH = 25;
const BAR_WIDTH = 40;
const SMALLEST_BAR = 12;
const SPINNER_STEP = 300;

/** `Copying blob b0fdedf1f87f`: as many digits of the digest as fit. */
export function barLabel(role: "config" | "layer", digest: Digest): string {
  return blobLine(role, digest, digestHex).slice(0, LABEL_WIDTH);
}

/** How a blob looks when it has ended. */
export function endedBar(label: string, outcome: "copied" | "reused" | "skipped"): string {
  return outcome === "copied" ? `${label} done   | ` : `${label} skipped: already exists  `;
}

/** A running blob on one line of at most `columns`: the bar gives way first, then the numbers. cli.md 4.2. */
export function runningBar(bar: Bar, now: number, columns: number): string {
  const label = barLabel(bar.role, bar.digest);
  const numbers = `${progressNumbers(bar)} | ${formatRate(bar, now)}`;
  const room = Math.min(BAR_WIDTH, columns - label.length - numbers.length - 2);
  const gauge = room < SMALLEST_BAR ? "" : `${drawGauge(bar, now, room)} `;
  return `${label} ${gauge}${numbers}`.slice(0, columns);
}

function progressNumbers({ bytes, size }: Bar): string {
  return size === undefined ? formatSize(bytes) : `${formatSize(bytes)} / ${formatSize(size)}`;
}

/** `[====>-----]`, or one to four dots where the end is unknown. */
function drawGauge({ bytes, size, startedAt }: Bar, now: number, width: number): string {
  if (size === undefined) return ".".repeat(1 + (Math.floor((now - startedAt) / SPINNER_STEP) % 4)).padEnd(4);
  const inside = width - 2;
  const filled = size === 0 ? inside : Math.min(inside, Math.floor((bytes / size) * inside));
  if (filled === inside) return `[${"=".repeat(inside)}]`;
  const head = filled === 0 ? "" : `${"=".repeat(filled - 1)}>`;
  return `[${head}${"-".repeat(inside - filled)}]`;
}

function formatRate({ bytes, startedAt }: Bar, now: number): string {
  const seconds = (now - startedAt) / 1000;
  return formatSize(seconds > 0 ? bytes / seconds : 0)
    .replace(/(?<=\d)(?=[A-Z])/, " ")
    .concat("/s");
}

const UNITS: readonly string[] = ["B", "KiB", "MiB", "GiB", "TiB"];

/** `16.0MiB`: bytes in binary units with one decimal. */
export function formatSize(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  return `${(bytes / 1024 ** power).toFixed(1)}${UNITS[power]}`;
}
