import { SECONDS_PER_DAY, toCivil, toDays } from "./civil-time.ts";
import type { ZonePeriod } from "./zone.ts";

/** How a zone changes every year, from the last line of a zone file: `CET-1CEST,M3.5.0,M10.5.0/3`. */
export interface ZoneRule {
  readonly standard: ZonePeriod;
  readonly daylight?: { readonly period: ZonePeriod; readonly start: Change; readonly end: Change };
}

/** When a change happens in a year. */
interface Change {
  /** Days since 1970, in the given year. */
  readonly day: (year: number) => number;
  /** Seconds after midnight, by the clock that the change ends. */
  readonly time: number;
}

const NAME = "(?:<([^>]+)>|([A-Za-z]{3,}))";
const OFFSET = "([-+]?\\d{1,3}(?::\\d{2}){0,2})";
const DATE = "((?:M\\d+\\.\\d+\\.\\d+|J\\d+|\\d+)(?:/[-+]?\\d{1,3}(?::\\d{2}){0,2})?)";
const RULE = new RegExp(`^${NAME}${OFFSET}(?:${NAME}${OFFSET}?(?:,${DATE},${DATE})?)?$`);
/** What applies where the daylight time has no dates. */
const DEFAULT_DATES = ["M3.2.0", "M11.1.0"] as const;
const DEFAULT_TIME = 2 * 3600;

/** Reads a rule in the notation of POSIX's TZ variable; undefined if it is none. */
export function parseZoneRule(text: string): ZoneRule | undefined {
  const match = RULE.exec(text);
  if (match === null) return undefined;
  const [, quoted, plain, offset = "", daylightQuoted, daylightPlain, daylightOffset, start, end] = match;
  // The notation counts seconds west of Greenwich.
  const standardOffset = -parseSeconds(offset);
  const standard = { abbreviation: quoted ?? plain ?? "", offset: standardOffset, isDaylight: false };
  const abbreviation = daylightQuoted ?? daylightPlain;
  if (abbreviation === undefined) return { standard };
  const shifted = daylightOffset === undefined ? standardOffset + 3600 : -parseSeconds(daylightOffset);
  const period = { abbreviation, offset: shifted, isDaylight: true };
  return {
    standard,
    daylight: {
      period,
      start: parseChange(start ?? DEFAULT_DATES[0]),
      end: parseChange(end ?? DEFAULT_DATES[1]),
    },
  };
}

/** What the rule says of a moment, in seconds after 1970. */
export function applyZoneRule(rule: ZoneRule, seconds: bigint): ZonePeriod {
  const { standard, daylight } = rule;
  if (daylight === undefined) return standard;
  const { year } = toCivil(seconds + BigInt(standard.offset));
  const start = momentOf(daylight.start, year, standard.offset);
  const end = momentOf(daylight.end, year, daylight.period.offset);
  const moment = Number(seconds);
  const inDaylight = start < end ? moment >= start && moment < end : moment >= start || moment < end;
  return inDaylight ? daylight.period : standard;
}

function momentOf(change: Change, year: number, offset: number): number {
  return change.day(year) * SECONDS_PER_DAY + change.time - offset;
}

function parseChange(text: string): Change {
  const [date = "", time] = text.split("/");
  return { day: parseDate(date), time: time === undefined ? DEFAULT_TIME : parseSeconds(time) };
}

function parseDate(date: string): (year: number) => number {
  if (date.startsWith("M")) {
    const [month = 1, week = 1, weekday = 0] = date.slice(1).split(".").map(Number);
    return (year) => dayInMonth(year, month, week, weekday);
  }
  if (!date.startsWith("J")) return (year) => toDays(year, 1, 1) + Number(date);
  const day = Number(date.slice(1));
  // Counted as if there were no 29 February.
  return (year) => (day < 60 ? toDays(year, 1, day) : toDays(year, 3, 1) + day - 60);
}

/** The day of the week in that week of the month; week 5 is the last one. */
function dayInMonth(year: number, month: number, week: number, weekday: number): number {
  const first = toDays(year, month, 1);
  const firstWeekday = (((first + 4) % 7) + 7) % 7;
  const day = first + ((weekday - firstWeekday + 7) % 7) + (week - 1) * 7;
  return day < toDays(year, month + 1, 1) ? day : day - 7;
}

function parseSeconds(text: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = text.replace(/^[-+]/, "").split(":").map(Number);
  const total = hours * 3600 + minutes * 60 + seconds;
  return text.startsWith("-") ? -total : total;
}
