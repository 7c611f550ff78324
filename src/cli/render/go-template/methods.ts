import { FunctionError } from "./errors.ts";
import type { GoType, GoValue, Method } from "./values.ts";

/** A method together with the value it is called on; null for a pointer that is nil. */
export interface BoundMethod {
  readonly method: Method;
  readonly receiver: GoValue | null;
  readonly typeName: string;
}

/** The method of the value's type, or of the type it points to. */
export function findMethod(value: GoValue, name: string): BoundMethod | undefined {
  const type = value.kind === "pointer" ? value.type.target : value.type;
  const method = methodsOf(type)?.get(name);
  if (method === undefined) return undefined;
  return { method, receiver: value.kind === "pointer" ? value.target : value, typeName: type.name };
}

/** @throws {FunctionError} when the receiver is nil */
export function receiverOf(bound: BoundMethod, name: string): GoValue {
  if (bound.receiver !== null) return bound.receiver;
  const short = bound.typeName.slice(bound.typeName.indexOf(".") + 1);
  throw new FunctionError(`value method ${bound.typeName}.${name} called using nil *${short} pointer`);
}

function methodsOf(type: GoType): ReadonlyMap<string, Method> | undefined {
  if (type.kind === "struct") return type.methods?.();
  return "methods" in type ? type.methods?.() : undefined;
}
