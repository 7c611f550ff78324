import type { SyncPlan } from "../../sync/plan.ts";
import type { SyncState } from "../../sync/sync-state.ts";
import { interruptible } from "../interruption.ts";
import type { GatherOptions } from "./gather-mirrors.ts";
import type { Mirrors } from "./mirrors.ts";

/** How a plan is made. */
export interface PlanOptions extends GatherOptions {
  /** What earlier runs have left at the destinations, so that less is asked. */
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
  return await interruptible(options, async (inner) => await plan(mirrors, inner));
}

async function plan(mirrors: Mirrors, options: PlanOptions): Promise<Omit<SyncPlan, "deletions">> {
  const { state, signal } = options;
  const [{ closureContext, gatherMirrors, resolverOf }, { planTasks }, { findMissingClosure }] =
    await Promise.all([
      import("./gather-mirrors.ts"),
      import("../../sync/plan.ts"),
      import("../../sync/closure.ts"),
    ]);
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
