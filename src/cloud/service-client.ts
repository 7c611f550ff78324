import { collect, streamOf } from "../core/byte-stream.ts";
import { networkError } from "../registry/network-error.ts";
import { createHttpClient, type HttpClient } from "../runtime/http.ts";

/** No service has more to say; in bytes. */
const ANSWER_LIMIT = 1024 * 1024;
/** How long a metadata service may take to show that it is there; in milliseconds. */
const PROBE_TIMEOUT = 1_000;

/** A whole request, as the clouds' libraries make them. */
export interface ServiceRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | undefined;
}

export interface ServiceAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
}

/**
 * Reaches the services of the clouds. A proxy is only for `https:`: what is plain HTTP is on this machine or on the link
 * to it, as metadata services are.
 */
export async function createServiceClient(
  proxyFor: ((url: string) => string | undefined) | undefined,
): Promise<HttpClient> {
  return await createHttpClient({
    proxyFor: (url) => (url.startsWith("https:") ? proxyFor?.(url) : undefined),
  });
}

/** One exchange, its answer read to its end. @throws {ImageError} NETWORK_FAILURE, SIZE_LIMIT */
export async function exchange(
  client: HttpClient,
  request: ServiceRequest,
  signal: AbortSignal,
): Promise<ServiceAnswer> {
  const { method, url } = request;
  const bytes = typeof request.body === "string" ? new TextEncoder().encode(request.body) : request.body;
  const body = bytes && {
    ...{ size: bytes.length, replayable: true, isCredential: true },
    open: () => streamOf(bytes),
  };
  try {
    // The answers are short; decoding them is not worth the code.
    const headers = { ...withoutHeaders(request.headers), "Accept-Encoding": "identity" };
    const response = await client.send({ method, url, headers, body }, { signal });
    const answer = await collect(response.body, ANSWER_LIMIT, `the answer of ${new URL(url).host}`);
    return { status: response.status, headers: response.headers, body: new Uint8Array(answer) };
  } catch (error) {
    throw networkError(method, url, error);
  }
}

/** These are the client's business. */
const OWN_HEADERS: ReadonlySet<string> = new Set(["accept-encoding", "content-length", "host", "connection"]);

function withoutHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !OWN_HEADERS.has(name.toLowerCase())));
}

/** What a metadata service answers within a second; undefined when there is none. */
export async function probe(
  client: HttpClient,
  request: ServiceRequest,
  signal: AbortSignal,
): Promise<ServiceAnswer | undefined> {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PROBE_TIMEOUT);
  try {
    return await exchange(client, request, AbortSignal.any([signal, patience.signal]));
  } catch {
    signal.throwIfAborted();
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
