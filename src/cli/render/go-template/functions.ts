import type { ByteText } from "./byte-text.ts";
import { areDifferent, isEqualToAny, isLess } from "./comparison.ts";
import { integerOf } from "./duration-type.ts";
import { FunctionError } from "./errors.ts";
import { escapeHtml, escapeQuery, escapeScript } from "./escape.ts";
import { toLower, toTitle, toUpper } from "./letter-case.ts";
import { formatPrint, formatPrintf, formatPrintln } from "./printf.ts";
import { elementAt, lengthOf, partOf } from "./sequences.ts";
import { splitText } from "./split-text.ts";
import { isTrue } from "./truth.ts";
import { formatValueJson } from "./value-json.ts";
import {
  ANY,
  boolValue,
  dereference,
  type GoFunction,
  INT,
  integerValue,
  type MaybeValue,
  REFLECTED,
  STRING,
  STRINGS,
  stringsValue,
  stringValue,
  unwrapInterface,
} from "./values.ts";

/** The functions that templates can call: those of Go's text/template, and those that container tools add. cli.md 5.2. */
export const FUNCTIONS: ReadonlyMap<ByteText, GoFunction> = new Map<ByteText, GoFunction>([
  // The evaluator does the work of these two, which do not evaluate all their operands.
  ["and", { parameters: [REFLECTED], variadic: REFLECTED, call: ([first]) => first }],
  ["or", { parameters: [REFLECTED], variadic: REFLECTED, call: ([first]) => first }],
  ["not", { parameters: [REFLECTED], call: ([value]) => boolValue(!isTrue(value)) }],
  ["call", { parameters: [REFLECTED], variadic: REFLECTED, call: callValue }],

  ["eq", comparison((first, others) => isEqualToAny(first, others))],
  ["ne", ordering((left, right) => areDifferent(left, right))],
  ["lt", ordering(isLess)],
  ["le", ordering((left, right) => isLess(left, right) || isEqualToAny(left, [right]))],
  ["gt", ordering((left, right) => !isLess(left, right) && !isEqualToAny(left, [right]))],
  ["ge", ordering((left, right) => !isLess(left, right))],

  ["len", { parameters: [REFLECTED], call: ([value]) => integerValue(lengthOf(value)) }],
  ["index", selection(elementAt)],
  ["slice", selection(partOf)],

  ["print", textFunction(formatPrint)],
  ["println", textFunction(formatPrintln)],
  [
    "printf",
    {
      parameters: [STRING],
      variadic: ANY,
      call: ([format, ...values]) => stringValue(formatPrintf(textOf(format), values)),
    },
  ],
  ["html", textFunction((values) => escapeHtml(joinPrintable(values)))],
  ["js", textFunction((values) => escapeScript(joinPrintable(values)))],
  ["urlquery", textFunction((values) => escapeQuery(joinPrintable(values)))],

  ["json", { parameters: [ANY], call: ([value]) => stringValue(formatValueJson(value)) }],
  ["lower", { parameters: [STRING], call: ([text]) => stringValue(toLower(textOf(text))) }],
  ["upper", { parameters: [STRING], call: ([text]) => stringValue(toUpper(textOf(text))) }],
  ["title", { parameters: [STRING], call: ([text]) => stringValue(toTitle(textOf(text))) }],
  [
    "join",
    {
      parameters: [STRINGS, STRING],
      call: ([list, separator]) => stringValue(joinTexts(list, textOf(separator))),
    },
  ],
  [
    "split",
    {
      parameters: [STRING, STRING],
      call: ([text, separator]) => stringsValue(splitText(textOf(text), textOf(separator))),
    },
  ],
  [
    "pad",
    {
      parameters: [STRING, INT, INT],
      call: ([text, before, after]) =>
        stringValue(padText(textOf(text), integerOf(before), integerOf(after))),
    },
  ],
  [
    "truncate",
    {
      parameters: [STRING, INT],
      call: ([text, length]) => stringValue(truncateText(textOf(text), integerOf(length))),
    },
  ],
]);

function comparison(compare: (first: MaybeValue, others: readonly MaybeValue[]) => boolean): GoFunction {
  return {
    parameters: [REFLECTED],
    variadic: REFLECTED,
    call: ([first, ...others]) => boolValue(compare(first, others)),
  };
}

function ordering(compare: (left: MaybeValue, right: MaybeValue) => boolean): GoFunction {
  return { parameters: [REFLECTED, REFLECTED], call: ([left, right]) => boolValue(compare(left, right)) };
}

function selection(select: (value: MaybeValue, indices: readonly MaybeValue[]) => MaybeValue): GoFunction {
  return {
    parameters: [REFLECTED],
    variadic: REFLECTED,
    call: ([value, ...indices]) => select(value, indices),
  };
}

function textFunction(format: (values: readonly MaybeValue[]) => ByteText): GoFunction {
  return { parameters: [], variadic: ANY, call: (values) => stringValue(format(values)) };
}

/** No value here is a function that could be called. */
function callValue([value]: readonly MaybeValue[], first: ByteText): MaybeValue {
  const callee = unwrapInterface(value);
  if (callee === undefined) throw new FunctionError("call of nil");
  throw new FunctionError(`non-function ${first} of type ${callee.type.name}`);
}

/** Values as the output of an action shows them, a single string as it is. */
function joinPrintable(values: readonly MaybeValue[]): ByteText {
  return formatPrint(
    values.map((value) => (value === undefined ? stringValue("<no value>") : printable(value))),
  );
}

function printable(value: MaybeValue): MaybeValue {
  return value?.kind === "pointer" ? dereference(value).value : value;
}

function joinTexts(list: MaybeValue, separator: ByteText): ByteText {
  const items = list?.kind === "slice" ? (list.items ?? []) : [];
  return items.map(textOf).join(separator);
}

function padText(text: ByteText, before: bigint, after: bigint): ByteText {
  if (text === "") return "";
  if (before < 0n || after < 0n) throw new FunctionError("strings: negative Repeat count");
  return " ".repeat(Number(before)) + text + " ".repeat(Number(after));
}

function truncateText(text: ByteText, length: bigint): ByteText {
  if (length < 0n) throw new FunctionError(`runtime error: slice bounds out of range [:${length}]`);
  return text.slice(0, Number(length));
}

function textOf(value: MaybeValue): ByteText {
  return value?.kind === "string" ? value.value : "";
}
