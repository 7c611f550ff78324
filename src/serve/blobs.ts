import { ApiError } from "./api-error.ts";
import { type Exchange, requireDigest } from "./exchange.ts";
import { parseRange } from "./ranges.ts";
import { contentReply, emptyReply } from "./replies.ts";

/** `GET` and `HEAD /v2/<name>/blobs/<digest>`. Distribution spec 1.1, "Pulling blobs". */
export async function getBlob({ request, reference, store }: Exchange): Promise<Response> {
  const digest = requireDigest(reference);
  const content = await store.findBlob(digest);
  if (content === undefined) throw blobUnknown(digest);
  const range = request.method === "HEAD" ? "all" : parseRange(request.headers.get("Range"), content.size);
  if (range === "none") {
    throw new ApiError("RANGE_INVALID", { headers: { "Content-Range": `bytes */${content.size}` } });
  }
  return await contentReply(request.method, content, range === "all" ? undefined : range, {
    "Content-Type": "application/octet-stream",
    "Content-Disposition": "attachment",
    "Accept-Ranges": "bytes",
    "Docker-Content-Digest": digest,
  });
}

/** `DELETE /v2/<name>/blobs/<digest>`. Distribution spec 1.1, "Deleting Blobs". */
export async function deleteBlob({ reference, catalogue }: Exchange): Promise<Response> {
  const digest = requireDigest(reference);
  if (!(await catalogue.deleteBlob(digest))) throw blobUnknown(digest);
  return emptyReply(202, { "Docker-Content-Digest": digest });
}

function blobUnknown(digest: string): ApiError {
  return new ApiError("BLOB_UNKNOWN", { details: [{ digest }] });
}
