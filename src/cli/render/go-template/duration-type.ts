import {
  clampDuration,
  formatDuration,
  HOUR,
  MICROSECOND,
  MILLISECOND,
  MINUTE,
  roundDuration,
  SECOND,
} from "./duration.ts";
import {
  type BasicType,
  floatValue,
  type GoValue,
  INT64,
  integerValue,
  type MaybeValue,
  type Method,
  type MethodSet,
  stringValue,
} from "./values.ts";

/** Go's `time.Duration`: nanoseconds. */
export const DURATION: BasicType<"int"> = {
  kind: "int",
  name: "time.Duration",
  size: 64,
  methods: () => METHODS,
};

export function durationValue(nanoseconds: bigint): GoValue {
  return integerValue(nanoseconds, DURATION);
}

/** The integer that a value is. */
export function integerOf(value: MaybeValue): bigint {
  return value?.kind === "int" || value?.kind === "uint" ? value.value : 0n;
}

const METHODS: MethodSet = new Map<string, Method>([
  ["String", without((duration) => stringValue(formatDuration(duration)))],
  ["Hours", without((duration) => floatValue(divide(duration, HOUR)))],
  ["Minutes", without((duration) => floatValue(divide(duration, MINUTE)))],
  ["Seconds", without((duration) => floatValue(divide(duration, SECOND)))],
  ["Milliseconds", without((duration) => integerValue(duration / MILLISECOND, INT64))],
  ["Microseconds", without((duration) => integerValue(duration / MICROSECOND, INT64))],
  ["Nanoseconds", without((duration) => integerValue(duration, INT64))],
  ["Abs", without((duration) => durationValue(clampDuration(duration < 0n ? -duration : duration)))],
  ["Round", withUnit(roundDuration)],
  ["Truncate", withUnit((duration, unit) => (unit <= 0n ? duration : duration - (duration % unit)))],
]);

function without(call: (duration: bigint) => GoValue): Method {
  return { parameters: [], call: (receiver) => call(integerOf(receiver)) };
}

function withUnit(call: (duration: bigint, unit: bigint) => bigint): Method {
  return {
    parameters: [DURATION],
    call: (receiver, [unit]) => durationValue(call(integerOf(receiver), integerOf(unit))),
  };
}

/** Whole units and the rest apart, so that large durations keep their precision. */
function divide(duration: bigint, unit: bigint): number {
  return Number(duration / unit) + Number(duration % unit) / Number(unit);
}
