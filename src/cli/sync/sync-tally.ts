import type { SyncEvent } from "../../sync/sync-event.ts";
import { byteText } from "./byte-text.ts";

/** The rate is that of about so many milliseconds. */
const RATE_WINDOW = 5_000;
const LINES_AT_MOST = 8;

interface Flight {
  bytes: number;
  readonly size: number | undefined;
}

/** Counts along while a run goes on. */
export class SyncTally {
  #images = 0;
  #done = 0;
  #failed = 0;
  #bytes = 0;
  readonly #flights = new Map<string, Flight>();
  readonly #startedAt = performance.now();
  #samples: { at: number; bytes: number }[] = [];

  take(event: SyncEvent): void {
    switch (event.kind) {
      case "sync-start":
        this.#images += event.images;
        return;
      case "image-start":
      case "image-retry":
        return;
      case "image-end":
        this.#done++;
        if (event.outcome === "failed") this.#failed++;
        return;
      case "image-progress":
        this.#takeProgress(event);
    }
  }

  #takeProgress({ to, event }: Extract<SyncEvent, { kind: "image-progress" }>): void {
    if (event.kind !== "blob-start" && event.kind !== "blob-bytes" && event.kind !== "blob-end") return;
    const key = `${to} ${event.digest}`;
    const flight = this.#flights.get(key);
    if (event.kind === "blob-start") this.#flights.set(key, { bytes: 0, size: event.size });
    else if (event.kind === "blob-end") this.#flights.delete(key);
    else if (flight !== undefined) {
      this.#bytes += Math.max(0, event.bytes - flight.bytes);
      flight.bytes = event.bytes;
    }
  }

  /** `12 of 60 images, 1 failed, 340 MB moved, 34 MB/s, about 2m left` */
  line(): string {
    const parts = [`${this.#done} of ${this.#images} images`];
    if (this.#failed > 0) parts.push(`${this.#failed} failed`);
    parts.push(`${byteText(this.#bytes)} moved`, `${byteText(this.#rate())}/s`);
    const left = this.#secondsLeft();
    if (left !== undefined) parts.push(`about ${left < 90 ? `${left}s` : `${Math.round(left / 60)}m`} left`);
    return parts.join(", ");
  }

  /** The largest blobs on their way, one line each. */
  inFlight(): readonly string[] {
    return [...this.#flights]
      .filter(([, { bytes }]) => bytes > 0)
      .sort(([, one], [, other]) => (other.size ?? 0) - (one.size ?? 0))
      .slice(0, LINES_AT_MOST)
      .map(([key, { bytes, size }]) => {
        const [to = "", digest = ""] = key.split(" ");
        const share = size ? `${Math.floor((bytes / size) * 100)}% of ${byteText(size)}` : byteText(bytes);
        return `  ${digest.slice(7, 19)} ${share} ${to}`;
      });
  }

  #rate(): number {
    const now = performance.now();
    this.#samples = [
      ...this.#samples.filter(({ at }) => now - at < RATE_WINDOW),
      { at: now, bytes: this.#bytes },
    ];
    const [first] = this.#samples;
    if (first === undefined || now - first.at < 100) return 0;
    return Math.round(((this.#bytes - first.bytes) / (now - first.at)) * 1000);
  }

  /** By the images that are done: what the others hold is not known yet. */
  #secondsLeft(): number | undefined {
    if (this.#done === 0 || this.#done >= this.#images) return undefined;
    const elapsed = (performance.now() - this.#startedAt) / 1000;
    if (elapsed < 2) return undefined;
    return Math.ceil((elapsed / this.#done) * (this.#images - this.#done));
  }
}
