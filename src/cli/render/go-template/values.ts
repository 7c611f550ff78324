import type { ByteText } from "./byte-text.ts";

/** The kinds of basic types; integers of all sizes are of one kind. */
export type BasicKind = "bool" | "int" | "uint" | "float" | "complex" | "string";

/** A type as Go's reflection knows it. Two types are the same if their names are. */
export type GoType =
  | { readonly [K in BasicKind]: BasicType<K> }[BasicKind]
  | SliceType
  | MapType
  | StructType
  | PointerType
  | InterfaceType
  | ReflectedType;

export interface BasicType<K extends BasicKind> {
  readonly kind: K;
  readonly name: string;
  /** Bits, of integers. */
  readonly size?: number;
  readonly methods?: () => MethodSet;
}

export interface SliceType {
  readonly kind: "slice";
  readonly name: string;
  readonly element: GoType;
}

/** All maps here have strings as keys. */
export interface MapType {
  readonly kind: "map";
  readonly name: string;
  readonly element: GoType;
}

export interface StructType {
  readonly kind: "struct";
  readonly name: string;
  readonly fields: readonly StructField[];
  readonly methods?: () => MethodSet;
}

export interface StructField {
  readonly name: string;
  readonly type: GoType;
  /** The name in JSON; without it the field's own. */
  readonly json?: string;
  readonly omitEmpty?: boolean;
  /** Whether the fields of this field count as fields of the struct. */
  readonly embedded?: boolean;
}

export interface PointerType {
  readonly kind: "pointer";
  readonly name: string;
  readonly target: GoType;
}

export interface InterfaceType {
  readonly kind: "interface";
  readonly name: "interface {}" | "error";
}

/** Only of parameters: any value whatever, even none, handed over as it is. */
export interface ReflectedType {
  readonly kind: "reflected";
  readonly name: "reflect.Value";
}

/** What a function takes. */
export interface Signature {
  readonly parameters: readonly GoType[];
  /** The type of any number of further parameters. */
  readonly variadic?: GoType;
}

/** A function that templates can call. */
export interface GoFunction extends Signature {
  /**
   * The values fit the parameters; a nil interface comes as undefined. `first` is the first operand as written.
   * @throws {FunctionError}
   */
  call(values: readonly MaybeValue[], first: ByteText): MaybeValue;
}

export interface Method extends Signature {
  /** Why templates cannot call it: their functions have one result, or one and an error. */
  readonly unusable?: string;
  /** @throws {FunctionError} */
  call(receiver: GoValue, values: readonly MaybeValue[]): MaybeValue;
}

/** The methods of a type by name. */
export type MethodSet = ReadonlyMap<ByteText, Method>;

/** A value with the type that a program would hold it under; an interface holds a value of another type. */
export type GoValue =
  | BoolValue
  | IntegerValue
  | FloatValue
  | ComplexValue
  | StringValue
  | SliceValue
  | MapValue
  | StructValue
  | PointerValue
  | InterfaceValue;

/** A value, or none at all: what a missing key of a map gives. */
export type MaybeValue = GoValue | undefined;

export interface BoolValue {
  readonly kind: "bool";
  readonly type: BasicType<"bool">;
  readonly value: boolean;
}

export interface IntegerValue {
  readonly kind: "int" | "uint";
  readonly type: BasicType<"int"> | BasicType<"uint">;
  readonly value: bigint;
}

export interface FloatValue {
  readonly kind: "float";
  readonly type: BasicType<"float">;
  readonly value: number;
}

export interface ComplexValue {
  readonly kind: "complex";
  readonly type: BasicType<"complex">;
  readonly real: number;
  readonly imaginary: number;
}

export interface StringValue {
  readonly kind: "string";
  readonly type: BasicType<"string">;
  readonly value: ByteText;
}

export interface SliceValue {
  readonly kind: "slice";
  readonly type: SliceType;
  /** Null for a slice that is nil, which differs from an empty one only in `%#v` and JSON. */
  readonly items: readonly GoValue[] | null;
}

export interface MapValue {
  readonly kind: "map";
  readonly type: MapType;
  /** Sorted by key; null for a map that is nil. */
  readonly entries: ReadonlyMap<ByteText, GoValue> | null;
}

export interface StructValue {
  readonly kind: "struct";
  readonly type: StructType;
  /** In the order of the type's fields. */
  readonly fields: readonly GoValue[];
  /** What the methods of the type work on, where that is not the fields. */
  readonly native?: unknown;
}

export interface PointerValue {
  readonly kind: "pointer";
  readonly type: PointerType;
  readonly target: GoValue | null;
}

export interface InterfaceValue {
  readonly kind: "interface";
  readonly type: InterfaceType;
  readonly content: GoValue | null;
}

