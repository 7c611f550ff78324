import { quoteBytes } from "./go-text.ts";

/** Units in nanoseconds; µ exists twice in Unicode. */
const UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 6e10,
  h: 3.6e12,
};
const LIMIT = 2 ** 63;
const NANOSECONDS_PER_MILLISECOND = 1e6;

/**
 * Reads a duration such as `1m30s`, `1.5h` or `-300ms`; only 0 may lack its unit.
 * @returns milliseconds
 * @throws {Error} in the words of Go's `time` package
 */
export function parseDuration(text: string): number {
  const signed = /^([+-]?)(.*)$/s.exec(text);
  const unsigned = signed?.[2] ?? "";
  if (unsigned === "0") return 0;
  if (unsigned === "") throw invalid(text);
  const nanoseconds = sumOfParts(unsigned, text);
  return ((signed?.[1] === "-" ? -1 : 1) * nanoseconds) / NANOSECONDS_PER_MILLISECOND;
}

/** `1s`, `1m30s`, `500ms`: a duration in milliseconds as Go writes it. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 0) return `-${formatDuration(-milliseconds)}`;
  if (milliseconds < 1) return milliseconds === 0 ? "0s" : `${trimmed(milliseconds * 1000)}µs`;
  if (milliseconds < 1000) return `${trimmed(milliseconds)}ms`;
  const minutes = Math.floor(milliseconds / 60_000);
  const seconds = `${trimmed((milliseconds % 60_000) / 1000)}s`;
  if (minutes === 0) return seconds;
  return minutes < 60 ? `${minutes}m${seconds}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
}

function sumOfParts(unsigned: string, text: string): number {
  let total = 0;
  for (let rest = unsigned; rest !== ""; ) {
    const [, amount = "", unit = ""] = /^([0-9]*\.?[0-9]*)([^0-9.]*)/.exec(rest) ?? [];
    if (!/[0-9]/.test(amount)) throw invalid(text);
    if (unit === "") throw new Error(`time: missing unit in duration ${quoteBytes(text)}`);
    const scale = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined;
    if (scale === undefined) {
      throw new Error(`time: unknown unit ${quoteBytes(unit)} in duration ${quoteBytes(text)}`);
    }
    total += Number(amount) * scale;
    if (total >= LIMIT) throw invalid(text);
    rest = rest.slice(amount.length + unit.length);
  }
  return total;
}

function invalid(text: string): Error {
  return new Error(`time: invalid duration ${quoteBytes(text)}`);
}

function trimmed(value: number): string {
  return String(Number(value.toFixed(6)));
}
