import * as v from "valibot";
import type { OperationOptions } from "../core/byte-stream.ts";
import { type Digest, isDigest } from "../core/digest.ts";
import { errorMessage, ImageError, isAbort } from "../core/errors.ts";
import { forEachLimited } from "../core/limiter.ts";
import { isTransient } from "../core/retry.ts";
import { compareTask, type KnownDestinations } from "./compare.ts";
import { type ImageContents, readContents } from "./image-blobs.ts";
import type { PlannedDeletion } from "./prune.ts";
import { destinationHost, nameOf, type SyncTask } from "./sync-task.ts";
import { settingsOf, type TaskSettings, TaskSettingsSchema } from "./task-settings.ts";

/** Images that are compared at a time; fewer where what belongs to them is looked for, which takes many questions each. */
const COMPARED_AT_A_TIME = 64;
const SEARCHED_AT_A_TIME = 16;

/** What is to happen with one image. */
export interface PlannedImage {
  /** `docker://registry/repository:tag` */
  readonly from: string;
  /** `docker://registry/repository:tag` */
  readonly to: string;
  /** What is to be done. */
  readonly action: "add" | "update" | "unchanged" | "failed";
  /** How its mirror wants it to be copied. */
  readonly settings: TaskSettings;
  /** What the source names. */
  readonly source?: Digest | undefined;
  /** What the destination names; absent where that is nothing, or not known. */
  readonly destination?: Digest | undefined;
  /** Of all its blobs, each once, whether the destination has some of them or not. */
  readonly bytes?: number | undefined;
  /** What refers to an image that is there, and is not there itself: digests of referrers, and cosign's tags. */
  readonly missing?: readonly string[] | undefined;
  /** Why it cannot be compared. */
  readonly error?: string | undefined;
}

/** What a run would do, as data. */
export interface SyncPlan {
  /** Of the format of plans. */
  readonly version: 1;
  /** RFC 3339. */
  readonly createdAt: string;
  /** In the order of the mirrors. */
  readonly images: readonly PlannedImage[];
  /** What pruning would delete. */
  readonly deletions: readonly PlannedDeletion[];
  /** At most so much: what destinations hold of the blobs is found out when they are written. */
  readonly expected: {
    /** Of blobs that have to be read from their sources, each once. */
    readonly bytes: number;
    /** Blobs that another repository of the same registry will have by then. */
    readonly mounts: number;
    readonly requests: number;
  };
}

const DigestSchema = v.custom<Digest>((value) => typeof value === "string" && isDigest(value), "a digest");
const PlanSchema = v.object({
  version: v.literal(1),
  createdAt: v.string(),
  images: v.array(
    v.object({
      from: v.string(),
      to: v.string(),
      action: v.picklist(["add", "update", "unchanged", "failed"]),
      settings: TaskSettingsSchema,
      source: v.optional(DigestSchema),
      destination: v.optional(DigestSchema),
      bytes: v.optional(v.number()),
      missing: v.optional(v.array(v.string())),
      error: v.optional(v.string()),
    }),
  ),
  deletions: v.array(v.object({ name: v.string(), digest: DigestSchema })),
  expected: v.object({ bytes: v.number(), mounts: v.number(), requests: v.number() }),
});

/** Reads a plan that `--plan-out` has written. @throws {ImageError} CONFIG_INVALID */
export function parsePlan(text: string, file: string): SyncPlan {
  try {
    return v.parse(PlanSchema, JSON.parse(text));
  } catch (error) {
    const reason = error instanceof SyntaxError ? "it is no JSON" : errorMessage(error);
    throw new ImageError("CONFIG_INVALID", `${file} is no plan of sync: ${reason}`, {
      cause: error,
    });
  }
}

/** Whether there is anything to do, or to worry about. */
export function hasDifferences({ images, deletions }: SyncPlan): boolean {
  return deletions.length > 0 || images.some(({ action }) => action !== "unchanged");
}

/** One image of a plan, with what its blobs are known to be. */
interface ComparedTask {
  readonly image: PlannedImage;
  readonly contents: ImageContents | undefined;
}

export interface PlanSettings extends KnownDestinations {
  /** Read the manifests of what is unchanged too, so that each image has its size; fail where one cannot be read at present. */
  readonly measuresAll: boolean;
  /** Finds what belongs to an image that is at its destination, and is not there. */
  readonly findMissing?:
    | ((task: SyncTask, options: OperationOptions) => Promise<readonly string[]>)
    | undefined;
  /** Told what an image consists of, where that had to be read. */
  readonly onContents?: ((contents: ImageContents) => void) | undefined;
  /** Tries again what may succeed then. */
  readonly retrying?:
    | (<T>(work: () => Promise<T>, options: OperationOptions, task: SyncTask) => Promise<T>)
    | undefined;
}

