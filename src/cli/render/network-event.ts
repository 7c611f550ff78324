import type { NetworkEvent } from "../../core/progress.ts";

/** `registry-1.docker.io allows 76 of 100 more requests, renewed in 5h` and the like. */
export function networkEventText(event: NetworkEvent): string {
  if (event.kind === "throttled") {
    return `${event.host} asks to wait ${duration(event.wait / 1000)}; then ${event.concurrency} requests at a time`;
  }
  const { host, remaining, limit, window, reset } = event;
  const ofAll = limit === undefined ? "" : ` of ${limit}`;
  const per = window === undefined ? "" : ` per ${duration(window)}`;
  const renewed = reset === undefined ? "" : `, renewed in ${duration(reset)}`;
  return `${host} allows ${remaining}${ofAll} requests more${per}${renewed}`;
}

/** Seconds as people say them: `45s`, `3m`, `6h`. */
function duration(seconds: number): string {
  if (seconds < 120) return `${Math.max(1, Math.round(seconds))}s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)}m` : `${Math.round(seconds / 3600)}h`;
}
