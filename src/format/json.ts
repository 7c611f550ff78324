import * as v from "valibot";
import { ImageError } from "../core/errors.ts";

/** The largest manifest or config that is read into memory, in bytes. */
export const DOCUMENT_LIMIT: number = 4 * 1024 * 1024;

/** Nesting beyond this is no image document but an attack on parsers. */
const MAX_DEPTH = 64;

/**
 * Parses JSON and checks it against `schema`.
 * @throws {ImageError} MANIFEST_INVALID naming `what`, and the first place that does not fit
 */
export function parseJson<S extends v.GenericSchema>(
  schema: S,
  bytes: Uint8Array,
  what: string,
): v.InferOutput<S> {
  const result = v.safeParse(schema, parseJsonValue(bytes, what));
  if (result.success) return result.output;
  const issue = result.issues[0];
  const place = v.getDotPath(issue);
  throw new ImageError("MANIFEST_INVALID", `${what}: ${place === null ? "" : `${place}: `}${issue.message}`);
}

/** Parses JSON that nothing is known about. @throws {ImageError} MANIFEST_INVALID */
export function parseJsonValue(bytes: Uint8Array, what: string): unknown {
  checkDepth(bytes, what);
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    const start = new TextDecoder().decode(bytes.subarray(0, 40)).replace(/\s+/g, " ").trim();
    throw new ImageError(
      "MANIFEST_INVALID",
      `${what} is not valid JSON: it begins with ${JSON.stringify(start)}`,
      {
        cause: error,
      },
    );
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Refuses documents nested so deeply that a recursive reader of them could overflow; strings do not count. */
function checkDepth(bytes: Uint8Array, what: string): void {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (inString) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > MAX_DEPTH) {
        throw new ImageError("MANIFEST_INVALID", `${what}: nested more than ${MAX_DEPTH} levels deep`);
      }
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
}
