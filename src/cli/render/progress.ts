import type { ProgressListener } from "../../core/progress.ts";
import type { Logger } from "../log.ts";
import type { ErrorOutput } from "../output.ts";
import { createBarsRenderer } from "./progress-bars.ts";
import { createJsonRenderer } from "./progress-json.ts";
import { createLinesRenderer } from "./progress-lines.ts";
import type { ProgressStyle } from "./progress-style.ts";

/** Shows what a copy does. Events come until `close`, which leaves the last lines on the screen. */
export interface ProgressRenderer {
  readonly onEvent: ProgressListener;
  close(): void;
}

export interface ProgressOptions {
  readonly quiet: boolean;
  readonly style: ProgressStyle;
  /** All progress goes here, never to standard output, which is for results. */
  readonly stderr: ErrorOutput;
  /** For warnings among the events. */
  readonly log: Logger;
}

/** The renderer for a style; `auto` draws bars on a terminal and prints lines elsewhere. */
export function createProgressRenderer({ quiet, style, stderr, log }: ProgressOptions): ProgressRenderer {
  if (quiet) return createQuietRenderer(log);
  switch (style) {
    case "json":
      return createJsonRenderer(stderr);
    case "plain":
      return createLinesRenderer(stderr, log);
    case "bars":
      return createBarsRenderer(stderr, log);
    case "auto":
      return stderr.isTerminal ? createBarsRenderer(stderr, log) : createLinesRenderer(stderr, log);
  }
}

function createQuietRenderer(log: Logger): ProgressRenderer {
  return {
    onEvent: (event) => {
      if (event.kind === "warning") log.warn(event.message);
    },
    close: () => undefined,
  };
}
