import { collect, type OperationOptions, streamOf } from "../../core/byte-stream.ts";
import { ImageError } from "../../core/errors.ts";
import { networkError } from "../../registry/network-error.ts";
import type { HttpClient } from "../../runtime/http.ts";

/** A service that is silent for longer than this does not answer any more; in milliseconds. */
const PATIENCE = 30_000;
/** No service has more to say; in bytes. */
const ANSWER_LIMIT = 1024 * 1024;

/** A request to one of the services around keyless signing. */
export interface ServiceRequest {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

export interface ServiceAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/**
 * One exchange, its answer read to its end, within 30 seconds.
 * @throws {ImageError} NETWORK_FAILURE `Post "URL": …`, SIZE_LIMIT
 */
export async function exchange(
  client: HttpClient,
  request: ServiceRequest,
  { signal }: OperationOptions = {},
): Promise<ServiceAnswer> {
  const { method, url, body } = request;
  checkScheme(request);
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE);
  const either = signal === undefined ? patience.signal : AbortSignal.any([signal, patience.signal]);
  try {
    const headers = { ...request.headers, "Accept-Encoding": "identity" };
    const response = await client.send({ method, url, headers, body: textBody(body) }, { signal: either });
    const answer = await collect(response.body, ANSWER_LIMIT, `the answer of ${new URL(url).host}`);
    return { status: response.status, headers: response.headers, body: answer };
  } catch (error) {
    signal?.throwIfAborted();
    if (patience.signal.aborted) throw failure(request, `no answer within ${PATIENCE / 1000} s`, true);
    throw networkError(method, withoutPassword(url), error);
  } finally {
    clearTimeout(timer);
  }
}

function textBody(
  text: string | undefined,
): { size: number; replayable: boolean; open(): AsyncIterable<Uint8Array> } | undefined {
  if (text === undefined) return undefined;
  const bytes = new TextEncoder().encode(text);
  return { size: bytes.length, replayable: true, open: () => streamOf(bytes) };
}

/** Where a service is reached below its base, which may end with a slash or not. */
export function below(base: string, path: string): string {
  return `${base.replace(/\/+$/, "")}${path}`;
}

/** The beginning of an answer for a message; services may answer with whole pages. */
export function excerpt(body: Uint8Array): string {
  return new TextDecoder().decode(body.subarray(0, 1024));
}

/** Text of a service for a terminal: without what would move its cursor, and not endless. */
export function printable(text: string): string {
  return text.replaceAll(/[^\u0020-\u007e\u00a0-\u{10ffff}]/gu, "").slice(0, 300);
}

/** A URL as it may be shown: without the password in it. */
export function withoutPassword(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/[^/?#:@]*):[^/?#]*@/i, "$1:***@");
}

function checkScheme(request: ServiceRequest): void {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(request.url)?.[1]?.toLowerCase() ?? "";
  if (scheme !== "http" && scheme !== "https") {
    throw failure(request, `unsupported protocol scheme ${JSON.stringify(scheme)}`);
  }
  if (!URL.canParse(request.url)) throw failure(request, "invalid URL");
}

function failure({ method, url }: ServiceRequest, reason: string, transient = false): ImageError {
  const verb = method === "GET" ? "Get" : "Post";
  return new ImageError("NETWORK_FAILURE", `${verb} ${JSON.stringify(withoutPassword(url))}: ${reason}`, {
    transient,
  });
}
