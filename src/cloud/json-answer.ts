import * as v from "valibot";

/** Reads JSON as `schema` has it; undefined when it is anything else, because what it is may be a secret. */
export function parseAnswer<T>(bytes: Uint8Array, schema: v.GenericSchema<unknown, T>): T | undefined {
  try {
    const result = v.safeParse(schema, JSON.parse(new TextDecoder().decode(bytes)));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}

const ErrorSchema = v.object({
  error: v.nullish(v.union([v.string(), v.object({ message: v.nullish(v.string()) })])),
  error_description: v.nullish(v.string()),
  errors: v.nullish(v.array(v.object({ code: v.nullish(v.string()), message: v.nullish(v.string()) }))),
});

/** The reason in an error of OAuth 2, of a Google API or of a registry; the status alone when there is none. */
export function describeRefusal(status: number, bytes: Uint8Array): string {
  const answer = parseAnswer(bytes, ErrorSchema);
  const error = typeof answer?.error === "string" ? answer.error : answer?.error?.message;
  const first = answer?.errors?.[0];
  const words = [error, answer?.error_description, first?.code, first?.message].filter((word) => !!word);
  return words.length === 0 ? `status ${status}` : `status ${status}: ${words.join(": ")}`;
}
