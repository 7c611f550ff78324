import { parseDockerName, repositoryName } from "../core/docker-name.ts";
import type { ImageReference } from "../core/image.ts";
import type { EntryAccess, TagPattern } from "./files/mirror-entry.ts";
import { compileTagPattern } from "./files/tag-pattern.ts";
import type { GatheredEntry } from "./gather.ts";
import type { PruneContext } from "./prune.ts";
import type { SyncTask } from "./sync-task.ts";

/** What decides which tags may be deleted. */
export interface PruneRules {
  readonly entries: readonly GatheredEntry[];
  /** How their destinations are reached is how they are pruned. */
  readonly tasks: readonly SyncTask[];
  /** For entries that do not say it themselves. */
  readonly prunes: boolean;
  /** Tags that stay in all repositories. */
  readonly protect: readonly TagPattern[];
  /** Whether an entry is all that its destinations are to have. */
  isWhole(entry: GatheredEntry): boolean;
  /** Whether every destination may be pruned, whatever the entries say. */
  readonly mayPruneOthers: boolean;
  resolve(name: string, access: EntryAccess | undefined): Promise<ImageReference>;
}

type TagTest = (tag: string) => boolean;

/** Prunes where the rules or entries ask for it. @throws {ImageError} CONFIG_INVALID for a pattern */
export async function createPruneContext(rules: PruneRules): Promise<PruneContext> {
  const everywhere = await Promise.all(rules.protect.map(compileTagPattern));
  const pruned = new Set<string>();
  const spared = new Set<string>();
  const tests = new Map<string, Set<TagTest>>();
  const accesses = new Map<string, EntryAccess>();
  for (const { destination, access } of rules.tasks) {
    if (destination.dockerName !== undefined)
      accesses.set(repositoryName(destination.dockerName), access.destination);
  }
  for (const gathered of rules.entries) {
    const { entry, tasks } = gathered;
    const own = await Promise.all(entry.protect.map(compileTagPattern));
    for (const { destination } of tasks) {
      if (destination.dockerName === undefined) continue;
      const repository = repositoryName(destination.dockerName);
      if ((entry.prune ?? rules.prunes) && rules.isWhole(gathered)) pruned.add(repository);
      // Of two entries for one repository, the one that wants nothing deleted is heard.
      if (entry.prune === false) spared.add(repository);
      const known = tests.get(repository) ?? new Set();
      for (const test of own) known.add(test);
      tests.set(repository, known);
    }
  }
  return {
    resolve: async (name) => {
      const repository = repositoryName(parseDockerName(name.replace(/^docker:\/\//, "")));
      return await rules.resolve(name, accesses.get(repository));
    },
    mayPrune: (repository) => rules.mayPruneOthers || (pruned.has(repository) && !spared.has(repository)),
    isProtected: (repository, tag) =>
      [...everywhere, ...(tests.get(repository) ?? [])].some((test) => test(tag)),
  };
}
