import type { Digest } from "./digest.ts";
import type { ImageSigner } from "./signature.ts";

/** What happened, as data; drawing it is the listener's business. At most ten `blob-bytes` a second per blob. */
export type ProgressEvent =
  /** The source's signatures are about to be read, of an image or of an index. */
  | { readonly kind: "signatures"; readonly of: "image" | "index"; readonly step: "read" | "check" | "write" }
  /** A signature is about to be made; of several, `number` is which, from 1. */
  | { readonly kind: "signing"; readonly method: ImageSigner["method"]; readonly number?: number | undefined }
  /** `count` of the `total` instances of an index will be copied. */
  | { readonly kind: "instances"; readonly count: number; readonly total: number }
  /** Such an image is next: `position` of `count`, from 1. */
  | { readonly kind: "instance"; readonly digest: Digest; readonly position: number; readonly count: number }
  /** A layer or config begins to move, or is looked for; `size` is in bytes, where it is known. */
  | {
      readonly kind: "blob-start";
      readonly digest: Digest;
      readonly role: "config" | "layer";
      readonly size?: number | undefined;
    }
  /** `bytes` is the total moved so far; it falls back when a failed transfer starts again. */
  | { readonly kind: "blob-bytes"; readonly digest: Digest; readonly bytes: number }
  /** The blob was moved, found at the destination, or left to where its URLs say it is. */
  | { readonly kind: "blob-end"; readonly digest: Digest; readonly outcome: "copied" | "reused" | "skipped" }
  /** A manifest is about to be written. */
  | {
      readonly kind: "manifest";
      readonly of: "image" | "index";
      readonly digest: Digest;
      readonly mediaType: string;
    }
  /** The destination already holds this very image; nothing was moved. */
  | { readonly kind: "unchanged"; readonly digest: Digest }
  /** What somebody should know, although it stops nothing. */
  | { readonly kind: "warning"; readonly message: string }
  | NetworkEvent;

/** What a server says of how much it may be asked. */
export type NetworkEvent =
  /**
   * So many requests are still allowed. `window` is the time that the limit is for, `reset` the time until it is renewed, both in
   * seconds.
   */
  | {
      readonly kind: "rate-limit";
      readonly host: string;
      readonly remaining: number;
      readonly limit?: number | undefined;
      readonly window?: number | undefined;
      readonly reset?: number | undefined;
    }
  /** It answered 429 or 503: nothing is asked for `wait` milliseconds, and no more than `concurrency` at a time then. */
  | {
      readonly kind: "throttled";
      readonly host: string;
      readonly wait: number;
      readonly concurrency: number;
    };

/** Is told what happens. It must not throw. */
export type ProgressListener = (event: ProgressEvent) => void;
