import type { ByteText } from "./byte-text.ts";
import type { FailurePlace } from "./failure-place.ts";
import { dereference, type GoValue, type MapValue, type MaybeValue, type StructValue } from "./values.ts";

/** A field of a struct, or the entry of a map with the name as its key. Methods are not looked at. */
export function fieldOf(
  receiver: GoValue,
  name: ByteText,
  hasArguments: boolean,
  place: FailurePlace,
): MaybeValue {
  const { value, isNil } = dereference(receiver);
  const typeName = receiver.type.name;
  if (value?.kind === "interface") throw place.error(`nil pointer evaluating ${typeName}.${name}`);
  if (value?.kind === "map") return entryOf(value, name, hasArguments, place);
  if (value?.kind === "struct") {
    const found = findField(value, name);
    if (found !== undefined) return checkedField(found, name, typeName, hasArguments, place);
  }
  if (isNil && value?.kind === "pointer" && couldHaveField(value.type.target, name)) {
    throw place.error(`nil pointer evaluating ${typeName}.${name}`);
  }
  throw place.error(`can't evaluate field ${name} in type ${typeName}`);
}

function entryOf(map: MapValue, name: ByteText, hasArguments: boolean, place: FailurePlace): MaybeValue {
  if (hasArguments) throw place.error(`${name} is not a method but has arguments`);
  return map.entries?.get(name);
}

function checkedField(
  field: GoValue,
  name: ByteText,
  typeName: string,
  hasArguments: boolean,
  place: FailurePlace,
): GoValue {
  if (!/^[A-Z]/.test(name)) {
    throw place.error(`${name} is an unexported field of struct type ${typeName}`);
  }
  if (hasArguments) throw place.error(`${name} has arguments but cannot be invoked as function`);
  return field;
}

/** A field of the struct itself, or of a struct embedded in it. */
function findField(struct: StructValue, name: ByteText): GoValue | undefined {
  const own = struct.fields[struct.type.fields.findIndex((field) => field.name === name)];
  if (own !== undefined) return own;
  for (const [index, field] of struct.type.fields.entries()) {
    const embedded = field.embedded ? struct.fields[index] : undefined;
    const found = embedded?.kind === "struct" ? findField(embedded, name) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function couldHaveField(type: GoValue["type"] | { readonly kind: "reflected" }, name: ByteText): boolean {
  return type.kind !== "struct" || type.fields.some((field) => field.name === name);
}
