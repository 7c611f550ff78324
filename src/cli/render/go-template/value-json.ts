import { formatGoJson } from "../../../format/go-json.ts";
import { type ByteText, REPLACEMENT_RUNE, runesOf } from "./byte-text.ts";
import { civilOf } from "./moment.ts";
import { formatMoment, RFC_3339_NANO } from "./time-layout.ts";
import { findMoment } from "./time-type.ts";
import type { GoValue, MaybeValue, SliceValue, StructValue } from "./values.ts";
import { isByteSlice } from "./values.ts";

/** What has no form in JSON. */
class UnsupportedValueError extends Error {}

/** A value as one line of JSON, without HTML escapes; "" if it has no form in JSON. */
export function formatValueJson(value: MaybeValue): ByteText {
  try {
    const json = formatGoJson(toPlain(value ?? null), { escapeHtml: false });
    return json.replace(/[\u0080-\u00ff]+/g, escapeNonAscii);
  } catch (error) {
    if (error instanceof UnsupportedValueError) return "";
    throw error;
  }
}

/** Escapes what only shows in characters, not in bytes: line separators, and bytes that are no UTF-8. */
function escapeNonAscii(bytes: ByteText): ByteText {
  let escaped = "";
  let position = 0;
  for (const { rune, size } of runesOf(bytes)) {
    const isBroken = rune === REPLACEMENT_RUNE && size === 1;
    const isSeparator = rune === 0x2028 || rune === 0x2029;
    escaped += isBroken || isSeparator ? `\\u${rune.toString(16)}` : bytes.slice(position, position + size);
    position += size;
  }
  return escaped;
}

/** Plain values whose strings still have a character per byte. */
function toPlain(value: GoValue | null): unknown {
  switch (value?.kind) {
    case undefined:
      return null;
    case "bool":
    case "int":
    case "uint":
    case "string":
      return value?.value;
    case "float":
      if (!Number.isFinite(value.value)) throw new UnsupportedValueError();
      return value.value;
    case "complex":
      throw new UnsupportedValueError();
    case "slice":
      return toPlainArray(value);
    case "map":
      return value.entries && new Map([...value.entries].map(([key, item]) => [key, toPlain(item)]));
    case "struct":
      return toPlainStruct(value);
    case "pointer":
      return toPlain(value.target);
    case "interface":
      return toPlain(value.content);
  }
}

function toPlainArray({ type, items }: SliceValue): unknown {
  if (items === null) return null;
  const plain = items.map(toPlain);
  return isByteSlice({ kind: "slice", type, items })
    ? Buffer.from(plain.map(Number)).toString("base64")
    : plain;
}

function toPlainStruct(value: StructValue): unknown {
  const moment = findMoment(value);
  if (moment === undefined) return new Map(toMembers(value));
  const { year } = civilOf(moment);
  if (year < 0 || year > 9999) throw new UnsupportedValueError();
  return formatMoment(moment, RFC_3339_NANO);
}

function toMembers(value: StructValue): [string, unknown][] {
  return value.type.fields.flatMap((field, index): [string, unknown][] => {
    const item = value.fields[index];
    if (item === undefined || !/^[A-Z]/.test(field.name)) return [];
    if (field.embedded && item.kind === "struct") return toMembers(item);
    if (field.omitEmpty && isEmpty(item)) return [];
    return [[field.json ?? field.name, toPlain(item)]];
  });
}

function isEmpty(value: GoValue): boolean {
  switch (value.kind) {
    case "bool":
      return !value.value;
    case "int":
    case "uint":
      return value.value === 0n;
    case "float":
      return value.value === 0;
    case "string":
      return value.value === "";
    case "slice":
      return !value.items?.length;
    case "map":
      return !value.entries?.size;
    case "pointer":
      return value.target === null;
    case "interface":
      return value.content === null;
    default:
      return false;
  }
}
