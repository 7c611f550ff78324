import * as v from "valibot";

/** An object of a document, as against an array or a single value. */
export const TableSchema: v.GenericSchema<Record<string, unknown>> = v.custom<Record<string, unknown>>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
);

/**
 * Gives the members whose names differ from one in `known` only by letter case that name, as the readers of these
 * files always did. A name spelled exactly wins over its variants; other members stay as they are.
 */
export function foldKeys(
  record: Readonly<Record<string, unknown>>,
  known: readonly string[],
): Record<string, unknown> {
  const folded: Record<string, unknown> = { ...record };
  for (const name of known) {
    if (Object.hasOwn(record, name)) continue;
    const variant = Object.keys(record).find((key) => key.toLowerCase() === name.toLowerCase());
    if (variant === undefined) continue;
    folded[name] = record[variant];
    delete folded[variant];
  }
  return folded;
}
