import { ImageError } from "../core/errors.ts";

const LAYOUT = "2006-01-02T15:04:05Z07:00";
/** The elements of the layout in turn, each with what it takes from the text. */
const ELEMENTS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ["2006", /^\d{4}/],
  ["-", /^-/],
  ["01", /^\d{2}/],
  ["-", /^-/],
  ["02", /^\d{2}/],
  ["T", /^T/],
  ["15", /^\d{1,2}/],
  [":", /^:/],
  ["04", /^\d{2}/],
  [":", /^:/],
  ["05", /^\d{2}/],
  ["fraction", /^(?:[.,]\d+)?/],
  ["Z07:00", /^(?:Z|[+-]\d{2}:\d{2})/],
];
const MONTH_LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** The time that Go has where nothing was set. */
export const ZERO_TIME = "0001-01-01T00:00:00Z";

/**
 * Reads a time as Go does, and gives it in one spelling: RFC 3339 with up to nine fractional digits, zeros at their end
 * removed, the offset kept. `Z` and `+00:00` stay apart, because templates show them differently; `formatTime` is for
 * JSON.
 * @throws {ImageError} MANIFEST_INVALID with Go's own words
 */
export function normalizeTime(text: string): string {
  const parts = splitTime(text);
  const [year, , month, , day, , hour, , minute, , second, fraction = "", offset = "Z"] = parts;
  checkRanges(text, parts);
  const digits = fraction.slice(1, 10).replace(/0+$/, "");
  const clock = `${hour?.padStart(2, "0")}:${minute}:${second}${digits === "" ? "" : `.${digits}`}`;
  return `${year}-${month}-${day}T${clock}${normalizeOffset(text, offset)}`;
}

/** A time that `normalizeTime` gave, as Go writes it to JSON: `Z` for offset zero. images.md 1.4. */
export function formatTime(time: string): string {
  return time.replace(/\+00:00$/, "Z");
}

function splitTime(text: string): string[] {
  const parts: string[] = [];
  let rest = text;
  for (const [name, pattern] of ELEMENTS) {
    const part = pattern.exec(rest)?.[0];
    if (part === undefined) {
      throw invalid(
        `parsing time ${quoteBytes(text)} as "${LAYOUT}": cannot parse ${quoteBytes(rest)} as "${name}"`,
      );
    }
    parts.push(part);
    rest = rest.slice(part.length);
    checkLimit(text, name, part);
  }
  if (rest !== "") throw invalid(`parsing time ${quoteBytes(text)}: extra text: ${quoteBytes(rest)}`);
  return parts;
}

const LIMITS: Readonly<Record<string, readonly [minimum: number, maximum: number, what: string]>> = {
  "01": [1, 12, "month"],
  "15": [0, 23, "hour"],
  "04": [0, 59, "minute"],
  "05": [0, 59, "second"],
};

function checkLimit(text: string, name: string, part: string): void {
  const limit = LIMITS[name];
  if (limit === undefined) return;
  const [minimum, maximum, what] = limit;
  if (Number(part) < minimum || Number(part) > maximum) throw outOfRange(text, what);
}

function checkRanges(text: string, parts: readonly string[]): void {
  const [year, month, day] = [Number(parts[0]), Number(parts[2]), Number(parts[4])];
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const length = month === 2 && leap ? 29 : (MONTH_LENGTHS[month - 1] ?? 0);
  if (day < 1 || day > length) throw outOfRange(text, "day");
}

function normalizeOffset(text: string, offset: string): string {
  if (offset === "Z") return "Z";
  const [hours, minutes] = [Number(offset.slice(1, 3)), Number(offset.slice(4))];
  if (hours > 24) throw outOfRange(text, "time zone offset hour");
  if (minutes > 60) throw outOfRange(text, "time zone offset minute");
  const total = hours * 60 + minutes;
  if (total === 0) return "+00:00";
  if (total >= 24 * 60) {
    throw invalid(
      "json: error calling MarshalJSON for type *time.Time: Time.MarshalJSON: timezone hour outside of range [0,23]",
    );
  }
  const pad = (value: number): string => String(value).padStart(2, "0");
  return `${offset.charAt(0)}${pad(Math.floor(total / 60))}:${pad(total % 60)}`;
}

/** Quotes text as the time package does, with everything that is not printable ASCII as bytes. */
function quoteBytes(text: string): string {
  let quoted = "";
  for (const character of text.toWellFormed()) {
    if (character === '"' || character === "\\") quoted += `\\${character}`;
    else if (character >= " " && character < "\u0080") quoted += character;
    else for (const byte of Buffer.from(character)) quoted += `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return `"${quoted}"`;
}

function outOfRange(text: string, what: string): ImageError {
  return invalid(`parsing time ${quoteBytes(text)}: ${what} out of range`);
}

function invalid(message: string): ImageError {
  return new ImageError("MANIFEST_INVALID", message);
}
