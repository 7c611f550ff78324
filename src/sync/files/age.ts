import { fileError } from "./file-error.ts";
import type { AgeLimit } from "./mirror-entry.ts";

const SECOND = 1000;
const UNITS: Readonly<Record<string, number>> = {
  s: SECOND,
  m: 60 * SECOND,
  h: 3600 * SECOND,
  d: 24 * 3600 * SECOND,
  w: 7 * 24 * 3600 * SECOND,
};

const AGE = /^(?:\d+[smhdw])+$/;
const DATE = /^\d{4}-\d{2}-\d{2}(?:[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:[Zz]|[+-]\d{2}:\d{2})?)?$/;

/** A millennium: the greatest age that still leaves a date. */
const LONGEST_AGE = 1000 * 366 * (UNITS.d ?? 0);

/**
 * Reads an age (`90d`, `2w`, `1d12h`) or a date (`2026-01-31`, `2026-01-31T12:00:00Z`; UTC where no zone is given).
 * @throws {ImageError} CONFIG_INVALID
 */
export function parseAgeLimit(text: string, place: string, what: string): AgeLimit {
  if (AGE.test(text)) {
    const parts = [...text.matchAll(/(\d+)([smhdw])/g)];
    const milliseconds = parts.reduce(
      (sum, [, count, unit = ""]) => sum + Number(count) * (UNITS[unit] ?? 0),
      0,
    );
    if (milliseconds <= LONGEST_AGE) return { kind: "age", milliseconds, text, place };
  }
  const date = DATE.test(text) ? new Date(inUtc(text)) : undefined;
  if (date !== undefined && !Number.isNaN(date.getTime())) return { kind: "date", date, text, place };
  throw fileError(
    place,
    `${what} must be an age such as 90d, 2w or 12h (units s, m, h, d, w), or a date such as 2026-01-31`,
  );
}

/** The moment that a limit means, as of `now`. */
export function momentOf(limit: AgeLimit, now: Date): Date {
  return limit.kind === "date" ? limit.date : new Date(now.getTime() - limit.milliseconds);
}

function inUtc(text: string): string {
  const normal = text.replace(" ", "T").toUpperCase();
  return !normal.includes("T") || /(?:Z|[+-]\d{2}:\d{2})$/.test(normal) ? normal : `${normal}Z`;
}
