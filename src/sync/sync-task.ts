import type { InstanceSelection } from "../copy/copy-request.ts";
import type { Digest } from "../core/digest.ts";
import type { ImageReference } from "../core/image.ts";
import type { EntryAccess } from "./files/mirror-entry.ts";

/** One image that a destination is to have under one name. */
export interface SyncTask {
  readonly source: ImageReference;
  readonly destination: ImageReference;
  /** The source's repository, archive or directory: images are counted within it. */
  readonly group: string;
  /** Where the task is written, for messages: `mirror.yaml:12`. */
  readonly place: string;
  readonly instances: InstanceSelection;
  /** How both repositories are reached, where a file says so. */
  readonly access: { readonly source: EntryAccess; readonly destination: EntryAccess };
  /** The source's tag never moves: once it is at the destination, nobody is asked about it. */
  readonly isImmutable: boolean;
  /** A directory that holds an image already gets the new one, where skopeo refuses. */
  readonly mayReplace?: boolean | undefined;
  /** What points to the image goes with it: signatures, attestations, SBOMs; as OCI referrers, and under cosign's tags. */
  readonly withReferrers: boolean;
  readonly withCosignTags: boolean;
  /** The tags of the source's repository that belong to images, where its tags were listed. */
  readonly attachedTags?: ReadonlySet<string> | undefined;
  /** The only manifest that may be copied, where a plan says so. */
  readonly expected?: Digest | undefined;
}

/** `docker://registry/repository:tag` */
export function nameOf(reference: ImageReference): string {
  return `${reference.transport.name}:${reference.text}`;
}

/** The registry of a task's destination, or its transport: what tasks are served in turns by. */
export function destinationHost({ destination }: Pick<SyncTask, "destination">): string {
  return destination.dockerName?.registry ?? destination.transport.name;
}

/** The tasks in an order in which each destination gets its turn. */
export function inTurns(tasks: readonly SyncTask[]): readonly SyncTask[] {
  const queues = new Map<string, SyncTask[]>();
  for (const task of tasks) {
    const host = destinationHost(task);
    const queue = queues.get(host) ?? [];
    queue.push(task);
    queues.set(host, queue);
  }
  if (queues.size < 2) return tasks;
  const ordered: SyncTask[] = [];
  for (let i = 0; ordered.length < tasks.length; i++) {
    for (const queue of queues.values()) {
      const task = queue[i];
      if (task !== undefined) ordered.push(task);
    }
  }
  return ordered;
}
