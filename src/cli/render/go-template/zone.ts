/** What is in force in a time zone at some moment. */
export interface ZonePeriod {
  /** "CEST"; "" where there is none. */
  readonly abbreviation: string;
  /** Seconds east of Greenwich. */
  readonly offset: number;
  readonly isDaylight: boolean;
}

/** A time zone. Two zones are the same only if they are the same object. */
export interface Zone {
  readonly name: string;
  /** `seconds` after 1970. */
  at(seconds: bigint): ZonePeriod;
}

const UTC_PERIOD: ZonePeriod = { abbreviation: "UTC", offset: 0, isDaylight: false };

export const UTC: Zone = { name: "UTC", at: () => UTC_PERIOD };

/** A zone without a name that never changes, as the offset in a time makes it. */
export function fixedZone(offset: number): Zone {
  const period: ZonePeriod = { abbreviation: "", offset, isDaylight: false };
  return { name: "", at: () => period };
}
