import type { OperationOptions } from "../core/byte-stream.ts";
import { errorMessage, ImageError, isAbort } from "../core/errors.ts";
import type { BlobPointer, BlobReader } from "../core/image.ts";
import { openResumableBlob } from "../registry/blob-download.ts";
import { errorFromResponse } from "../registry/registry-error.ts";
import type { HttpClient } from "../runtime/http.ts";

/**
 * Reads a blob that its store only points to, from the first of its URLs that answers; without credentials.
 * @throws {ImageError} NETWORK_FAILURE when none does
 */
export async function fetchExternalBlob(
  client: HttpClient,
  blob: BlobPointer,
  options: OperationOptions = {},
): Promise<BlobReader> {
  const failures: string[] = [];
  for (const url of (blob.urls ?? []).filter((candidate) => /^https?:\/\//i.test(candidate))) {
    try {
      return await openResumableBlob(async (headers, attempt) => {
        const response = await client.send({ method: "GET", url, headers }, attempt);
        if (response.status === 200 || response.status === 206) return response;
        throw await errorFromResponse(response);
      }, options);
    } catch (error) {
      if (isAbort(error)) throw error;
      failures.push(errorMessage(error));
    }
  }
  throw new ImageError(
    "NETWORK_FAILURE",
    `failed fetching external blob from all urls: ${failures.join(", ") || "none is usable"}`,
  );
}
