import { applyZoneRule, parseZoneRule } from "./posix-zone.ts";
import { UTC, type Zone, type ZonePeriod } from "./zone.ts";

const HEADER_LENGTH = 44;

/** The numbers of things in a block of a zone file, as its header gives them. */
interface Counts {
  readonly utcFlags: number;
  readonly standardFlags: number;
  readonly leapSeconds: number;
  readonly transitions: number;
  readonly periods: number;
  readonly characters: number;
}

/** Reads a file of the time zone database, RFC 9636; undefined if it is none of version 2 or later. */
export function parseZoneFile(name: string, bytes: Uint8Array): Zone | undefined {
  const text = Buffer.from(bytes).toString("latin1");
  if (!text.startsWith("TZif") || text.charAt(4) < "2") return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const secondHeader = HEADER_LENGTH + blockLength(readCounts(view, 0), 4);
  const counts = readCounts(view, secondHeader);
  const start = secondHeader + HEADER_LENGTH;
  const footer = text.slice(start + blockLength(counts, 8)).split("\n")[1] ?? "";
  return createZone(
    name,
    readTransitions(view, start, counts),
    readPeriods(view, text, start, counts),
    footer,
  );
}

/** From `seconds` after 1970 on, the period with this index is in force. */
interface Transition {
  readonly seconds: bigint;
  readonly period: number;
}

function createZone(
  name: string,
  transitions: readonly Transition[],
  periods: readonly ZonePeriod[],
  footer: string,
): Zone {
  const rule = parseZoneRule(footer);
  const first = periods.find((period) => !period.isDaylight) ?? periods[0] ?? UTC.at(0n);
  const at = (seconds: bigint): ZonePeriod => {
    const index = transitions.findLastIndex((transition) => transition.seconds <= seconds);
    if (index === transitions.length - 1 && rule !== undefined) return applyZoneRule(rule, seconds);
    return periods[transitions[index]?.period ?? -1] ?? first;
  };
  return { name, at };
}

function readCounts(view: DataView, header: number): Counts {
  const read = (index: number): number => view.getUint32(header + 20 + index * 4);
  return {
    utcFlags: read(0),
    standardFlags: read(1),
    leapSeconds: read(2),
    transitions: read(3),
    periods: read(4),
    characters: read(5),
  };
}

function blockLength(counts: Counts, timeSize: number): number {
  const { transitions, periods, characters, leapSeconds, standardFlags, utcFlags } = counts;
  const times = transitions * (timeSize + 1) + leapSeconds * (timeSize + 4);
  return times + periods * 6 + characters + standardFlags + utcFlags;
}

function readTransitions(view: DataView, start: number, counts: Counts): readonly Transition[] {
  const indices = start + counts.transitions * 8;
  return Array.from({ length: counts.transitions }, (_, index) => ({
    seconds: view.getBigInt64(start + index * 8),
    period: view.getUint8(indices + index),
  }));
}

function readPeriods(view: DataView, text: string, start: number, counts: Counts): readonly ZonePeriod[] {
  const records = start + counts.transitions * 9;
  const names = records + counts.periods * 6;
  return Array.from({ length: counts.periods }, (_, index) => {
    const record = records + index * 6;
    const nameStart = names + view.getUint8(record + 5);
    return {
      abbreviation: text.slice(nameStart, text.indexOf("\0", nameStart)),
      offset: view.getInt32(record),
      isDaylight: view.getUint8(record + 4) !== 0,
    };
  });
}
