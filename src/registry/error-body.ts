import * as v from "valibot";

const ErrorBodySchema = v.object({
  errors: v.pipe(
    v.array(
      v.object({
        code: v.optional(v.string(), ""),
        message: v.optional(v.string(), ""),
        detail: v.optional(v.unknown()),
      }),
    ),
    v.minLength(1),
  ),
});
const DetailsBodySchema = v.object({ details: v.string() });

/** What the body of a refused request says. */
export interface ErrorBody {
  /** The first of the errors that the distribution spec lists. */
  readonly first: { readonly code: string; readonly message: string; readonly detail?: unknown } | undefined;
  /** What some registries say in their place. */
  readonly details: string | undefined;
}

/** Reads a body; one that is something else says nothing. */
export function readErrorBody(body: string): ErrorBody {
  const value = parse(body);
  const listed = v.safeParse(ErrorBodySchema, value);
  const other = v.safeParse(DetailsBodySchema, value);
  return {
    first: listed.success ? listed.output.errors[0] : undefined,
    details: other.success ? other.output.details : undefined,
  };
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
