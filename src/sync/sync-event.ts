import type { Digest } from "../core/digest.ts";
import type { ProgressEvent } from "../core/progress.ts";

/** How it went with one image. */
export type SyncOutcome = "added" | "updated" | "unchanged" | "failed";

/** What happens during a run, as data. */
export type SyncEvent =
  /** So many images will be looked at. */
  | { readonly kind: "sync-start"; readonly images: number }
  /** An image has to be copied; `position` of `count` in its group. */
  | {
      readonly kind: "image-start";
      readonly from: string;
      readonly to: string;
      readonly position: number;
      readonly count: number;
    }
  /** What the copy of an image tells. */
  | {
      readonly kind: "image-progress";
      readonly from: string;
      readonly to: string;
      readonly event: ProgressEvent;
    }
  /** An attempt to compare or copy an image failed, and another one begins after `wait` milliseconds. */
  | {
      readonly kind: "image-retry";
      readonly from: string;
      readonly to: string;
      readonly attempt: number;
      readonly wait: number;
      readonly error: string;
    }
  /** An image is at its destination, or `error` says why it is not. */
  | {
      readonly kind: "image-end";
      readonly from: string;
      readonly to: string;
      readonly outcome: SyncOutcome;
      readonly digest?: Digest | undefined;
      readonly error?: string | undefined;
    };

/** Is told what happens. It must not throw. */
export type SyncListener = (event: SyncEvent) => void;
