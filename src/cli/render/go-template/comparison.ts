import { FunctionError } from "./errors.ts";
import { formatValue } from "./value-format.ts";
import { type GoType, type GoValue, isNil, type MaybeValue, unwrapInterface } from "./values.ts";

type ComparableKind = "bool" | "int" | "uint" | "float" | "complex" | "string";

/** Whether the first value equals one of the others. @throws {FunctionError} */
export function isEqualToAny(first: MaybeValue, others: readonly MaybeValue[]): boolean {
  if (others.length === 0) throw new FunctionError("missing argument for comparison");
  const left = unwrapInterface(first);
  return others.some((other) => areEqual(left, unwrapInterface(other)));
}

/** Whether two values are not equal. @throws {FunctionError} */
export function areDifferent(left: MaybeValue, right: MaybeValue): boolean {
  return !areEqual(unwrapInterface(left), unwrapInterface(right));
}

/** Whether the first value is smaller. @throws {FunctionError} */
export function isLess(first: MaybeValue, second: MaybeValue): boolean {
  const left = unwrapInterface(first);
  const right = unwrapInterface(second);
  if (kindOf(left) === undefined || kindOf(right) === undefined) throw unordered();
  if (isNumber(left) && isNumber(right)) return left.value < right.value;
  if (left?.kind !== right?.kind) throw incompatible(left, right);
  if (left?.kind === "string" && right?.kind === "string") return left.value < right.value;
  if (left?.kind === "float" && right?.kind === "float") return left.value < right.value;
  throw unordered();
}

function areEqual(left: MaybeValue, right: MaybeValue): boolean {
  const kind = kindOf(left);
  if (isNumber(left) && isNumber(right)) return left.value === right.value;
  if (kind !== kindOf(right)) {
    if (left === undefined || right === undefined) return false;
    throw incompatible(left, right);
  }
  if (left === undefined || right === undefined || kind === undefined) return areSame(left, right);
  return isSameValue(left, right);
}

/** Compares what only Go's `==` can compare, and anything with nil. */
function areSame(left: MaybeValue, right: MaybeValue): boolean {
  if (left !== undefined && right !== undefined && left.kind !== right.kind) {
    const [first, second] = [formatValue(left, "s"), formatValue(right, "v")];
    throw new FunctionError(
      `non-comparable types ${first}: ${left.type.name}, ${right.type.name}: ${second}`,
    );
  }
  const leftNil = left === undefined || isNil(left);
  const rightNil = right === undefined || isNil(right);
  if (leftNil || rightNil) return leftNil && rightNil;
  if (!isComparable(right.type)) {
    throw new FunctionError(`non-comparable type ${formatValue(right, "s")}: ${right.type.name}`);
  }
  return isSameValue(left, right);
}

function isSameValue(left: GoValue, right: GoValue): boolean {
  if (left.type.name !== right.type.name && kindOf(left) === undefined) return false;
  switch (left.kind) {
    case "complex":
      return right.kind === "complex" && left.real === right.real && left.imaginary === right.imaginary;
    case "struct":
      return (
        right.kind === "struct" &&
        left.fields.every((field, index) => isSameField(field, right.fields[index]))
      );
    case "pointer":
      return right.kind === "pointer" && left.target === right.target;
    case "bool":
    case "int":
    case "uint":
    case "float":
    case "string":
      return right.kind === left.kind && left.value === right.value;
    default:
      return false;
  }
}

function isSameField(left: GoValue, right: GoValue | undefined): boolean {
  return right !== undefined && isSameValue(left, right);
}

function isComparable(type: GoType): boolean {
  if (type.kind === "struct") return type.fields.every((field) => isComparable(field.type));
  return type.kind !== "slice" && type.kind !== "map";
}

function isNumber(value: MaybeValue): value is GoValue & { readonly kind: "int" | "uint" } {
  return value?.kind === "int" || value?.kind === "uint";
}

function kindOf(value: MaybeValue): ComparableKind | undefined {
  switch (value?.kind) {
    case "bool":
    case "int":
    case "uint":
    case "float":
    case "complex":
    case "string":
      return value?.kind;
    default:
      return undefined;
  }
}

function unordered(): FunctionError {
  return new FunctionError("invalid type for comparison");
}

function incompatible(left: MaybeValue, right: MaybeValue): FunctionError {
  return new FunctionError(`incompatible types for comparison: ${left?.type.name} and ${right?.type.name}`);
}
