import type { Output } from "../output.ts";
import type { ProgressRenderer } from "./progress.ts";

/** One JSON object a line: each event as it is, for programs. */
export function createJsonRenderer(output: Output): ProgressRenderer {
  return {
    onEvent: (event) => output.write(`${JSON.stringify(event)}\n`),
    close: () => undefined,
  };
}
