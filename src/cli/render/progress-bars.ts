import type { Digest } from "../../core/digest.ts";
import type { ProgressEvent } from "../../core/progress.ts";
import type { Logger } from "../log.ts";
import type { ErrorOutput } from "../output.ts";
import { type Bar, barLabel, endedBar, runningBar } from "./bar.ts";
import type { ProgressRenderer } from "./progress.ts";
import { eventLine } from "./progress-text.ts";

/** Between two drawings, in milliseconds. */
const FRAME_TIME = 100;
const DEFAULT_COLUMNS = 80;

/** The part of the terminal that is drawn over: what `log-update` gives. */
export interface LiveScreen {
  (text: string): void;
  clear(): void;
  /** Leaves `text` above the live part. */
  persist(text: string): void;
  /** The terminal's width. */
  readonly columns?: number | undefined;
}

/**
 * A bar for each blob on its way, below the lines of all that is done. While it lives it takes over standard error,
 * so that log lines, too, come above the bars. `openScreen` loads what draws; until then lines are kept.
 */
export function createBarsRenderer(
  stderr: ErrorOutput,
  log: Logger,
  openScreen: () => Promise<LiveScreen> = openTerminal,
): ProgressRenderer {
  const bars = new Map<Digest, Bar>();
  let lines = "";
  let screen: LiveScreen | undefined;
  let isClosed = false;
  const restore = stderr.redirect((text) => {
    lines += text;
  });
  const draw = (): void => {
    if (screen === undefined) return;
    if (lines !== "") screen.persist(lines.replace(/\n$/, ""));
    lines = "";
    const columns = screen.columns ?? DEFAULT_COLUMNS;
    const now = performance.now();
    const live = [...bars.values()].map((bar) => runningBar(bar, now, columns)).join("\n");
    if (live === "") screen.clear();
    else screen(live);
  };
  const timer = setInterval(draw, FRAME_TIME);
  timer.unref();
  openScreen().then(
    (opened) => {
      if (!isClosed) screen = opened;
    },
    // Without a screen nothing is drawn, and the lines come at the end.
    () => undefined,
  );
  return {
    onEvent(event) {
      if (event.kind === "warning") log.warn(event.message);
      else lines += takeEvent(event, bars);
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      clearInterval(timer);
      bars.clear();
      draw();
      restore();
      if (lines !== "") stderr.write(lines);
    },
  };
}

/** Brings the bars up to date, and gives the text that is to stay for good. */
function takeEvent(event: Exclude<ProgressEvent, { kind: "warning" }>, bars: Map<Digest, Bar>): string {
  switch (event.kind) {
    case "blob-start": {
      const { role, digest, size } = event;
      bars.set(digest, { role, digest, size, bytes: 0, startedAt: performance.now() });
      return "";
    }
    case "blob-bytes": {
      const bar = bars.get(event.digest);
      if (bar !== undefined) bars.set(event.digest, { ...bar, bytes: event.bytes });
      return "";
    }
    case "blob-end": {
      const role = bars.get(event.digest)?.role ?? "layer";
      bars.delete(event.digest);
      return `${endedBar(barLabel(role, event.digest), event.outcome)}\n`;
    }
    case "rate-limit":
      return "";
    default:
      return `${eventLine(event)}\n`;
  }
}

/** The part of standard error that can be drawn over. */
export async function openTerminal(): Promise<LiveScreen> {
  const { createLogUpdate } = await import("log-update");
  const { stderr } = process;
  // A hidden cursor would have to be brought back however the program ends.
  const update = createLogUpdate(stderr, { showCursor: true });
  return Object.defineProperty(update, "columns", { get: () => stderr.columns }) as LiveScreen;
}