export const BOOL: BasicType<"bool"> = { kind: "bool", name: "bool" };
export const INT: BasicType<"int"> = { kind: "int", name: "int", size: 64 };
export const INT64: BasicType<"int"> = { kind: "int", name: "int64", size: 64 };
export const UINT8: BasicType<"uint"> = { kind: "uint", name: "uint8", size: 8 };
export const UINT64: BasicType<"uint"> = { kind: "uint", name: "uint64", size: 64 };
export const FLOAT64: BasicType<"float"> = { kind: "float", name: "float64" };
export const COMPLEX128: BasicType<"complex"> = { kind: "complex", name: "complex128" };
export const STRING: BasicType<"string"> = { kind: "string", name: "string" };
export const ANY: InterfaceType = { kind: "interface", name: "interface {}" };
export const ERROR: InterfaceType = { kind: "interface", name: "error" };
export const REFLECTED: ReflectedType = { kind: "reflected", name: "reflect.Value" };
export const STRINGS: SliceType = sliceOf(STRING);
export const BYTES: SliceType = sliceOf(UINT8);

export function sliceOf(element: GoType): SliceType {
  return { kind: "slice", name: `[]${element.name}`, element };
}

export function mapOf(element: GoType): MapType {
  return { kind: "map", name: `map[string]${element.name}`, element };
}

export function pointerTo(target: GoType): PointerType {
  return { kind: "pointer", name: `*${target.name}`, target };
}

export function boolValue(value: boolean): BoolValue {
  return { kind: "bool", type: BOOL, value };
}

/** An integer of the type, wrapped around if it is too large for it. */
export function integerValue(
  value: bigint | number,
  type: BasicType<"int"> | BasicType<"uint"> = INT,
): IntegerValue {
  const size = type.size ?? 64;
  const wrapped =
    type.kind === "int" ? BigInt.asIntN(size, BigInt(value)) : BigInt.asUintN(size, BigInt(value));
  return { kind: type.kind, type, value: wrapped };
}

export function floatValue(value: number): FloatValue {
  return { kind: "float", type: FLOAT64, value };
}

export function stringValue(value: ByteText, type: BasicType<"string"> = STRING): StringValue {
  return { kind: "string", type, value };
}

export function stringsValue(values: readonly ByteText[]): SliceValue {
  return { kind: "slice", type: STRINGS, items: values.map((value) => stringValue(value)) };
}

/** A slice of bytes. */
export function bytesValue(bytes: Iterable<number>): SliceValue {
  return { kind: "slice", type: BYTES, items: Array.from(bytes, (byte) => integerValue(byte, UINT8)) };
}

export function isByteSlice(value: SliceValue): boolean {
  return value.type.element.name === UINT8.name;
}

/** What Go holds in a variable of the type that nothing was put into. */
export function zeroValue(type: GoType): MaybeValue {
  switch (type.kind) {
    case "bool":
      return { kind: "bool", type, value: false };
    case "int":
    case "uint":
      return { kind: type.kind, type, value: 0n };
    case "float":
      return { kind: "float", type, value: 0 };
    case "complex":
      return { kind: "complex", type, real: 0, imaginary: 0 };
    case "string":
      return { kind: "string", type, value: "" };
    case "slice":
      return { kind: "slice", type, items: null };
    case "map":
      return { kind: "map", type, entries: null };
    case "struct":
      return { kind: "struct", type, fields: type.fields.flatMap((field) => zeroValue(field.type) ?? []) };
    case "pointer":
      return { kind: "pointer", type, target: null };
    case "interface":
      return { kind: "interface", type, content: null };
    case "reflected":
      return undefined;
  }
}

export function sameType(left: GoType, right: GoType): boolean {
  return left.name === right.name;
}

/** What an interface holds; any other value itself. */
export function unwrapInterface(value: MaybeValue): MaybeValue {
  return value?.kind === "interface" ? (value.content ?? undefined) : value;
}

/** Follows pointers and interfaces to what they hold, or up to one that is nil. */
export function dereference(value: MaybeValue): { readonly value: MaybeValue; readonly isNil: boolean } {
  let current = value;
  while (current?.kind === "pointer" || current?.kind === "interface") {
    const held: GoValue | null = current.kind === "pointer" ? current.target : current.content;
    if (held === null) return { value: current, isNil: true };
    current = held;
  }
  return { value: current, isNil: false };
}

export function isNil(value: GoValue): boolean {
  switch (value.kind) {
    case "slice":
      return value.items === null;
    case "map":
      return value.entries === null;
    case "pointer":
      return value.target === null;
    case "interface":
      return value.content === null;
    default:
      return false;
  }
}
