/**
 * Mirroring: what to copy where, compared with what is there.
 * @packageDocumentation
 */
export { type BlobTotals, SharedBlobs } from "../copy/shared-blobs.ts";
export type { GatherOptions } from "../library/sync/gather-mirrors.ts";
export type { Mirror, MirrorSettings, Mirrors, MirrorTags } from "../library/sync/mirrors.ts";
export { type PlanOptions, planSync } from "../library/sync/plan-sync.ts";
export { type Synced, type SyncedImage, type SyncOptions, sync } from "../library/sync/sync.ts";
export { compareVersions, parseVersion, type Version } from "../sync/files/version.ts";
export {
  isInRange,
  parseVersionRange,
  type VersionCondition,
  type VersionGroup,
  type VersionRange,
} from "../sync/files/version-range.ts";
export type { PlannedImage, SyncPlan } from "../sync/plan.ts";
export type { DeletionCap, PlannedDeletion } from "../sync/prune.ts";
export type { SyncEvent, SyncListener, SyncOutcome } from "../sync/sync-event.ts";
export { SyncState } from "../sync/sync-state.ts";
export type { TaskSettings, TlsSettings } from "../sync/task-settings.ts";
