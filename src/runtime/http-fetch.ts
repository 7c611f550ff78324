import type { HttpClient, HttpRequest, HttpResponse } from "./http.ts";

/** As much of the standard `fetch` as is used. The body of an upload is a stream, with `duplex: "half"`. */
export type Fetch = (url: string, init: FetchInit) => Promise<Response>;

/** What a `fetch` is asked for. */
export interface FetchInit {
  /** `GET`, `HEAD`, `PUT` and so on. */
  readonly method: string;
  /** All of them, the authorization too. */
  readonly headers: Record<string, string>;
  /** Redirects are followed by the caller, who decides what credentials go along. */
  readonly redirect: "manual";
  /** Aborts the request. */
  readonly signal?: AbortSignal;
  /** A stream, which can be sent once. */
  readonly body?: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Needed by Node for a body that is a stream. */
  readonly duplex?: "half";
}

/**
 * HTTP over any function that keeps to the Fetch standard, such as one that a program gives. A request's body is a stream; who
 * cannot send one fails.
 */
export function createFetchClient(fetch: Fetch): HttpClient {
  return {
    async send(request, { signal } = {}) {
      signal?.throwIfAborted();
      const upload = request.body === undefined ? undefined : trackedBody(request.body.open());
      try {
        const response = await fetch(request.url, {
          method: request.method,
          headers: requestHeaders(request),
          redirect: "manual",
          ...(signal === undefined ? {} : { signal }),
          ...(upload === undefined ? {} : { body: readableOf(upload.stream), duplex: "half" }),
        });
        return toResponse(request, response);
      } catch (error) {
        throw upload?.failure() ?? error;
      }
    },
  };
}

export function requestHeaders(request: HttpRequest): Record<string, string> {
  const size = request.body?.size;
  return size === undefined ? { ...request.headers } : { ...request.headers, "Content-Length": `${size}` };
}

/** Keeps the error of a body that failed, because `fetch` may report only that its connection broke. */
export function trackedBody(bytes: AsyncIterable<Uint8Array>): {
  readonly stream: AsyncGenerator<Uint8Array<ArrayBuffer>>;
  readonly isComplete: () => boolean;
  readonly failure: () => unknown;
} {
  let isComplete = false;
  let failure: unknown;
  async function* stream(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    try {
      for await (const chunk of bytes) yield chunk as Uint8Array<ArrayBuffer>;
      isComplete = true;
    } catch (error) {
      failure = error;
      throw error;
    }
  }
  return { stream: stream(), isComplete: () => isComplete, failure: () => failure };
}

export function toResponse(request: HttpRequest, response: Response): HttpResponse {
  const { body } = response;
  return {
    url: request.url,
    status: response.status,
    headers: response.headers,
    body: body === null ? emptyBody() : (body as unknown as AsyncIterable<Uint8Array>),
    discard: async () => {
      if (body === null || body.locked) return;
      // Reading a short body to its end keeps the connection; cancelling a stream closes it.
      if (isShort(response.headers)) await response.arrayBuffer();
      else await body.cancel();
    },
  };
}

/** Whether an unwanted body is cheaper to read than a new connection. */
function isShort(headers: Headers): boolean {
  return Number(headers.get("content-length") ?? Number.POSITIVE_INFINITY) <= 64 * 1024;
}

async function* emptyBody(): AsyncIterable<Uint8Array> {}

function readableOf(
  stream: AsyncGenerator<Uint8Array<ArrayBuffer>>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await stream.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: async () => void (await stream.return(undefined)),
  });
}
