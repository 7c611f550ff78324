import type { Digest } from "../../core/digest.ts";
import type { ProgressEvent } from "../../core/progress.ts";
import { networkEventText } from "./network-event.ts";

/** Events that are one line each, whatever the style. */
export type LineEvent = Exclude<
  ProgressEvent,
  { readonly kind: "blob-start" | "blob-bytes" | "blob-end" | "warning" | "rate-limit" }
>;

/** The line that an event is told with. cli.md 4.1. */
export function eventLine(event: LineEvent): string {
  switch (event.kind) {
    case "signatures":
      return SIGNATURE_LINES[event.of][event.step];
    case "signing":
      return `Creating signature${event.number === undefined ? "" : ` ${event.number}`}: Signing image using ${event.method}`;
    case "instances":
      return `Copying ${event.count} images generated from ${event.total} images in list`;
    case "instance":
      return `Copying image ${event.digest} (${event.position}/${event.count})`;
    case "manifest":
      return event.of === "index"
        ? "Writing manifest list to image destination"
        : "Writing manifest to image destination";
    case "unchanged":
      return "Skipping: image already present at destination";
    case "throttled":
      return networkEventText(event);
  }
}

/** `Copying blob sha256:…`, with as much of the digest as `show` leaves. */
export function blobLine(role: "config" | "layer", digest: Digest, show: (digest: Digest) => string): string {
  return `Copying ${role === "config" ? "config" : "blob"} ${show(digest)}`;
}

type SignatureEvent = Extract<ProgressEvent, { readonly kind: "signatures" }>;

const SIGNATURE_LINES: Readonly<
  Record<SignatureEvent["of"], Readonly<Record<SignatureEvent["step"], string>>>
> = {
  image: {
    read: "Getting image source signatures",
    check: "Checking if image destination supports signatures",
    write: "Storing signatures",
  },
  index: {
    read: "Getting image list signatures",
    check: "Checking if image list destination supports signatures",
    write: "Storing list signatures",
  },
};
