import { copyImage } from "../copy/copy-image.ts";
import type { CopyRequest } from "../copy/copy-request.ts";
import { SharedBlobs } from "../copy/shared-blobs.ts";
import type { OperationOptions } from "../core/byte-stream.ts";
import type { Digest } from "../core/digest.ts";
import { errorMessage } from "../core/errors.ts";
import { forEachLimited } from "../core/limiter.ts";
import type { ImageSigner } from "../core/signature.ts";
import { isAttachedTag } from "./attached-tags.ts";
import { type Comparison, compareTask, type KnownDestinations } from "./compare.ts";
import type { SyncListener, SyncOutcome } from "./sync-event.ts";
import { inTurns, nameOf, type SyncTask } from "./sync-task.ts";

/** Images that are looked at or copied at a time, unless something else is said. */
const IMAGES_AT_A_TIME = 40;

/** What holds for all images of a run. */
export interface SyncSettings
  extends Pick<
      CopyRequest,
      "admit" | "format" | "preserveDigests" | "removeSignatures" | "signers" | "knowledge" | "inflationLimit"
    >,
    KnownDestinations {
  readonly imagesAtATime?: number | undefined;
  /** Go on with other images after one has failed. */
  readonly keepsGoing: boolean;
  /** Does something for a task, and once more if it may succeed then. */
  readonly retrying: <T>(work: () => Promise<T>, options: OperationOptions, task: SyncTask) => Promise<T>;
  /** Brings what else belongs to an image that is at its destination now, and tells what that is. */
  readonly complete?: ((task: SyncTask, options: OperationOptions) => Promise<readonly string[]>) | undefined;
  readonly sharedBlobs?: SharedBlobs | undefined;
  readonly onEvent?: SyncListener | undefined;
}

/** How it went with one image. */
export interface SyncResult {
  readonly task: SyncTask;
  readonly outcome: SyncOutcome;
  /** What the destination names now. */
  readonly digest?: Digest | undefined;
  /** Digests and tags of what refers to it, all of which the destination has. */
  readonly attached?: readonly string[] | undefined;
  readonly error?: unknown;
}

/**
 * Makes destinations have the images that their sources have. Results come in the order of the tasks; a task that was not begun
 * has none.
 * @throws {SyncFailure} caused by the first failure, unless the run keeps going, or by an abort
 */
export async function synchronize(
  tasks: readonly SyncTask[],
  settings: SyncSettings,
  options: OperationOptions = {},
): Promise<readonly SyncResult[]> {
  const results = new Map<SyncTask, SyncResult>();
  const run = new SyncRun(tasks, settings);
  const listed = (): readonly SyncResult[] => tasks.flatMap((task) => results.get(task) ?? []);
  try {
    await forEachLimited(
      inTurns(tasks),
      settings.imagesAtATime ?? IMAGES_AT_A_TIME,
      async (task, _index, operation) => {
        const result = await run.bring(task, operation);
        results.set(task, result);
        if (result.outcome === "failed" && !settings.keepsGoing) throw result.error;
      },
      options,
    );
  } catch (error) {
    throw new SyncFailure(error, listed());
  }
  return listed();
}

/** A run that ended with its first failure, or was ended. */
export class SyncFailure extends Error {
  override readonly name = "SyncFailure";
  readonly results: readonly SyncResult[];

  constructor(cause: unknown, results: readonly SyncResult[]) {
    super(errorMessage(cause), { cause });
    this.results = results;
  }
}

class SyncRun {
  readonly #settings: SyncSettings;
  readonly #blobs: SharedBlobs;
  /** How many images each group has, and how many of them have had their turn. */
  readonly #counts = new Map<string, { readonly all: number; begun: number }>();

  constructor(tasks: readonly SyncTask[], settings: SyncSettings) {
    this.#settings = settings;
    this.#blobs = settings.sharedBlobs ?? new SharedBlobs();
    for (const { group } of tasks) {
      const { all = 0 } = this.#counts.get(group) ?? {};
      this.#counts.set(group, { all: all + 1, begun: 0 });
    }
    settings.onEvent?.({ kind: "sync-start", images: tasks.length });
  }

  async bring(task: SyncTask, options: OperationOptions): Promise<SyncResult> {
    const result = await this.#attempt(task, options);
    const { outcome, digest, error } = result;
    this.#settings.onEvent?.({
      kind: "image-end",
      from: nameOf(task.source),
      to: nameOf(task.destination),
      outcome,
      digest,
      error: error === undefined ? undefined : errorMessage(error),
    });
    return result;
  }

  async #attempt(task: SyncTask, options: OperationOptions): Promise<SyncResult> {
    try {
      const { retrying } = this.#settings;
      const comparison = await retrying(() => compareTask(task, this.#settings, options), options, task);
      const signers = this.#signersFor(task);
      const isSettled = comparison.isEqual && this.#settings.format === undefined && signers.length === 0;
      const result = isSettled
        ? { task, outcome: "unchanged" as const, digest: toDigest(comparison.destination) }
        : await retrying(() => this.#copy(task, signers, comparison, options), options, task);
      if (result.digest === undefined || (isSettled && comparison.isFinal)) return result;
      return { ...result, attached: await this.#settle(task, comparison.source, result.digest, options) };
    } catch (error) {
      options.signal?.throwIfAborted();
      return { task, outcome: "failed", error };
    }
  }

  /** What belongs to another image, by its tag, is no image to be signed. */
  #signersFor({ source }: SyncTask): readonly ImageSigner[] {
    return isAttachedTag(source.dockerName?.tag) ? [] : (this.#settings.signers ?? []);
  }

  async #copy(
    task: SyncTask,
    signers: readonly ImageSigner[],
    comparison: Comparison,
    options: OperationOptions,
  ): Promise<SyncResult> {
    const { admit, format, preserveDigests, removeSignatures, knowledge, inflationLimit, onEvent } =
      this.#settings;
    const [from, to] = [nameOf(task.source), nameOf(task.destination)];
    const counts = this.#counts.get(task.group) ?? { all: 1, begun: 0 };
    onEvent?.({ kind: "image-start", from, to, position: ++counts.begun, count: counts.all });
    const copied = await copyImage(
      {
        source: task.source,
        destination: task.destination,
        instances: task.instances,
        ...{ format, preserveDigests, removeSignatures, knowledge, inflationLimit },
        signers,
        sharedBlobs: this.#blobs,
        destinationDigest: comparison.destination,
        admit,
        expectedDigest: task.expected,
        onProgress: (event) => onEvent?.({ kind: "image-progress", from, to, event }),
      },
      options,
    );
    const isNew = comparison.destination === undefined || comparison.destination === "none";
    const outcome = copied.isUnchanged ? "unchanged" : isNew ? "added" : "updated";
    return { task, outcome, digest: copied.manifest.digest };
  }

  async #settle(
    task: SyncTask,
    source: Digest | undefined,
    destination: Digest,
    options: OperationOptions,
  ): Promise<readonly string[] | undefined> {
    const { state, complete, retrying } = this.#settings;
    const isAlone = complete === undefined || !(task.withReferrers || task.withCosignTags);
    const attached = isAlone ? undefined : await retrying(() => complete(task, options), options, task);
    // What is remembered is there with all that belongs to it.
    if (source !== undefined) state?.remember(task, { source, destination });
    return attached;
  }
}

function toDigest(digest: Digest | "none" | undefined): Digest | undefined {
  return digest === "none" ? undefined : digest;
}
