import { isDigest } from "../../../core/digest.ts";
import type { ByteText } from "./byte-text.ts";
import { FunctionError } from "./errors.ts";
import { quote } from "./quote.ts";
import {
  type BasicType,
  boolValue,
  ERROR,
  type GoValue,
  integerValue,
  type Method,
  type MethodSet,
  STRING,
  type StructType,
  stringValue,
} from "./values.ts";

const SIZES: ReadonlyMap<string, number> = new Map([
  ["sha256", 32],
  ["sha384", 48],
  ["sha512", 64],
]);

/** Go's `digest.Digest`: a string, but not one that functions of strings take. */
export const DIGEST: BasicType<"string"> = {
  kind: "string",
  name: "digest.Digest",
  methods: () => DIGEST_METHODS,
};

const ALGORITHM: BasicType<"string"> = {
  kind: "string",
  name: "digest.Algorithm",
  methods: () => ALGORITHM_METHODS,
};

const DIGEST_METHODS: MethodSet = new Map<string, Method>([
  ["String", getter(stringValue)],
  ["Algorithm", getter((digest) => stringValue(digest.slice(0, separatorOf(digest)), ALGORITHM))],
  ["Encoded", getter((digest) => stringValue(digest.slice(separatorOf(digest) + 1)))],
  ["Hex", getter((digest) => stringValue(digest.slice(separatorOf(digest) + 1)))],
  [
    "Validate",
    getter((digest) => errorValue(isDigest(digest) ? undefined : "invalid checksum digest format")),
  ],
]);

const ALGORITHM_METHODS: MethodSet = new Map<string, Method>([
  ["String", getter(stringValue)],
  ["Available", getter((algorithm) => boolValue(SIZES.has(algorithm)))],
  ["Size", getter((algorithm) => integerValue(SIZES.get(algorithm) ?? 0))],
]);

const ERROR_TEXT: StructType = {
  kind: "struct",
  name: "errors.errorString",
  fields: [{ name: "s", type: STRING }],
  methods: () => ERROR_METHODS,
};

const ERROR_METHODS: MethodSet = new Map<string, Method>([
  ["Error", { parameters: [], call: (value) => (value.kind === "struct" ? value.fields[0] : undefined) }],
]);

function errorValue(message: string | undefined): GoValue {
  if (message === undefined) return { kind: "interface", type: ERROR, content: null };
  const content: GoValue = { kind: "struct", type: ERROR_TEXT, fields: [stringValue(message)] };
  return { kind: "interface", type: ERROR, content };
}

function getter(call: (text: ByteText) => GoValue): Method {
  return { parameters: [], call: (receiver) => call(receiver.kind === "string" ? receiver.value : "") };
}

function separatorOf(digest: ByteText): number {
  const separator = digest.indexOf(":");
  if (separator < 0) throw new FunctionError(`no ':' separator in digest ${quote(digest)}`);
  return separator;
}
