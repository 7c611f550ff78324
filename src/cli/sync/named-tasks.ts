import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { errorMessage, ImageError } from "../../core/errors.ts";
import type { PlannedImage } from "../../sync/plan.ts";
import { nameOf, type SyncTask } from "../../sync/sync-task.ts";
import { type TaskSettings, TaskSettingsSchema } from "../../sync/task-settings.ts";
import type { SyncSession } from "./sync-session.ts";
import type { GatheredSources } from "./sync-sources.ts";

const ReportSchema = v.object({
  version: v.literal(1),
  images: v.array(
    v.object({
      from: v.string(),
      to: v.string(),
      outcome: v.string(),
      settings: v.optional(TaskSettingsSchema),
    }),
  ),
  problems: v.optional(v.array(v.object({ from: v.string() })), []),
});

/**
 * What failed by the report of an earlier run, or was not begun: of what the arguments name, or, without arguments, by the
 * report's own names.
 * @throws {ImageError} CONFIG_INVALID
 */
export async function failedTasks(
  session: SyncSession,
  file: string,
  gathered: GatheredSources | undefined,
): Promise<GatheredSources> {
  const { images, problems } = await readReport(file);
  const failed = images.filter(({ outcome }) => outcome === "failed" || outcome === "skipped");
  const names = new Set(failed.map(({ from, to }) => keyOf(from, to)));
  const unlisted = new Set(problems.map(({ from }) => from));
  if (gathered === undefined && unlisted.size > 0) {
    const list = [...unlisted].join(", ");
    session.invocation.log.warn(
      `What could not be listed is left out, unless its file is named again: ${list}`,
    );
  }
  const tasks =
    gathered === undefined
      ? await Promise.all(failed.map((image) => namedTask(session, image, file, undefined)))
      : gathered.tasks.filter(
          ({ source, destination, group }) =>
            unlisted.has(group) || names.has(keyOf(nameOf(source), nameOf(destination))),
        );
  const sources = new Set(tasks.map(({ group }) => group)).size;
  return { tasks, entries: [], sources, problems: gathered?.problems ?? [], isComplete: false };
}

async function readReport(file: string): Promise<v.InferOutput<typeof ReportSchema>> {
  try {
    return v.parse(ReportSchema, JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    const reason = error instanceof SyntaxError ? "it is no JSON" : errorMessage(error);
    throw new ImageError("CONFIG_INVALID", `${file} is no report of sync: ${reason}`, { cause: error });
  }
}

/** The tasks of a plan, by its own names and settings; how registries are reached is taken from `known`, which may have credentials. */
export async function plannedTasks(
  session: SyncSession,
  images: readonly PlannedImage[],
  file: string,
  known: readonly SyncTask[],
): Promise<readonly SyncTask[]> {
  const tasks = new Map(known.map((task) => [keyOf(nameOf(task.source), nameOf(task.destination)), task]));
  return await Promise.all(
    images.map((image) => namedTask(session, image, file, tasks.get(keyOf(image.from, image.to))?.access)),
  );
}

/** Names one image among those of a plan. */
export function keyOf(from: string, to: string): string {
  return `${from} ${to}`;
}

interface NamedImage extends Pick<PlannedImage, "from" | "to"> {
  /** Reports of elsewhere may have none. */
  readonly settings?: TaskSettings | undefined;
}

function settingsByFlags({ instances, invocation: { flags } }: SyncSession): TaskSettings {
  return { instances, referrers: flags["with-referrers"], cosignTags: flags["with-referrers"] };
}

async function namedTask(
  session: SyncSession,
  { from, to, settings = settingsByFlags(session) }: NamedImage,
  place: string,
  known: SyncTask["access"] | undefined,
): Promise<SyncTask> {
  const access = known ?? { source: settings.source ?? {}, destination: settings.destination ?? {} };
  const source = await session.resolve(from, "source", access.source);
  const { dockerName } = source;
  return {
    source,
    destination: await session.resolve(to, "destination", access.destination),
    group: dockerName === undefined ? source.text : `${dockerName.registry}/${dockerName.repository}`,
    place,
    access,
    instances: settings.instances,
    isImmutable: false,
    withReferrers: settings.referrers,
    withCosignTags: settings.cosignTags,
  };
}