/** Compares all images, and reads the manifests of those that differ. Nothing is written. */
export async function planTasks(
  tasks: readonly SyncTask[],
  settings: PlanSettings,
  options: OperationOptions = {},
): Promise<Omit<SyncPlan, "deletions">> {
  const compared: ComparedTask[] = [];
  await forEachLimited(
    tasks,
    settings.findMissing === undefined ? COMPARED_AT_A_TIME : SEARCHED_AT_A_TIME,
    async (task, index, operation) => {
      compared[index] = await planTask(task, settings, operation);
    },
    options,
  );
  return {
    version: 1,
    createdAt: new Date().toISOString(),
    images: compared.map(({ image }) => image),
    expected: expectedOf(tasks, compared),
  };
}

async function planTask(
  task: SyncTask,
  settings: PlanSettings,
  options: OperationOptions,
): Promise<ComparedTask> {
  const { retrying = async (work) => await work() } = settings;
  const names = { from: nameOf(task.source), to: nameOf(task.destination), settings: settingsOf(task) };
  try {
    const comparison = await retrying(() => compareTask(task, settings, options), options, task);
    const destination = comparison.destination === "none" ? undefined : comparison.destination;
    const belongings = async (): Promise<Pick<PlannedImage, "action" | "missing">> => {
      const { findMissing } = settings;
      const isAlone = !(task.withReferrers || task.withCosignTags) || comparison.isFinal === true;
      if (findMissing === undefined || isAlone) return { action: "unchanged" };
      const missing = await retrying(() => findMissing(task, options), options, task);
      return missing.length === 0 ? { action: "unchanged" } : { action: "update", missing };
    };
    if (comparison.isEqual && !settings.measuresAll) {
      return {
        image: { ...names, ...(await belongings()), source: comparison.source, destination },
        contents: undefined,
      };
    }
    const contents = await retrying(() => readContents(task.source, task.instances, options), options, task);
    settings.onContents?.(contents);
    const source = contents.topLevel.digest;
    const bytes = sizeOf(contents);
    if (comparison.isEqual || (destination !== undefined && contents.written === destination)) {
      const image = { ...names, ...(await belongings()), source, destination, bytes };
      return { image, contents: undefined };
    }
    if (isUnknown(comparison.problem)) {
      const error = errorMessage(comparison.problem);
      return { image: { ...names, action: "failed", source, bytes, error }, contents };
    }
    const action = destination === undefined ? "add" : "update";
    return { image: { ...names, action, source, destination, bytes }, contents };
  } catch (error) {
    if (isAbort(error) || (settings.measuresAll && mayPass(error))) throw error;
    return { image: { ...names, action: "failed", error: errorMessage(error) }, contents: undefined };
  }
}

/** Whether it is not known what the destination has. A registry may refuse to speak of a repository before there is one. */
function isUnknown(problem: unknown): boolean {
  if (problem === undefined) return false;
  return !(problem instanceof ImageError && ["UNAUTHORIZED", "DENIED"].includes(problem.code));
}

function mayPass(error: unknown): boolean {
  return isTransient(error) || (error instanceof ImageError && error.code === "NETWORK_FAILURE");
}

function sizeOf({ blobs }: ImageContents): number {
  const sizes = new Map(blobs.map(({ digest, size }) => [digest, Math.max(0, size)]));
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

/** Requests for one blob that is sent, and for one that is mounted. */
const REQUESTS_PER_UPLOAD = 4;
const REQUESTS_PER_MOUNT = 1;

function expectedOf(tasks: readonly SyncTask[], compared: readonly ComparedTask[]): SyncPlan["expected"] {
  const sizes = new Map<Digest, number>();
  const homes = new Map<string, Set<string>>();
  let mounts = 0;
  let uploads = 0;
  let requests = 2 * tasks.length;
  for (const [index, { contents }] of compared.entries()) {
    const task = tasks[index];
    if (contents === undefined || task === undefined) continue;
    requests += 2 * contents.manifests.length;
    const repository = task.destination.dockerName?.repository ?? task.destination.text;
    for (const { digest, size } of contents.blobs) {
      sizes.set(digest, Math.max(0, size));
      const key = `${destinationHost(task)} ${digest}`;
      const known = homes.get(key) ?? new Set();
      if (!known.has(repository)) known.size > 0 ? mounts++ : uploads++;
      homes.set(key, known.add(repository));
    }
  }
  requests += uploads * REQUESTS_PER_UPLOAD + mounts * REQUESTS_PER_MOUNT;
  return { bytes: [...sizes.values()].reduce((sum, size) => sum + size, 0), mounts, requests };
}
