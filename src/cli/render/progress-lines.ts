import type { Digest } from "../../core/digest.ts";
import type { Logger } from "../log.ts";
import type { Output } from "../output.ts";
import type { ProgressRenderer } from "./progress.ts";
import { blobLine, eventLine } from "./progress-text.ts";

/** One line for each thing that begins, in words that scripts know. cli.md 4.1. */
export function createLinesRenderer(output: Output, log: Logger): ProgressRenderer {
  const started = new Set<Digest>();
  const writeBlob = (role: "config" | "layer", digest: Digest): void =>
    output.write(`${blobLine(role, digest, (whole) => whole)}\n`);
  return {
    onEvent(event) {
      switch (event.kind) {
        case "blob-bytes":
        case "rate-limit":
          return;
        case "blob-start":
          started.add(event.digest);
          return writeBlob(event.role, event.digest);
        case "blob-end":
          // A blob that was found at the destination may end without having begun; it has its line all the same.
          if (!started.delete(event.digest)) writeBlob("layer", event.digest);
          return;
        case "warning":
          return log.warn(event.message);
        default:
          return output.write(`${eventLine(event)}\n`);
      }
    },
    close: () => undefined,
  };
}
