import type { ByteStream } from "../core/byte-stream.ts";
import type { Digest } from "../core/digest.ts";
import { ImageError } from "../core/errors.ts";
import { ApiError } from "./api-error.ts";
import { bodyOf, contentLength, type Exchange, requireDigest } from "./exchange.ts";
import { parseContentRange } from "./ranges.ts";
import { emptyReply } from "./replies.ts";
import type { Upload } from "./store.ts";

/**
 * `POST /v2/<name>/blobs/uploads/`: starts an upload, or with `digest` takes the whole blob, or with `mount` finds it
 * there already. All repositories share their blobs, so `from` does not matter.
 * Distribution spec 1.1, "Pushing blobs" and "Mounting a blob from another repository".
 */
export async function startUpload(exchange: Exchange): Promise<Response> {
  const { request, url, repository, store, uploads } = exchange;
  const mounted = url.searchParams.get("mount");
  if (mounted !== null && (await store.findBlob(requireDigest(mounted))) !== undefined) {
    return blobCreated(repository, requireDigest(mounted));
  }
  const whole = url.searchParams.get("digest");
  if (whole === null) return accepted(exchange, await uploads.start(repository), 0);
  const digest = requireDigest(whole);
  await reportMismatch(digest, async () => await store.writeBlob(bodyOf(request), digest));
  return blobCreated(repository, digest);
}

/** `PATCH /v2/<name>/blobs/uploads/<id>`. Distribution spec 1.1, "Pushing a blob in chunks". */
export async function continueUpload(exchange: Exchange): Promise<Response> {
  const { repository, reference, uploads } = exchange;
  return await uploads.use(repository, reference, async (upload) => {
    await append(exchange, upload);
    return accepted(exchange, reference, upload.size);
  });
}

/** `PUT /v2/<name>/blobs/uploads/<id>?digest=<digest>`: takes the last piece, if there is one, and ends the upload. */
export async function finishUpload(exchange: Exchange): Promise<Response> {
  const { url, repository, reference, uploads } = exchange;
  const digest = requireDigest(url.searchParams.get("digest") ?? "");
  return await uploads.use(repository, reference, async (upload) => {
    await append(exchange, upload);
    uploads.end(reference);
    await reportMismatch(digest, async () => await upload.finish(digest));
    return blobCreated(repository, digest);
  });
}

/** `GET /v2/<name>/blobs/uploads/<id>`: how far an upload has come. */
export async function getUploadStatus(exchange: Exchange): Promise<Response> {
  const { repository, reference, uploads } = exchange;
  return emptyReply(204, progressHeaders(exchange, reference, uploads.size(repository, reference)));
}

/** `DELETE /v2/<name>/blobs/uploads/<id>` */
export async function cancelUpload({ repository, reference, uploads }: Exchange): Promise<Response> {
  return await uploads.use(repository, reference, async (upload) => {
    uploads.end(reference);
    await upload.cancel();
    return emptyReply(204);
  });
}

/** @throws {ApiError} RANGE_INVALID when the piece does not begin where the last one ended, SIZE_INVALID */
async function append(exchange: Exchange, upload: Upload): Promise<void> {
  const { request, reference } = exchange;
  const header = request.headers.get("Content-Range");
  if (header === null) return await upload.append(bodyOf(request));
  const headers = progressHeaders(exchange, reference, upload.size);
  const range = parseContentRange(header);
  if (range === undefined || range.start !== upload.size) throw new ApiError("RANGE_INVALID", { headers });
  const announced = contentLength(request) ?? range.length;
  if (announced !== range.length) throw new ApiError("SIZE_INVALID", { headers });
  await upload.append(exactly(bodyOf(request), range.length));
}

/** Passes on `length` bytes. @throws {ApiError} SIZE_INVALID when the stream has more or fewer */
async function* exactly(stream: ByteStream, length: number): ByteStream {
  let missing = length;
  for await (const chunk of stream) {
    if (chunk.length > missing) throw new ApiError("SIZE_INVALID");
    missing -= chunk.length;
    yield chunk;
  }
  if (missing > 0) throw new ApiError("SIZE_INVALID");
}

async function reportMismatch(digest: Digest, store: () => Promise<void>): Promise<void> {
  try {
    await store();
  } catch (error) {
    if (!(error instanceof ImageError) || error.code !== "DIGEST_MISMATCH") throw error;
    throw new ApiError("DIGEST_INVALID", { details: [{ digest, reason: error.message }] });
  }
}

function accepted(exchange: Exchange, id: string, size: number): Response {
  return emptyReply(202, progressHeaders(exchange, id, size));
}

/** Where the upload goes on, and what has arrived: `Range` is inclusive, so that nothing and one byte look the same. */
function progressHeaders({ repository }: Exchange, id: string, size: number): Record<string, string> {
  return {
    Location: `/v2/${repository}/blobs/uploads/${id}`,
    Range: `0-${Math.max(size - 1, 0)}`,
    "Docker-Upload-UUID": id,
  };
}

function blobCreated(repository: string, digest: Digest): Response {
  return emptyReply(201, {
    Location: `/v2/${repository}/blobs/${digest}`,
    "Docker-Content-Digest": digest,
  });
}
