import { sleep } from "../core/retry.ts";
import type { HttpClient, HttpRequest, HttpResponse } from "../runtime/http.ts";
import { NetworkError, networkError } from "./network-error.ts";

/** How patiently one request is repeated. Times in milliseconds. */
export interface RequestRetryOptions {
  /** Retries after a broken connection or a 5xx. */
  readonly failures: number;
  /** Retries after 429, whose answer may say how long to wait. */
  readonly throttles: number;
  /** The first wait; it doubles each time. */
  readonly firstDelay: number;
}

export const DEFAULT_REQUEST_RETRIES: RequestRetryOptions = { failures: 3, throttles: 8, firstDelay: 500 };

const LONGEST_DELAY = 60_000;

/**
 * Repeats a request whose body can be sent again after a broken connection, 429 or 5xx: with exponential back-off,
 * jitter, and the server's own Retry-After. What was refused for another reason is answered as it is.
 */
export function withRetries(client: HttpClient, options: RequestRetryOptions): HttpClient {
  return {
    async send(request, { signal } = {}) {
      const mayRepeat = request.body === undefined || request.body.replayable;
      for (let attempt = 0; ; attempt++) {
        const outcome = await attemptOnce(client, request, signal);
        const delay = mayRepeat ? retryDelay(outcome, attempt, options) : undefined;
        if (delay === undefined) {
          if (outcome.response === undefined) throw outcome.error;
          return outcome.response;
        }
        await outcome.response?.discard();
        await sleep(delay, { signal });
      }
    },
  };
}

type Outcome =
  | { readonly response: HttpResponse; readonly error?: undefined }
  | { readonly response?: undefined; readonly error: unknown };

async function attemptOnce(
  client: HttpClient,
  request: HttpRequest,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  try {
    return { response: await client.send(request, { signal }) };
  } catch (error) {
    return { error: networkError(request.method, request.url, error) };
  }
}

/** Milliseconds to wait before the next attempt; undefined when the outcome is final. */
function retryDelay(outcome: Outcome, attempt: number, options: RequestRetryOptions): number | undefined {
  const backoff = jittered(Math.min(LONGEST_DELAY, options.firstDelay * 2 ** attempt));
  if (outcome.response === undefined) {
    if (!(outcome.error instanceof NetworkError && outcome.error.isBrokenConnection)) return undefined;
    // A silent server has used up much time already.
    const retries = outcome.error.systemCode === "ETIMEDOUT" ? 1 : options.failures;
    return attempt < retries ? backoff : undefined;
  }
  const { status, headers } = outcome.response;
  if (status === 429) return attempt < options.throttles ? (retryAfter(headers) ?? backoff * 2) : undefined;
  const isRepeatable = status >= 500 && status !== 501 && status !== 505;
  return isRepeatable && attempt < options.failures ? (retryAfter(headers) ?? backoff) : undefined;
}

/** Retry-After in milliseconds, from seconds or an HTTP date; a date in the past or nonsense counts as absent. */
export function retryAfter(headers: Headers): number | undefined {
  const text = headers.get("retry-after")?.trim();
  if (!text) return undefined;
  const wait = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return wait > 0 ? jittered(Math.min(LONGEST_DELAY, wait)) : undefined;
}

function jittered(milliseconds: number): number {
  return milliseconds * (1 + Math.random() / 5);
}
