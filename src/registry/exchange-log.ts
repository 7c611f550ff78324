import type { HttpClient, HttpResponse } from "../runtime/http.ts";

/** One request as it ended, for logs. Nothing in it is secret: no headers, no query. */
export interface ExchangeRecord {
  /** `GET`, `HEAD`, `PUT` and so on. */
  readonly method: string;
  /** Without the query. */
  readonly url: string;
  /** Absent where no answer came. */
  readonly status?: number | undefined;
  /** Until the head of the answer, or the failure. */
  readonly milliseconds: number;
  /** The Content-Length of the answer, where it has one. */
  readonly bytes?: number | undefined;
  /** Why no answer came. */
  readonly error?: unknown;
}

/** Reports each request when its answer begins or fails. */
export function withExchangeLog(client: HttpClient, listener: (record: ExchangeRecord) => void): HttpClient {
  return {
    async send(request, options) {
      const start = performance.now();
      const { method, url } = request;
      const milliseconds = (): number => Math.round(performance.now() - start);
      try {
        const response = await client.send(request, options);
        const bytes = contentLength(response);
        listener({ method, url, status: response.status, milliseconds: milliseconds(), bytes });
        return response;
      } catch (error) {
        listener({ method, url, milliseconds: milliseconds(), error });
        throw error;
      }
    },
  };
}

/** The Content-Length of an answer in bytes, where it has a usable one. */
export function contentLength(response: HttpResponse): number | undefined {
  const text = response.headers.get("content-length");
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
