import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { errorMessage, ImageError } from "../../core/errors.ts";
import type { PlannedImage } from "../../sync/plan.ts";
import { nameOf, type SyncTask } from "../../sync/sync-task.ts";
import type { SyncSession } from "./sync-session.ts";
import type { GatheredSources } from "./sync-sources.ts";

const ReportSchema = v.object({
  version: v.literal(1),
  images: v.array(v.object({ from: v.string(), to: v.string(), outcome: v.string() })),
});

/**
 * What failed by the report of an earlier run: of what the arguments name, or, without arguments, by the report's own names.
 * @throws {ImageError} CONFIG_INVALID
 */
export async function failedTasks(
  session: SyncSession,
  file: string,
  gathered: GatheredSources | undefined,
): Promise<GatheredSources> {
  const failed = (await readReport(file)).filter(({ outcome }) => outcome === "failed");
  const tasks =
    gathered === undefined
      ? await Promise.all(failed.map(({ from, to }) => namedTask(session, from, to, file)))
      : gathered.tasks.filter((task) =>
          failed.some(({ from, to }) => from === nameOf(task.source) && to === nameOf(task.destination)),
        );
  const sources = new Set(tasks.map(({ group }) => group)).size;
  return { tasks, entries: [], sources, problems: 0, isComplete: false };
}

async function readReport(file: string): Promise<v.InferOutput<typeof ReportSchema>["images"]> {
  try {
    return v.parse(ReportSchema, JSON.parse(await readFile(file, "utf8"))).images;
  } catch (error) {
    const reason = error instanceof SyntaxError ? "it is no JSON" : errorMessage(error);
    throw new ImageError("CONFIG_INVALID", `${file} is no report of sync: ${reason}`, { cause: error });
  }
}

/** The tasks of a plan, by its own names. */
export async function plannedTasks(
  session: SyncSession,
  images: readonly PlannedImage[],
  file: string,
): Promise<readonly SyncTask[]> {
  return await Promise.all(images.map(({ from, to }) => namedTask(session, from, to, file)));
}

async function namedTask(session: SyncSession, from: string, to: string, place: string): Promise<SyncTask> {
  const source = await session.resolve(from, "source");
  const { dockerName } = source;
  return {
    source,
    destination: await session.resolve(to, "destination"),
    group: dockerName === undefined ? source.text : `${dockerName.registry}/${dockerName.repository}`,
    place,
    access: { source: {}, destination: {} },
    instances: session.instances,
    isImmutable: false,
    withReferrers: session.invocation.flags["with-referrers"],
    withCosignTags: session.invocation.flags["with-referrers"],
  };
}
