import { ImageError } from "../../core/errors.ts";

/** A moment: seconds since 1970, and the nanoseconds after them, 0 to 999999999. */
export interface TarTime {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** The first second of the year 1, which for Go is no time at all. */
const GO_ZERO = -62_135_596_800;
/** From the year 0 to the year 9999: others cannot be written. RFC 3339, 1. */
const EARLIEST = -62_167_219_200;
const LATEST = 253_402_300_799;

/** Reads `SECONDS[.FRACTION]`, which may be negative; digits after the ninth are cut off. Undefined for what is no time. */
export function parsePaxTime(text: string): TarTime | undefined {
  const [, sign = "", whole = "", fraction = ""] = /^([+-]?)(\d+)(?:\.(\d*))?$/.exec(text) ?? [];
  const seconds = Number(whole);
  if (whole === "" || !Number.isSafeInteger(seconds)) return undefined;
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, "0"));
  if (sign !== "-") return { seconds, nanoseconds };
  return nanoseconds === 0
    ? { seconds: -seconds, nanoseconds }
    : { seconds: -seconds - 1, nanoseconds: 1_000_000_000 - nanoseconds };
}

/** Whether a time was set: Go's zero time counts as none. */
export function isSet(time: TarTime | undefined): time is TarTime {
  return time !== undefined && (time.seconds !== GO_ZERO || time.nanoseconds !== 0);
}

/**
 * RFC 3339 in UTC, without zeros at the end of the fraction.
 * @throws {ImageError} MANIFEST_INVALID for a year that has not four digits
 */
export function formatTarTime({ seconds, nanoseconds }: TarTime): string {
  if (seconds < EARLIEST || seconds > LATEST) {
    throw new ImageError(
      "MANIFEST_INVALID",
      "a time in the layer cannot be written: year outside of range [0,9999]",
    );
  }
  const fraction = nanoseconds === 0 ? "" : `.${String(nanoseconds).padStart(9, "0").replace(/0+$/, "")}`;
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}${fraction}Z`;
}
