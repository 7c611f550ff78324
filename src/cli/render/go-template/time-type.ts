import { toByteText } from "./byte-text.ts";
import { clampDuration } from "./duration.ts";
import { DURATION, durationValue, integerOf } from "./duration-type.ts";
import { localZone } from "./local-zone.ts";
import { civilOf, fromCivil, fromNanoseconds, type Moment, periodOf, toNanoseconds } from "./moment.ts";
import { quote } from "./quote.ts";
import { DEFAULT_LAYOUT, formatMoment, MONTHS, RFC_3339_NANO, WEEKDAYS } from "./time-layout.ts";
import {
  type BasicType,
  boolValue,
  bytesValue,
  type GoType,
  type GoValue,
  INT,
  INT64,
  integerValue,
  type MaybeValue,
  type Method,
  type MethodSet,
  type PointerType,
  pointerTo,
  STRING,
  type StructType,
  stringValue,
  UINT64,
} from "./values.ts";
import { UTC, type Zone } from "./zone.ts";

const LOCATION: StructType = {
  kind: "struct",
  name: "time.Location",
  fields: [],
  methods: () =>
    new Map<string, Method>([
      ["String", { parameters: [], call: (zone) => stringValue(toByteText(zoneOf(zone).name)) }],
    ]),
};
const LOCATION_POINTER: PointerType = pointerTo(LOCATION);

/** Go's `time.Time`, with the fields that it has inside. */
export const TIME: StructType = {
  kind: "struct",
  name: "time.Time",
  fields: [
    { name: "wall", type: UINT64 },
    { name: "ext", type: INT64 },
    { name: "loc", type: LOCATION_POINTER },
  ],
  methods: () => METHODS,
};
const MONTH: BasicType<"int"> = namedNumber("time.Month", 1, MONTHS);
const WEEKDAY: BasicType<"int"> = namedNumber("time.Weekday", 0, WEEKDAYS);

/** Seconds from the beginning of year 1, Go's zero time, to 1970. */
const SECONDS_TO_1970 = 62_135_596_800n;

export function timeValue(moment: Moment): GoValue {
  return {
    kind: "struct",
    type: TIME,
    fields: [
      integerValue(moment.nanoseconds, UINT64),
      integerValue(moment.seconds + SECONDS_TO_1970, INT64),
      moment.zone === UTC
        ? { kind: "pointer", type: LOCATION_POINTER, target: null }
        : zonePointer(moment.zone),
    ],
    native: moment,
  };
}

/** The moment that a value of type `time.Time` is; undefined for any other value. */
export function findMoment(value: MaybeValue): Moment | undefined {
  // Only `timeValue` makes values of this type.
  return value?.kind === "struct" && value.type === TIME ? (value.native as Moment) : undefined;
}

/** A type of integers that print as words; others print as `%!Name(number)`. */
function namedNumber(name: string, first: number, words: readonly string[]): BasicType<"int"> {
  const short = name.slice(name.indexOf(".") + 1);
  const text = (value: GoValue): string => {
    const number = integerOf(value);
    return words[Number(number) - first] ?? `%!${short}(${BigInt.asUintN(64, number)})`;
  };
  const methods: MethodSet = new Map<string, Method>([
    ["String", { parameters: [], call: (value) => stringValue(text(value)) }],
  ]);
  return { kind: "int", name, size: 64, methods: () => methods };
}

function zonePointer(zone: Zone): GoValue {
  const target: GoValue = { kind: "struct", type: LOCATION, fields: [], native: zone };
  return { kind: "pointer", type: LOCATION_POINTER, target };
}

function zoneOf(value: MaybeValue): Zone {
  const target = value?.kind === "pointer" ? value.target : value;
  // Only `zonePointer` makes values of this type.
  return target?.kind === "struct" && target.type === LOCATION ? (target.native as Zone) : UTC;
}

function momentOf(value: MaybeValue): Moment {
  return findMoment(value) ?? { seconds: -SECONDS_TO_1970, nanoseconds: 0, zone: UTC };
}

function method(
  parameters: readonly GoType[],
  call: (time: Moment, values: readonly MaybeValue[]) => GoValue,
): Method {
  return { parameters, call: (receiver, values) => call(momentOf(receiver), values) };
}

function getter(call: (time: Moment) => GoValue): Method {
  return method([], call);
}

function comparison(call: (difference: bigint) => GoValue): Method {
  return method([TIME], (time, [other]) => call(toNanoseconds(time) - toNanoseconds(momentOf(other))));
}

/** A method whose results a template has no use for. */
function unusable(reason: string): Method {
  return { parameters: [], unusable: reason, call: () => undefined };
}

