import type { CopyRequest } from "../../copy/copy-request.ts";
import type { BlobTotals } from "../../copy/shared-blobs.ts";
import type { Digest } from "../../core/digest.ts";
import type { RetryPolicy } from "../../core/retry.ts";
import type { DeletionCap, PlannedDeletion } from "../../sync/prune.ts";
import type { SyncListener, SyncOutcome } from "../../sync/sync-event.ts";
import type { SyncState } from "../../sync/sync-state.ts";
import { interruptible } from "../interruption.ts";
import type { PolicyChoice } from "../policy-choice.ts";
import type { GatherOptions } from "./gather-mirrors.ts";
import type { Mirrors } from "./mirrors.ts";

/** How images are mirrored. */
export interface SyncOptions
  extends GatherOptions,
    Pick<
      CopyRequest,
      "format" | "preserveDigests" | "removeSignatures" | "signers" | "knowledge" | "inflationLimit"
    > {
  /** `machine` by default. */
  readonly policy?: PolicyChoice | undefined;
  /** Go on with other images after one has failed, which is told in the summary then. */
  readonly keepGoing?: boolean | undefined;
  /** Images at a time; 24 by default. */
  readonly imagesAtATime?: number | undefined;
  /** Tries after one that failed in a way that may pass; none by default. */
  readonly retry?: Pick<RetryPolicy, "times" | "delay"> | undefined;
  /** What earlier runs have left at the destinations, so that less is asked. Is to be saved by its owner. */
  readonly state?: SyncState | undefined;
  /** Delete tags of the destinations that nothing is mirrored to, once all images are there; false by default. */
  readonly prune?: boolean | undefined;
  /** The most tags to delete: a share of each repository's, or a number in all. Half of them by default. */
  readonly maxDelete?: DeletionCap | undefined;
  /** Told what happens. */
  readonly onEvent?: SyncListener | undefined;
}

/** How it went with one image. */
export interface SyncedImage {
  /** `docker://registry/repository:tag` */
  readonly from: string;
  /** `docker://registry/repository:tag` */
  readonly to: string;
  /** What became of it. */
  readonly outcome: SyncOutcome;
  /** What the destination names now. */
  readonly digest?: Digest | undefined;
  /** Why it failed. */
  readonly error?: unknown;
}

/** What a run has done. */
export interface Synced {
  /** In the order of the mirrors. */
  readonly images: readonly SyncedImage[];
  /** What was pruned. */
  readonly deleted: readonly PlannedDeletion[];
  /** How many blobs were sent, mounted and found, and their bytes. */
  readonly blobs: BlobTotals;
}

/**
 * Makes registries or directories have the images of others: copies what is missing or different, and with `prune` deletes what is
 * not mirrored. With `keepGoing`, failed images are in the summary, and nothing is deleted.
 * @throws {ImageError} the first failure, without `keepGoing`; CONFIG_INVALID before anything is written; an error without `code`
 * is a programmer's mistake
 */
export async function sync(mirrors: Mirrors, options: SyncOptions = {}): Promise<Synced> {
  return await interruptible(options, async (inner) => {
    const { runSync } = await import("./run-sync.ts");
    return await runSync(mirrors, inner);
  });
}
