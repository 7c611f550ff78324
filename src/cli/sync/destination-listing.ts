import { repositoryName } from "../../core/docker-name.ts";
import type { EntryAccess } from "../../sync/files/mirror-entry.ts";
import type { SyncTask } from "../../sync/sync-task.ts";
import type { SyncSession } from "./sync-session.ts";

/**
 * Tells whether the destination of a task lists its tag: with one question for a whole repository. Undefined for what has no tags, and
 * where the repository cannot be listed.
 */
export function createListing({
  resolve,
  invocation: { signal },
}: SyncSession): (task: SyncTask) => Promise<boolean | undefined> {
  const listings = new Map<string, Promise<ReadonlySet<string> | undefined>>();
  const list = async (repository: string, access: EntryAccess): Promise<ReadonlySet<string> | undefined> => {
    try {
      const reference = await resolve(`docker://${repository}`, "destination", access);
      return new Set(await Array.fromAsync(reference.listTags?.({ signal }) ?? []));
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  };
  return async ({ destination: { dockerName }, access }) => {
    if (dockerName?.tag === undefined) return undefined;
    const repository = repositoryName(dockerName);
    const listing = listings.get(repository) ?? list(repository, access.destination);
    listings.set(repository, listing);
    return (await listing)?.has(dockerName.tag);
  };
}
