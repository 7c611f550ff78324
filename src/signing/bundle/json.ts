import * as v from "valibot";
import { ImageError } from "../../core/errors.ts";
import { parseStrictJson } from "../../core/strict-json.ts";

/** Standard base64 in the one form that its bytes have, so that nobody can change it without changing them. */
export const Base64: v.GenericSchema<unknown, Uint8Array> = v.pipe(
  v.string(),
  v.check((text) => decode(text) !== undefined, "is not base64"),
  v.transform((text) => decode(text) ?? new Uint8Array()),
);

/** A number that is not negative; 64 bits wide ones are written as strings. */
export const Count: v.GenericSchema<unknown, number> = v.pipe(
  v.union([v.number(), v.pipe(v.string(), v.regex(/^(?:0|[1-9][0-9]*)$/), v.transform(Number))]),
  v.safeInteger(),
  v.minValue(0),
);

/**
 * Reads JSON in which nothing may be there twice.
 * @param what begins the message of an error
 * @throws {ImageError} SIGNATURE_INVALID
 */
export function readJson<Schema extends v.GenericSchema>(
  schema: Schema,
  bytes: Uint8Array,
  what: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, parse(bytes, what), { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const place = v.getDotPath(issue) ?? "the document";
  throw new ImageError("SIGNATURE_INVALID", `${what}: ${place} ${problemOf(issue)}`);
}

function problemOf(issue: v.BaseIssue<unknown>): string {
  if (issue.type === "check") return issue.message;
  if (issue.kind === "schema" && issue.type === "strict_object" && issue.expected === "never") {
    return "is not known";
  }
  return issue.input === undefined ? "is missing" : "is not what it should be";
}

function parse(bytes: Uint8Array, what: string): unknown {
  try {
    return parseStrictJson(bytes, { code: "SIGNATURE_INVALID" });
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw new ImageError("SIGNATURE_INVALID", `${what}: it cannot be read: ${error.message}`, {
      cause: error,
    });
  }
}

function decode(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? new Uint8Array(bytes) : undefined;
}
