import type { ByteStream, OperationOptions } from "../core/byte-stream.ts";
import { ImageError, isAbort } from "../core/errors.ts";
import type { BlobReader } from "../core/image.ts";
import { sleep } from "../core/retry.ts";
import type { HttpResponse } from "../runtime/http.ts";
import { contentLength } from "./exchange-log.ts";
import { NetworkError, networkError } from "./network-error.ts";

/** Reconnections that may follow each other without this much progress in between, in bytes. */
const MAX_FRUITLESS = 3;
const PROGRESS = 64 * 1024;
const FIRST_DELAY = 250;

/** Sends the request for a blob, with these headers besides its own; answers 200 or 206. */
export type BlobRequest = (
  headers: Record<string, string>,
  options: OperationOptions,
) => Promise<HttpResponse>;

/**
 * Opens a blob, from byte `start` on, whose stream survives broken connections: what is missing is asked for by Range. A server that ignores
 * the range sends all again, and what is known already is passed over. RFC 9110, section 14.
 */
export async function openResumableBlob(
  request: BlobRequest,
  options: OperationOptions,
  start: number = 0,
): Promise<BlobReader> {
  const leaving = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, leaving.signal]) : leaving.signal;
  const first = await request(start === 0 ? {} : { Range: `bytes=${start}-` }, { signal });
  const isPart = start > 0 && first.status === 206;
  const length = contentLength(first);
  const size = length === undefined ? undefined : length + (isPart ? start : 0);
  const body = isPart ? await checkedRange(first, start, size, undefined) : skipped(first.body, start);
  return {
    size,
    bytes: resumableStream({ body, url: first.url, start }, size, request, signal),
    [Symbol.asyncDispose]: async () => leaving.abort(),
  };
}

async function* resumableStream(
  first: { readonly body: ByteStream; readonly url: string; readonly start: number },
  size: number | undefined,
  request: BlobRequest,
  signal: AbortSignal,
): ByteStream {
  let offset = first.start;
  let lastStart = offset;
  let fruitless = 0;
  let body = first.body;
  for (;;) {
    let failure: unknown;
    try {
      for await (const chunk of body) {
        offset += chunk.length;
        yield chunk;
      }
      if (size === undefined || offset >= size) return;
      failure = new NetworkError(`blob ended after ${offset} of ${size} bytes`, "ECONNRESET", undefined);
    } catch (error) {
      failure = networkError("GET", first.url, error);
    }
    if (!isResumable(failure, signal)) throw failure;
    fruitless = offset - lastStart >= PROGRESS ? 1 : fruitless + 1;
    if (fruitless > MAX_FRUITLESS) throw failure;
    lastStart = offset;
    await sleep(FIRST_DELAY * 2 ** (fruitless - 1) * (1 + Math.random()), { signal });
    body = await reconnect(request, offset, size, signal, failure);
  }
}

function isResumable(failure: unknown, signal: AbortSignal): boolean {
  return !signal.aborted && !isAbort(failure) && failure instanceof NetworkError && failure.transient;
}

async function reconnect(
  request: BlobRequest,
  offset: number,
  size: number | undefined,
  signal: AbortSignal,
  failure: unknown,
): Promise<ByteStream> {
  const headers = offset === 0 ? {} : { Range: `bytes=${offset}-` };
  const response = await request(headers, { signal });
  if (response.status === 200) return skipped(response.body, offset);
  return await checkedRange(response, offset, size, failure);
}

async function checkedRange(
  response: HttpResponse,
  offset: number,
  size: number | undefined,
  failure: unknown,
): Promise<ByteStream> {
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.headers.get("content-range") ?? "");
  const isWanted = range !== null && Number(range[1]) === offset;
  const isSameSize = size === undefined || range?.[3] === "*" || Number(range?.[3]) === size;
  if (isWanted && isSameSize) return response.body;
  await response.discard();
  throw new ImageError(
    "REGISTRY_FAILURE",
    `asked for a blob from byte ${offset} on, the server sent another part of the blob (${String(range?.[0])})`,
    { cause: failure, transient: true },
  );
}

/** The stream without its first `count` bytes. */
async function* skipped(stream: ByteStream, count: number): ByteStream {
  let left = count;
  for await (const chunk of stream) {
    if (left >= chunk.length) left -= chunk.length;
    else {
      yield left === 0 ? chunk : chunk.subarray(left);
      left = 0;
    }
  }
}
