import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import * as v from "valibot";
import { type Digest, isDigest } from "../core/digest.ts";
import { isMissing, writeFileAtomically } from "../runtime/files.ts";
import { nameOf, type SyncTask } from "./sync-task.ts";

/** What a task led to. */
export interface RememberedTask {
  readonly source: Digest;
  readonly destination: Digest;
}

const DigestSchema = v.custom<Digest>((value) => typeof value === "string" && isDigest(value));
const StateSchema = v.object({
  version: v.literal(1),
  tasks: v.record(v.string(), v.tuple([DigestSchema, DigestSchema])),
});

/**
 * A file that remembers which source manifest became which manifest of the destination. It makes later runs ask less and is
 * never believed without the destination's list of tags; it may be deleted at any time, and one that is damaged counts as empty.
 */
export class SyncState {
  readonly #path: string;
  readonly #tasks: Map<string, RememberedTask>;
  #isChanged = false;

  private constructor(path: string, tasks: Map<string, RememberedTask>) {
    this.#path = path;
    this.#tasks = tasks;
  }

  /** Reads the file. `onDamage` is told why it counts as empty. */
  static async open(path: string, onDamage: (reason: string) => void): Promise<SyncState> {
    return new SyncState(path, await readTasks(path, onDamage));
  }

  /** @internal */
  find(task: SyncTask): RememberedTask | undefined {
    return this.#tasks.get(keyOf(task));
  }

  /** @internal */
  remember(task: SyncTask, remembered: RememberedTask): void {
    const key = keyOf(task);
    const before = this.#tasks.get(key);
    if (before?.source === remembered.source && before.destination === remembered.destination) return;
    this.#tasks.set(key, remembered);
    this.#isChanged = true;
  }

  /** Writes the file anew, if anything has changed. Of two runs at once the later one wins. */
  async save(): Promise<void> {
    if (!this.#isChanged) return;
    const tasks = Object.fromEntries(
      [...this.#tasks].map(([key, { source, destination }]) => [key, [source, destination]]),
    );
    await mkdir(dirname(this.#path), { recursive: true });
    await writeFileAtomically(this.#path, `${JSON.stringify({ version: 1, tasks })}\n`, 0o600);
    this.#isChanged = false;
  }
}

async function readTasks(
  path: string,
  onDamage: (reason: string) => void,
): Promise<Map<string, RememberedTask>> {
  try {
    const { tasks } = v.parse(StateSchema, JSON.parse(await readFile(path, "utf8")));
    const entries = Object.entries(tasks).map(([key, [source, destination]]): [string, RememberedTask] => [
      key,
      { source, destination },
    ]);
    return new Map(entries);
  } catch (error) {
    if (!isMissing(error)) onDamage(`the state in ${path} cannot be used and is made anew`);
    return new Map();
  }
}

/** The same names with another selection of platforms lead to another manifest, and with referrers to more. */
function keyOf({ source, destination, instances, withReferrers, withCosignTags }: SyncTask): string {
  const belongings = [...(withReferrers ? ["referrers"] : []), ...(withCosignTags ? ["cosign-tags"] : [])];
  return [nameOf(source), nameOf(destination), JSON.stringify(instances), ...belongings].join(" ");
}