const METHODS: MethodSet = new Map<string, Method>([
  ["Year", getter((time) => integerValue(civilOf(time).year))],
  ["Month", getter((time) => integerValue(civilOf(time).month, MONTH))],
  ["Day", getter((time) => integerValue(civilOf(time).day))],
  ["Hour", getter((time) => integerValue(civilOf(time).hour))],
  ["Minute", getter((time) => integerValue(civilOf(time).minute))],
  ["Second", getter((time) => integerValue(civilOf(time).second))],
  ["Nanosecond", getter((time) => integerValue(time.nanoseconds))],
  ["Weekday", getter((time) => integerValue(civilOf(time).weekday, WEEKDAY))],
  ["YearDay", getter((time) => integerValue(civilOf(time).yearDay))],
  ["Unix", getter((time) => integerValue(time.seconds, INT64))],
  ["UnixMilli", getter((time) => integerValue(toUnits(time, 1_000n), INT64))],
  ["UnixMicro", getter((time) => integerValue(toUnits(time, 1_000_000n), INT64))],
  ["UnixNano", getter((time) => integerValue(toNanoseconds(time), INT64))],
  ["IsZero", getter((time) => boolValue(time.seconds === -SECONDS_TO_1970 && time.nanoseconds === 0))],
  ["IsDST", getter((time) => boolValue(periodOf(time).isDaylight))],
  ["UTC", getter((time) => timeValue({ ...time, zone: UTC }))],
  ["Local", getter((time) => timeValue({ ...time, zone: localZone() }))],
  ["Location", getter((time) => zonePointer(time.zone))],
  ["String", getter((time) => stringValue(formatMoment(time, DEFAULT_LAYOUT)))],
  ["GoString", getter((time) => stringValue(formatGoSyntax(time)))],
  ["MarshalText", getter((time) => bytesValue(Buffer.from(formatMoment(time, RFC_3339_NANO))))],
  ["MarshalJSON", getter((time) => bytesValue(Buffer.from(`"${formatMoment(time, RFC_3339_NANO)}"`)))],
  ["Format", method([STRING], (time, [layout]) => stringValue(formatMoment(time, textOf(layout))))],
  ["In", method([LOCATION_POINTER], (time, [zone]) => timeValue({ ...time, zone: zoneOf(zone) }))],
  ["Add", method([DURATION], (time, [duration]) => timeValue(add(time, integerOf(duration))))],
  ["AddDate", method([INT, INT, INT], (time, values) => timeValue(addDate(time, values)))],
  ["Round", method([DURATION], (time, [unit]) => timeValue(roundTo(time, integerOf(unit), true)))],
  ["Truncate", method([DURATION], (time, [unit]) => timeValue(roundTo(time, integerOf(unit), false)))],
  ["Sub", comparison((difference) => durationValue(clampDuration(difference)))],
  ["After", comparison((difference) => boolValue(difference > 0n))],
  ["Before", comparison((difference) => boolValue(difference < 0n))],
  ["Equal", comparison((difference) => boolValue(difference === 0n))],
  ["Compare", comparison((difference) => integerValue(difference > 0n ? 1 : difference < 0n ? -1 : 0))],
  ["Clock", unusable("function Clock has 3 return values; should be 1 or 2")],
  ["Date", unusable("function Date has 3 return values; should be 1 or 2")],
  [
    "ISOWeek",
    unusable("invalid function signature for ISOWeek: second return value should be error; is int"),
  ],
  ["Zone", unusable("invalid function signature for Zone: second return value should be error; is int")],
  [
    "ZoneBounds",
    unusable("invalid function signature for ZoneBounds: second return value should be error; is time.Time"),
  ],
]);

function toUnits(time: Moment, perSecond: bigint): bigint {
  return time.seconds * perSecond + (BigInt(time.nanoseconds) * perSecond) / 1_000_000_000n;
}

function textOf(value: MaybeValue): string {
  return value?.kind === "string" ? value.value : "";
}

function add(time: Moment, duration: bigint): Moment {
  return fromNanoseconds(toNanoseconds(time) + duration, time.zone);
}

function addDate(time: Moment, [years, months, days]: readonly MaybeValue[]): Moment {
  const civil = civilOf(time);
  const sum = {
    ...civil,
    year: civil.year + Number(integerOf(years)),
    month: civil.month + Number(integerOf(months)),
    day: civil.day + Number(integerOf(days)),
  };
  return fromCivil(sum, time.nanoseconds, time.zone);
}

/** To a multiple of the unit since year 1: the nearest one, halves up, or the one before. */
function roundTo(time: Moment, unit: bigint, nearest: boolean): Moment {
  if (unit <= 0n) return time;
  const sinceStart = toNanoseconds(time) + SECONDS_TO_1970 * 1_000_000_000n;
  const rest = ((sinceStart % unit) + unit) % unit;
  return add(time, nearest && rest * 2n >= unit ? unit - rest : -rest);
}

function formatGoSyntax(time: Moment): string {
  const { year, month, day, hour, minute, second } = civilOf(time);
  const parts = [year, `time.${MONTHS[month - 1]}`, day, hour, minute, second, time.nanoseconds];
  return `time.Date(${parts.join(", ")}, ${formatZoneSyntax(time.zone)})`;
}

function formatZoneSyntax(zone: Zone): string {
  if (zone === UTC) return "time.UTC";
  return zone === localZone() ? "time.Local" : `time.Location(${quote(toByteText(zone.name))})`;
}
