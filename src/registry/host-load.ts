import type { OperationOptions } from "../core/byte-stream.ts";
import { WaitingLine } from "../core/limiter.ts";
import type { NetworkEvent } from "../core/progress.ts";
import { sleep } from "../core/retry.ts";
import type { HttpClient, HttpResponse } from "../runtime/http.ts";
import { retryAfter } from "./http-retry.ts";
import { parseRateLimit, type RateLimit } from "./rate-limit.ts";

/** Answers of servers that are asked too much. */
const OVERLOAD: ReadonlySet<number> = new Set([429, 503]);
/** Where a server asks for patience and does not say how long, in milliseconds. */
const DEFAULT_PAUSE = 1000;
/** Refusals that come this soon after each other answer requests of the same moment. Milliseconds. */
const SAME_MOMENT = 250;

export interface HostLoadOptions {
  /** `host` or `host:port`. */
  readonly host: string;
  /** The most requests that wait for an answer at a time. */
  readonly most: number;
  readonly onEvent?: ((event: NetworkEvent) => void) | undefined;
}

/**
 * How many requests a server is asked at a time. As it has said that it is too many, their number is halved, and all wait as
 * long as it asked for; each good answer then allows a little more, until there are as many as before.
 */
export class HostLoad {
  readonly #options: HostLoadOptions;
  readonly #line = new WaitingLine();
  #places: number;
  #running = 0;
  /** Milliseconds since the epoch. */
  #pausedUntil = 0;
  #lastRefusal = 0;
  #lastRemaining: number | undefined;

  constructor(options: HostLoadOptions) {
    this.#options = options;
    this.#places = options.most;
  }

  /** How many requests may be under way now. */
  get places(): number {
    return Math.floor(this.#places);
  }

  /** Sends one request when it is its turn. */
  async run(send: () => Promise<HttpResponse>, options: OperationOptions = {}): Promise<HttpResponse> {
    await this.#enter(options);
    try {
      const response = await send();
      this.#learn(response);
      return response;
    } finally {
      this.#running--;
      this.#admit();
    }
  }

  async #enter(options: OperationOptions): Promise<void> {
    options.signal?.throwIfAborted();
    if (this.#running >= this.places || !this.#line.isEmpty) await this.#line.wait(options);
    else this.#running++;
    try {
      for (let wait = this.#pause(); wait > 0; wait = this.#pause()) await sleep(wait, options);
    } catch (error) {
      this.#running--;
      this.#admit();
      throw error;
    }
  }

  #pause(): number {
    return this.#pausedUntil - Date.now();
  }

  #admit(): void {
    while (this.#running < this.places && !this.#line.isEmpty) {
      this.#running++;
      this.#line.admit();
    }
  }

  #learn({ status, headers }: HttpResponse): void {
    const budget = parseRateLimit(headers);
    if (budget !== undefined) this.#tellBudget(budget);
    if (OVERLOAD.has(status)) this.#slowDown(retryAfter(headers) ?? DEFAULT_PAUSE);
    else if (status < 500 && this.#places < this.#options.most) {
      this.#places = Math.min(this.#options.most, this.#places + 1 / this.#places);
    }
  }

  #slowDown(wait: number): void {
    const now = Date.now();
    this.#pausedUntil = Math.max(this.#pausedUntil, now + wait);
    if (now - this.#lastRefusal < SAME_MOMENT) return;
    this.#lastRefusal = now;
    this.#places = Math.max(1, Math.min(this.#places, this.#running) / 2);
    this.#options.onEvent?.({
      kind: "throttled",
      host: this.#options.host,
      wait: Math.round(wait),
      concurrency: this.places,
    });
  }

  #tellBudget(budget: RateLimit): void {
    if (budget.remaining === this.#lastRemaining) return;
    this.#lastRemaining = budget.remaining;
    this.#options.onEvent?.({ kind: "rate-limit", host: this.#options.host, ...budget });
  }
}

/** Sends each request when the server that it goes to may be asked. */
export function withHostLoad(client: HttpClient, loadOf: (host: string) => HostLoad): HttpClient {
  return {
    send: async (request, options) =>
      await loadOf(new URL(request.url).host).run(() => client.send(request, options), options),
  };
}
