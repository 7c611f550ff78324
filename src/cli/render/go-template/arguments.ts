import type { ByteText } from "./byte-text.ts";
import type { FailurePlace } from "./failure-place.ts";
import { formatNode, type Operand } from "./nodes.ts";
import type { NumberLiteral } from "./number-literal.ts";
import {
  ANY,
  boolValue,
  COMPLEX128,
  FLOAT64,
  floatValue,
  type GoType,
  type GoValue,
  integerValue,
  type MaybeValue,
  sameType,
  stringValue,
  unwrapInterface,
  zeroValue,
} from "./values.ts";

/** The kinds of operands that are written out in the template. */
export type Constant = Extract<Operand, { readonly kind: "bool" | "number" | "string" }>;

/**
 * A value that was computed, as an argument for a parameter of the type: a nil interface becomes undefined, a pointer
 * may be followed once.
 */
export function fitValue(value: MaybeValue, type: GoType, place: FailurePlace): MaybeValue {
  if (type.kind === "reflected") return value;
  if (value === undefined) {
    if (!canBeNil(type)) throw place.error(`invalid value; expected ${type.name}`);
    return type.kind === "interface" ? undefined : zeroValue(type);
  }
  if (sameType(type, ANY)) return unwrapInterface(value);
  if (sameType(value.type, type)) return value;
  const content = value.kind === "interface" ? (value.content ?? value) : value;
  if (sameType(content.type, type)) return content;
  if (content.kind === "pointer" && sameType(content.type.target, type)) {
    if (content.target === null) throw place.error(`dereference of nil pointer of type ${type.name}`);
    return content.target;
  }
  throw place.error(`wrong type for value; expected ${type.name}; got ${content.type.name}`);
}

/** The constant `nil` as an argument. */
export function fitNil(type: GoType, place: FailurePlace): MaybeValue {
  if (!canBeNil(type)) throw place.error(`cannot assign nil to ${type.name}`);
  return type.kind === "reflected" || type.kind === "interface" ? undefined : zeroValue(type);
}

/** A constant as an argument, which a number can be for parameters of several types. */
export function fitConstant(node: Constant, type: GoType, place: FailurePlace): MaybeValue {
  switch (type.kind) {
    case "interface":
    case "reflected":
      return constantValue(node, place);
    case "bool":
      if (node.kind !== "bool") break;
      return { kind: "bool", type, value: node.value };
    case "string":
      if (node.kind !== "string") break;
      return stringValue(node.value, type);
    case "slice":
    case "map":
    case "struct":
    case "pointer":
      throw place.error(`can't handle ${formatNode(node)} for arg of type ${type.name}`);
    default: {
      const value = node.kind === "number" ? fitNumber(node.literal, type) : undefined;
      if (value !== undefined) return value;
    }
  }
  throw place.error(`expected ${WORDS[type.kind]}; found ${formatNode(node)}`);
}

const WORDS: Readonly<Partial<Record<GoType["kind"], ByteText>>> = {
  bool: "bool",
  string: "string",
  int: "integer",
  uint: "unsigned integer",
  float: "float",
  complex: "complex",
};

function fitNumber(literal: NumberLiteral, type: GoType): GoValue | undefined {
  switch (type.kind) {
    case "int":
      return literal.int === undefined ? undefined : integerValue(literal.int, type);
    case "uint":
      return literal.uint === undefined ? undefined : integerValue(literal.uint, type);
    case "float":
      return literal.float === undefined ? undefined : { ...floatValue(literal.float), type };
    case "complex":
      return literal.complex === undefined ? undefined : { kind: "complex", type, ...literal.complex };
    default:
      return undefined;
  }
}

/** A constant where any type would do. */
export function constantValue(node: Constant, place: FailurePlace): GoValue {
  switch (node.kind) {
    case "bool":
      return boolValue(node.value);
    case "string":
      return stringValue(node.value);
    case "number":
      return numberValue(node.literal, place);
  }
}

/** What is written like a float is one, even if it is whole; for Go that goes for `-0xE` as well, but not for `0xE`. */
function numberValue({ text, int, float, complex }: NumberLiteral, place: FailurePlace): GoValue {
  if (complex !== undefined) return { kind: "complex", type: COMPLEX128, ...complex };
  const isPlain = /^0[xX][^pP]*$/.test(text) || text.startsWith("'");
  if (float !== undefined && !isPlain && /[.eEpP]/.test(text)) {
    return { kind: "float", type: FLOAT64, value: float };
  }
  if (int !== undefined) return integerValue(int);
  throw place.error(`${text} overflows int`);
}

function canBeNil(type: GoType): boolean {
  return ["interface", "map", "pointer", "slice", "reflected"].includes(type.kind);
}
