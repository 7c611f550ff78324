/** A moment on the calendar and the clock of some place. */
export interface CivilTime {
  readonly year: number;
  /** From 1. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** From 0, a Sunday. */
  readonly weekday: number;
  /** From 1. */
  readonly yearDay: number;
}

export const SECONDS_PER_DAY = 86_400;

/** The civil time at so many seconds after 1970, in the proleptic Gregorian calendar. */
export function toCivil(seconds: bigint): CivilTime {
  const perDay = BigInt(SECONDS_PER_DAY);
  const days = Number(floorDivide(seconds, perDay));
  const clock = Number(seconds - floorDivide(seconds, perDay) * perDay);
  const { year, month, day } = toDate(days);
  return {
    year,
    month,
    day,
    hour: Math.floor(clock / 3600),
    minute: Math.floor(clock / 60) % 60,
    second: clock % 60,
    weekday: (((days + 4) % 7) + 7) % 7,
    yearDay: days - toDays(year, 1, 1) + 1,
  };
}

/** Days from 1970-01-01 to a date; months and days out of range count on. */
export function toDays(year: number, month: number, day: number): number {
  const wholeYear = year + Math.floor((month - 1) / 12);
  const monthFromMarch = (((month - 3) % 12) + 12) % 12;
  const yearFromMarch = monthFromMarch >= 10 ? wholeYear - 1 : wholeYear;
  const era = Math.floor(yearFromMarch / 400);
  const yearOfEra = yearFromMarch - era * 400;
  const dayOfYear = Math.floor((153 * monthFromMarch + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function toDate(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const leapDays =
    Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1,
  };
}

/** Division that rounds down, also below zero. */
export function floorDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend % divisor < 0n ? quotient - 1n : quotient;
}
