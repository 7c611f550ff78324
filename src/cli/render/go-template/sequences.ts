import { FunctionError } from "./errors.ts";
import {
  dereference,
  type GoValue,
  integerValue,
  type MapValue,
  type MaybeValue,
  type SliceValue,
  STRING,
  type StringValue,
  sameType,
  UINT8,
  unwrapInterface,
  zeroValue,
} from "./values.ts";

/** The number of elements, entries or bytes. @throws {FunctionError} */
export function lengthOf(value: MaybeValue): number {
  if (value === undefined) throw new FunctionError("reflect: call of reflect.Value.Type on zero Value");
  const { value: item, isNil } = dereference(value);
  if (isNil) throw new FunctionError("len of nil pointer");
  switch (item?.kind) {
    case "string":
      return item.value.length;
    case "slice":
      return item.items?.length ?? 0;
    case "map":
      return item.entries?.size ?? 0;
    default:
      throw new FunctionError(`len of type ${item?.type.name}`);
  }
}

/** The element that the indices lead to, one level of nesting each. @throws {FunctionError} */
export function elementAt(value: MaybeValue, indices: readonly MaybeValue[]): MaybeValue {
  let current = unwrapInterface(value);
  if (current === undefined) throw new FunctionError("index of untyped nil");
  for (const index of indices) {
    const { value: item, isNil } = dereference(current);
    if (isNil || item === undefined) throw new FunctionError("index of nil pointer");
    current = elementOf(item, unwrapInterface(index));
  }
  return current;
}

function elementOf(item: GoValue, index: MaybeValue): MaybeValue {
  switch (item.kind) {
    case "string":
      return byteAt(item, position(index, item.value.length));
    case "slice":
      return itemAt(item, position(index, item.items?.length ?? 0));
    case "map":
      return entryAt(item, index);
    default:
      throw new FunctionError(`can't index item of type ${item.type.name}`);
  }
}

function byteAt(text: StringValue, index: number): GoValue {
  if (index >= text.value.length) throw new FunctionError("reflect: string index out of range");
  return integerValue(text.value.charCodeAt(index), UINT8);
}

function itemAt(slice: SliceValue, index: number): GoValue {
  const item = slice.items?.[index];
  if (item === undefined) throw new FunctionError("reflect: slice index out of range");
  return item;
}

function entryAt(map: MapValue, index: MaybeValue): MaybeValue {
  if (index === undefined) throw new FunctionError("value is nil; should be of type string");
  if (index.kind !== "string" || !sameType(index.type, STRING)) {
    throw new FunctionError(`value has type ${index.type.name}; should be string`);
  }
  return map.entries?.get(index.value) ?? zeroValue(map.type.element);
}

/** Part of a string or a list, like `value[first:last]`. @throws {FunctionError} */
export function partOf(value: MaybeValue, indices: readonly MaybeValue[]): MaybeValue {
  if (unwrapInterface(value) === undefined) throw new FunctionError("slice of untyped nil");
  const { value: item, isNil } = dereference(value);
  if (isNil || item === undefined) throw new FunctionError("slice of nil pointer");
  if (indices.length > 3) throw new FunctionError(`too many slice indexes: ${indices.length}`);
  if (item.kind !== "string" && item.kind !== "slice") {
    throw new FunctionError(`can't slice item of type ${item.type.name}`);
  }
  if (item.kind === "string" && indices.length === 3) {
    throw new FunctionError("cannot 3-index slice a string");
  }
  const length = item.kind === "string" ? item.value.length : (item.items?.length ?? 0);
  const [first = 0, last = length, limit] = indices.map((index) => position(unwrapInterface(index), length));
  checkOrder(first, last);
  if (limit !== undefined) checkOrder(last, limit);
  if (item.kind === "string") return { ...item, value: item.value.slice(first, last) };
  return { ...item, items: item.items?.slice(first, last) ?? null };
}

function checkOrder(first: number, last: number): void {
  if (first > last) throw new FunctionError(`invalid slice index: ${first} > ${last}`);
}

/** A position up to and including the end, where an element may still be missing. */
function position(index: MaybeValue, length: number): number {
  if (index === undefined) throw new FunctionError("cannot index slice/array with nil");
  if (index.kind !== "int" && index.kind !== "uint") {
    throw new FunctionError(`cannot index slice/array with type ${index.type.name}`);
  }
  const value = BigInt.asIntN(64, index.value);
  if (value < 0n || value > BigInt(length)) throw new FunctionError(`index out of range: ${value}`);
  return Number(value);
}
