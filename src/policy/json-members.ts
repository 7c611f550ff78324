import { decodeBase64 } from "../core/base64.ts";
import { ImageError } from "../core/errors.ts";

/** The members of a JSON object, none of them unknown. */
export interface JsonMembers {
  has(key: string): boolean;
  /** As parsed; undefined when absent. */
  value(key: string): unknown;
  /** "" when absent or null. @throws {ImageError} CONFIG_INVALID when it is no string */
  text(key: string): string;
  /** Undefined when absent or null. @throws {ImageError} CONFIG_INVALID when it is no list of strings */
  texts(key: string): readonly string[] | undefined;
  /** What base64 stands for; undefined when absent or null. @throws {ImageError} CONFIG_INVALID */
  bytes(key: string): Uint8Array | undefined;
  /** The same for a list. @throws {ImageError} CONFIG_INVALID */
  bytesList(key: string): readonly Uint8Array[] | undefined;
}

/**
 * Reads a JSON object that may have the members `known` and no others.
 * @throws {ImageError} CONFIG_INVALID
 */
export function readMembers(value: unknown, known: readonly string[]): JsonMembers {
  const object = readObject(value);
  for (const key of Object.keys(object)) {
    if (!known.includes(key)) throw invalid(`Unknown key ${JSON.stringify(key)}`);
  }
  const text = (key: string, member: unknown): string => {
    if (member === undefined || member === null) return "";
    if (typeof member !== "string") throw unexpectedType(key, "string", member);
    return member;
  };
  const texts = (key: string): readonly string[] | undefined => {
    const member = object[key];
    if (member === undefined || member === null) return undefined;
    if (!Array.isArray(member)) throw unexpectedType(key, "array", member);
    return member.map((element: unknown) => text(key, element));
  };
  return {
    has: (key) => Object.hasOwn(object, key),
    value: (key) => object[key],
    text: (key) => text(key, object[key]),
    texts,
    bytes: (key) => {
      const member = object[key];
      return member === undefined || member === null ? undefined : decodeBase64(text(key, member));
    },
    bytesList: (key) => texts(key)?.map((element) => decodeBase64(element)),
  };
}

/** Fails unless all of `keys` are there. @throws {ImageError} CONFIG_INVALID */
export function requireMembers(members: JsonMembers, keys: readonly string[]): void {
  for (const key of keys) {
    if (!members.has(key)) throw invalid(`Key ${JSON.stringify(key)} missing in a JSON object`);
  }
}

/** @throws {ImageError} CONFIG_INVALID */
export function readObject(value: unknown): Readonly<Record<string, unknown>> {
  if (isObject(value)) return value;
  throw invalid(`JSON object expected, got ${describe(value)}`);
}

/** The `type` of a requirement or identity match; "" when it has none. @throws {ImageError} CONFIG_INVALID */
export function readType(value: unknown): string {
  if (value === null) return "";
  const { type } = readObject(value);
  if (type === undefined || type === null) return "";
  if (typeof type !== "string") throw unexpectedType("type", "string", type);
  return type;
}

/** A policy that cannot be used. */
export function invalid(message: string): ImageError {
  return new ImageError("CONFIG_INVALID", message);
}

function unexpectedType(key: string, expected: string, value: unknown): ImageError {
  return invalid(`JSON ${expected} expected for key ${JSON.stringify(key)}, got ${describe(value)}`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function describe(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}
