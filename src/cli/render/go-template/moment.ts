import { type CivilTime, SECONDS_PER_DAY, toCivil, toDays } from "./civil-time.ts";
import { localZone } from "./local-zone.ts";
import { fixedZone, UTC, type Zone, type ZonePeriod } from "./zone.ts";

/** A moment and the zone that it is to be shown in: Go's `time.Time`. */
export interface Moment {
  /** After 1970. */
  readonly seconds: bigint;
  readonly nanoseconds: number;
  readonly zone: Zone;
}

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([-+])(\d\d):(\d\d))$/;

/** Reads a time that `normalizeTime` has written. An offset that the local zone has just then means the local zone. */
export function parseMoment(text: string): Moment {
  const match = RFC_3339.exec(text);
  if (match === null) throw new RangeError(`no normalized time: ${JSON.stringify(text)}`);
  const [, year, month, day, hour, minute, second, fraction = "", sign, offsetHours, offsetMinutes] = match;
  const days = toDays(Number(year), Number(month), Number(day));
  const clock = Number(hour) * 3600 + Number(minute) * 60 + Number(second);
  const offset = (Number(offsetHours ?? 0) * 60 + Number(offsetMinutes ?? 0)) * (sign === "-" ? -60 : 60);
  const seconds = BigInt(days * SECONDS_PER_DAY + clock - offset);
  const nanoseconds = Number(fraction.padEnd(9, "0"));
  return { seconds, nanoseconds, zone: sign === undefined ? UTC : zoneOf(seconds, offset) };
}

function zoneOf(seconds: bigint, offset: number): Zone {
  const local = localZone();
  return local.at(seconds).offset === offset ? local : fixedZone(offset);
}

export function civilOf(moment: Moment): CivilTime {
  return toCivil(moment.seconds + BigInt(periodOf(moment).offset));
}

export function periodOf(moment: Moment): ZonePeriod {
  return moment.zone.at(moment.seconds);
}

/** Nanoseconds after 1970. */
export function toNanoseconds(moment: Moment): bigint {
  return moment.seconds * 1_000_000_000n + BigInt(moment.nanoseconds);
}

export function fromNanoseconds(nanoseconds: bigint, zone: Zone): Moment {
  const rest = ((nanoseconds % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return { seconds: (nanoseconds - rest) / 1_000_000_000n, nanoseconds: Number(rest), zone };
}

/** The moment of a civil time in a zone. Parts out of range count on. */
export function fromCivil(
  civil: Pick<CivilTime, "year" | "month" | "day" | "hour" | "minute" | "second">,
  nanoseconds: number,
  zone: Zone,
): Moment {
  const days = toDays(civil.year, civil.month, civil.day);
  const clock = civil.hour * 3600 + civil.minute * 60 + civil.second;
  const wall = BigInt(days) * BigInt(SECONDS_PER_DAY) + BigInt(clock);
  // The offset is that of the moment sought: guess it, and correct the guess where it lies beyond a change.
  const guess = BigInt(zone.at(wall).offset);
  const seconds = wall - BigInt(zone.at(wall - guess).offset);
  return { seconds, nanoseconds, zone };
}
