import { collect } from "../core/byte-stream.ts";
import type { HttpResponse } from "../runtime/http.ts";
import { networkError } from "./network-error.ts";

/**
 * The whole body of an answer of at most `limit` bytes. `collect` alone would hand on a runtime's own words of a connection
 * that breaks in the middle, as a failure that is not worth another try.
 * @throws {ImageError} SIZE_LIMIT; NETWORK_FAILURE, transient, for a broken connection
 */
export async function readDocument(
  { body, url }: HttpResponse,
  limit: number,
  what: string,
): Promise<Uint8Array> {
  try {
    return await collect(body, limit, what);
  } catch (error) {
    throw networkError("GET", url, error);
  }
}
