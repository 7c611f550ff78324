import { type ByteText, toByteText } from "./byte-text.ts";
import type { CivilTime } from "./civil-time.ts";
import { civilOf, type Moment, periodOf } from "./moment.ts";

export const MONTHS: readonly string[] = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
export const WEEKDAYS: readonly string[] = [
  "Sunday",
  "Monday",
  "Tuesday",
  "Wednesday",
  "Thursday",
  "Friday",
  "Saturday",
];

/** The layout that a time prints itself in. */
export const DEFAULT_LAYOUT = "2006-01-02 15:04:05.999999999 -0700 MST";
export const RFC_3339_NANO = "2006-01-02T15:04:05.999999999Z07:00";

/** The parts of a layout that stand for parts of a time. */
const ELEMENTS =
  /January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|002|0[1-6]|15|1|2006|2|__2|_2(?!006)|3|4|5|PM|pm|[-Z]07(?:0000|:00:00|00|:00)?|[.,](?:0+|9+)(?![0-9])/g;

/** A time in a layout, which shows how the reference time Mon Jan 2 15:04:05 2006 -0700 would look. */
export function formatMoment(moment: Moment, layout: ByteText): ByteText {
  const civil = civilOf(moment);
  return layout.replace(ELEMENTS, (element) => formatElement(element, civil, moment));
}

function formatElement(element: string, civil: CivilTime, moment: Moment): ByteText {
  const format = CIVIL_ELEMENTS[element];
  if (format !== undefined) return format(civil);
  if (element === "MST") return formatZoneName(moment);
  if (/^[.,]/.test(element)) return formatFraction(element, moment.nanoseconds);
  return formatOffset(element, periodOf(moment).offset);
}

const CIVIL_ELEMENTS: Readonly<Record<string, (civil: CivilTime) => string>> = {
  "2006": ({ year }) => (year < 0 ? `-${pad(-year, 4)}` : pad(year, 4)),
  "06": ({ year }) => pad(Math.max(year, 0) % 100, 2),
  January: ({ month }) => MONTHS[month - 1] ?? "",
  Jan: ({ month }) => (MONTHS[month - 1] ?? "").slice(0, 3),
  "01": ({ month }) => pad(month, 2),
  "1": ({ month }) => String(month),
  Monday: ({ weekday }) => WEEKDAYS[weekday] ?? "",
  Mon: ({ weekday }) => (WEEKDAYS[weekday] ?? "").slice(0, 3),
  "2": ({ day }) => String(day),
  _2: ({ day }) => pad(day, 2, " "),
  "02": ({ day }) => pad(day, 2),
  __2: ({ yearDay }) => pad(yearDay, 3, " "),
  "002": ({ yearDay }) => pad(yearDay, 3),
  "15": ({ hour }) => pad(hour, 2),
  "3": ({ hour }) => String(hour % 12 || 12),
  "03": ({ hour }) => pad(hour % 12 || 12, 2),
  "4": ({ minute }) => String(minute),
  "04": ({ minute }) => pad(minute, 2),
  "5": ({ second }) => String(second),
  "05": ({ second }) => pad(second, 2),
  PM: ({ hour }) => (hour >= 12 ? "PM" : "AM"),
  pm: ({ hour }) => (hour >= 12 ? "pm" : "am"),
};

/** `.000` shows as many digits as it has zeros; `.999` as many as that at most, without zeros at their end. */
function formatFraction(element: string, nanoseconds: number): string {
  const digits = pad(nanoseconds, 9)
    .slice(0, element.length - 1)
    .padEnd(element.length - 1, "0");
  if (element.charAt(1) === "0") return element.charAt(0) + digits;
  const significant = digits.replace(/0+$/, "");
  return significant === "" ? "" : element.charAt(0) + significant;
}

function formatOffset(element: string, offset: number): string {
  if (element.startsWith("Z") && offset === 0) return "Z";
  const magnitude = Math.abs(offset);
  const parts = [Math.floor(magnitude / 3600), Math.floor(magnitude / 60) % 60, magnitude % 60];
  const digits = element.replace(/[^0-9]/g, "").length;
  const separator = element.includes(":") ? ":" : "";
  const shown = parts.slice(0, digits / 2).map((part) => pad(part, 2));
  return (offset < 0 ? "-" : "+") + shown.join(separator);
}

/** The abbreviation of the zone, or the offset of one that has none. */
function formatZoneName(moment: Moment): ByteText {
  const { abbreviation, offset } = periodOf(moment);
  return abbreviation === "" ? formatOffset("-0700", offset) : toByteText(abbreviation);
}

function pad(value: number, width: number, filler = "0"): string {
  return String(value).padStart(width, filler);
}
