import * as v from "valibot";
import { isRecord } from "../../format/json.ts";

/** An object whose members may be written in any letter case, as Go's decoder has it. images.md 1.4. */
export function foldedObject<S extends v.GenericSchema>(
  names: readonly string[],
  schema: S,
): v.GenericSchema<unknown, v.InferOutput<S>> {
  const spelled = new Map(names.map((name) => [name.toLowerCase(), name]));
  return v.pipe(
    v.unknown(),
    v.transform((value) => (isRecord(value) ? folded(value, spelled) : value)),
    schema,
  );
}

/** Of several spellings the last one counts. */
function folded(
  value: Readonly<Record<string, unknown>>,
  spelled: ReadonlyMap<string, string>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [spelled.get(key.toLowerCase()) ?? key, member]),
  );
}
