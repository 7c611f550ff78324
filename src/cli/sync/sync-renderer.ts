import type { BlobTotals } from "../../copy/shared-blobs.ts";
import type { NetworkEvent } from "../../core/progress.ts";
import type { SyncEvent } from "../../sync/sync-event.ts";
import type { SyncResult } from "../../sync/synchronize.ts";
import type { Logger } from "../log.ts";
import type { ErrorOutput } from "../output.ts";
import { networkEventText } from "../render/network-event.ts";
import type { LiveScreen } from "../render/progress-bars.ts";
import type { ProgressStyle } from "../render/progress-style.ts";
import { byteText } from "./byte-text.ts";
import { SyncTally } from "./sync-tally.ts";

/** Between two lines that say that the run is alive, and between two drawings, in milliseconds. */
const HEARTBEAT = 10_000;
const FRAME_TIME = 200;

/** What a run led to. */
export interface SyncFacts {
  readonly results: readonly SyncResult[];
  readonly sources: number;
  readonly blobs: BlobTotals;
  readonly requests: ReadonlyMap<string, number>;
}

/** Shows a run. Events come until `close`; the summary comes after it. */
export interface SyncRenderer {
  onEvent(event: SyncEvent): void;
  onNetworkEvent(event: NetworkEvent): void;
  close(): void;
  summarize(facts: SyncFacts): void;
}

export interface SyncRendererOptions {
  readonly style: ProgressStyle;
  readonly stderr: ErrorOutput;
  readonly log: Logger;
  /** Failures are told as they come, because the run does not end with the first. */
  readonly tellsFailures: boolean;
}

/** JSON for programs, a live view on a terminal, or log lines with a heartbeat. */
export function createSyncRenderer({ style, stderr, log, tellsFailures }: SyncRendererOptions): SyncRenderer {
  if (style === "json") return createJsonRenderer(stderr);
  const isLive = style === "bars" || (style === "auto" && stderr.isTerminal);
  const tally = new SyncTally();
  const live = isLive ? openLiveView(stderr, tally) : openHeartbeat(log, tally);
  return {
    onEvent(event) {
      tally.take(event);
      const isFailure = event.kind === "image-end" && event.outcome === "failed";
      if (tellsFailures || !isFailure) logEvent(event, log);
    },
    onNetworkEvent(event) {
      if (event.kind === "throttled") log.warn(networkEventText(event));
    },
    close: live,
    summarize: (facts) => logSummary(facts, log),
  };
}

function createJsonRenderer(stderr: ErrorOutput): SyncRenderer {
  const write = (value: unknown): void => stderr.write(`${JSON.stringify(value)}\n`);
  return {
    onEvent: write,
    onNetworkEvent: write,
    close: () => undefined,
    summarize: ({ results, sources, blobs, requests }) =>
      write({
        kind: "sync-end",
        ...countsOf(results),
        sources,
        blobs,
        requests: Object.fromEntries(requests),
      }),
  };
}

/** In skopeo's words, as far as it has some. cli.md 6.3. */
function logEvent(event: SyncEvent, log: Logger): void {
  switch (event.kind) {
    case "image-start":
      log.info(`Copying image ref ${event.position}/${event.count}`, { from: event.from, to: event.to });
      return;
    case "image-end":
      if (event.outcome === "failed") {
        log.error(`Error copying ref ${JSON.stringify(event.from)}`, { error: event.error ?? "" });
      } else {
        log.debug(`${event.to} is ${event.outcome}`);
      }
      return;
    case "image-progress":
      if (event.event.kind === "warning") log.warn(event.event.message);
      return;
    case "sync-start":
    case "image-retry":
      return;
  }
}

function openHeartbeat(log: Logger, tally: SyncTally): () => void {
  const timer = setInterval(() => log.info(tally.line()), HEARTBEAT);
  timer.unref();
  return () => clearInterval(timer);
}

/** The tally and the blobs in flight, below the lines of the log. */
function openLiveView(stderr: ErrorOutput, tally: SyncTally): () => void {
  let lines = "";
  let screen: LiveScreen | undefined;
  const restore = stderr.redirect((text) => {
    lines += text;
  });
  const draw = (): void => {
    if (screen === undefined) return;
    if (lines !== "") screen.persist(lines.replace(/\n$/, ""));
    lines = "";
    screen([tally.line(), ...tally.inFlight()].join("\n"));
  };
  const timer = setInterval(draw, FRAME_TIME);
  timer.unref();
  void import("../render/progress-bars.ts").then(async ({ openTerminal }) => {
    screen = await openTerminal().catch(() => undefined);
  });
  return () => {
    clearInterval(timer);
    draw();
    screen?.clear();
    restore();
    if (lines !== "") stderr.write(lines);
  };
}

function countsOf(results: readonly SyncResult[]): Record<SyncResult["outcome"], number> {
  const counts = { added: 0, updated: 0, unchanged: 0, failed: 0 };
  for (const { outcome } of results) counts[outcome]++;
  return counts;
}

function logSummary({ results, sources, blobs, requests }: SyncFacts, log: Logger): void {
  const { added, updated, unchanged, failed } = countsOf(results);
  const asked = [...requests.values()].reduce((sum, count) => sum + count, 0);
  log.info(`Synced ${results.length - failed} images from ${sources} sources`);
  const parts = [
    `${added} added, ${updated} updated, ${unchanged} unchanged${failed === 0 ? "" : `, ${failed} failed`}`,
    `${byteText(blobs.movedBytes)} moved`,
    ...(blobs.mounted === 0 ? [] : [`${byteText(blobs.mountedBytes)} mounted`]),
    ...(blobs.present === 0 ? [] : [`${byteText(blobs.presentBytes)} there already`]),
    `${asked} requests`,
  ];
  log.info(parts.join("; "));
}
