import { type ByteText, toByteText } from "./byte-text.ts";

export const MICROSECOND = 1000n;
export const MILLISECOND = 1_000_000n;
export const SECOND = 1_000_000_000n;
export const MINUTE: bigint = 60n * SECOND;
export const HOUR: bigint = 60n * MINUTE;
const MAX_DURATION = 2n ** 63n - 1n;

/** `1h2m3.5s`; below a second `1.5ms`, in the largest unit that leaves no leading zero. */
export function formatDuration(nanoseconds: bigint): ByteText {
  const sign = nanoseconds < 0n ? "-" : "";
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  if (size === 0n) return "0s";
  if (size < MICROSECOND) return `${sign}${size}ns`;
  if (size < MILLISECOND) return toByteText(`${sign}${formatFraction(size, MICROSECOND)}µs`);
  if (size < SECOND) return `${sign}${formatFraction(size, MILLISECOND)}ms`;
  const hours = size / HOUR;
  const minutes = (size / MINUTE) % 60n;
  const seconds = `${formatFraction(size % MINUTE, SECOND)}s`;
  const long = hours > 0n ? `${hours}h${minutes}m` : minutes > 0n ? `${minutes}m` : "";
  return sign + long + seconds;
}

/** The nearest multiple of `unit`, halves away from zero; `duration` itself without a unit. */
export function roundDuration(duration: bigint, unit: bigint): bigint {
  if (unit <= 0n) return duration;
  const rest = duration % unit;
  const magnitude = rest < 0n ? -rest : rest;
  const direction = duration < 0n ? -1n : 1n;
  return clampDuration(duration - rest + (magnitude * 2n < unit ? 0n : unit * direction));
}

export function clampDuration(duration: bigint): bigint {
  if (duration > MAX_DURATION) return MAX_DURATION;
  return duration < -MAX_DURATION - 1n ? -MAX_DURATION - 1n : duration;
}

function formatFraction(size: bigint, unit: bigint): string {
  const digits = String(size % unit)
    .padStart(String(unit).length - 1, "0")
    .replace(/0+$/, "");
  return `${size / unit}${digits === "" ? "" : `.${digits}`}`;
}
