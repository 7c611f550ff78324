import type { HttpBody, HttpClient, HttpRequest, HttpResponse } from "../runtime/http.ts";
import { NetworkError } from "./network-error.ts";

/** A server may take its time to store a finished upload: the answer to one is waited for so many times longer. */
const ANSWER_PATIENCE = 5;
/** Reading what nobody wants only spares a new connection: it may take no longer than this, in milliseconds. */
const DISCARD_TIME = 2000;

/**
 * Ends an exchange as a transient failure once the network has moved no byte of it for `limit` milliseconds.
 * Time that the producer of an upload or the consumer of a download takes does not count.
 */
export function withStallGuard(client: HttpClient, limit: number): HttpClient {
  return {
    async send(request, options = {}) {
      const watch = new Watch(request, limit);
      const signal = options.signal ? AbortSignal.any([options.signal, watch.signal]) : watch.signal;
      try {
        const response = await client.send(withWatchedBody(request, watch, limit), { signal });
        watch.pause();
        return {
          ...response,
          body: watchedDownload(response.body, watch, limit),
          discard: async () => await watchedDiscard(response, watch, limit, options.signal),
        };
      } catch (error) {
        watch.pause();
        throw watch.stalled ?? error;
      }
    },
  };
}

/** Counts down while the network has the turn; aborts its signal when the time is up. */
class Watch {
  stalled: NetworkError | undefined;
  readonly #controller = new AbortController();
  readonly #description: string;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #deadline = 0;

  constructor(request: HttpRequest, limit: number) {
    this.#description = `${request.method} ${new URL(request.url).host}`;
    this.allow(limit);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  allow(milliseconds: number): void {
    this.#deadline = performance.now() + milliseconds;
    this.#timer ??= setTimeout(() => this.#check(milliseconds), milliseconds);
  }

  pause(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** The timer runs on through `allow`, which only moves the deadline: setting one for each chunk would cost more. */
  #check(milliseconds: number): void {
    const left = this.#deadline - performance.now();
    if (left > 1) {
      this.#timer = setTimeout(() => this.#check(milliseconds), left);
      return;
    }
    const seconds = Math.round(milliseconds / 100) / 10;
    this.stalled = new NetworkError(`${this.#description}: no data for ${seconds} s`, "ETIMEDOUT", undefined);
    this.#controller.abort(this.stalled);
  }
}

function withWatchedBody(request: HttpRequest, watch: Watch, limit: number): HttpRequest {
  const { body } = request;
  if (body === undefined) return request;
  const watched: HttpBody = { ...body, open: () => watchedUpload(body.open(), watch, limit) };
  return { ...request, body: watched };
}

async function* watchedUpload(
  stream: AsyncIterable<Uint8Array>,
  watch: Watch,
  limit: number,
): AsyncIterable<Uint8Array> {
  watch.pause();
  for await (const chunk of stream) {
    watch.allow(limit);
    yield chunk;
    watch.pause();
  }
  watch.allow(limit * ANSWER_PATIENCE);
}

async function* watchedDownload(
  stream: AsyncIterable<Uint8Array>,
  watch: Watch,
  limit: number,
): AsyncIterable<Uint8Array> {
  watch.allow(limit);
  try {
    for await (const chunk of stream) {
      watch.pause();
      yield chunk;
      watch.allow(limit);
    }
  } catch (error) {
    throw watch.stalled ?? error;
  } finally {
    watch.pause();
  }
}

/** Whatever happens to a body that nobody wants, the answer has been heard: at worst the connection is given up. */
async function watchedDiscard(
  response: HttpResponse,
  watch: Watch,
  limit: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  watch.allow(Math.min(limit, DISCARD_TIME));
  try {
    await response.discard();
  } catch {
    signal?.throwIfAborted();
  } finally {
    watch.pause();
  }
}
