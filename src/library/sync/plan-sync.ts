import { findMissingClosure } from "../../sync/closure.ts";
import { planTasks, type SyncPlan } from "../../sync/plan.ts";
import type { SyncState } from "../../sync/sync-state.ts";
import { closureContext, type GatherOptions, gatherMirrors, resolverOf } from "./gather-mirrors.ts";
import type { Mirrors } from "./mirrors.ts";

export interface PlanOptions extends GatherOptions {
  readonly state?: SyncState | undefined;
}

/**
 * What `sync` would copy, found out without writing anything: what is there already, what differs, and how many bytes that is at
 * most. An image that cannot be compared is a `failed` one.
 * @throws {ImageError} CONFIG_INVALID
 */
export async function planSync(
  mirrors: Mirrors,
  options: PlanOptions = {},
): Promise<Omit<SyncPlan, "deletions">> {
  const { state, signal } = options;
  const entries = await gatherMirrors(mirrors, options);
  const resolve = resolverOf(options);
  return await planTasks(
    entries.flatMap(({ tasks }) => tasks),
    {
      state,
      measuresAll: false,
      findMissing: async (task, operation) =>
        await findMissingClosure(task.source, task.destination, closureContext(task, resolve), operation),
    },
    { signal },
  );
}
