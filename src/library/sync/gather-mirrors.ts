import type { InstanceSelection } from "../../copy/copy-request.ts";
import type { OperationOptions } from "../../core/byte-stream.ts";
import { parsePlatform } from "../../core/descriptor.ts";
import { ImageError } from "../../core/errors.ts";
import type { ImageReference } from "../../core/image.ts";
import type { ImageAccess } from "../../environment/image-access.ts";
import type { ClosureContext } from "../../sync/closure.ts";
import { readCreationDate } from "../../sync/creation-date.ts";
import { destinationNamer } from "../../sync/files/destinations.ts";
import type { EntryAccess, MirrorEntry } from "../../sync/files/mirror-entry.ts";
import { applyTagFilter } from "../../sync/files/tag-filter.ts";
import { type GatheredEntry, gatherTasks } from "../../sync/gather.ts";
import type { SyncTask } from "../../sync/sync-task.ts";
import { type CallOptions, environmentOf } from "../call-options.ts";
import { type Mirrors, readMirrors } from "./mirrors.ts";

/** What `sync` and `planSync` both take. */
export interface GatherOptions extends CallOptions {
  /** Credentials and TLS settings for all sources; a mirror's own come first. */
  readonly sourceAccess?: ImageAccess | undefined;
  /** Credentials and TLS settings for all destinations; a mirror's own come first. */
  readonly destinationAccess?: ImageAccess | undefined;
  /** The time that ages are counted from, in milliseconds since 1970; without it, now. */
  readonly now?: number | undefined;
}

/** Turns a name of a mirror into an image, with what the mirror says of its registry. */
export type Resolve = (
  name: string,
  role: "source" | "destination",
  access?: EntryAccess,
) => Promise<ImageReference>;

export function resolverOf(options: GatherOptions): Resolve {
  const { sourceAccess, destinationAccess } = options;
  return async (name, role, access = {}) => {
    const common = role === "source" ? sourceAccess : destinationAccess;
    return await environmentOf(options).parseImageName(name, { ...common, ...known(access) });
  };
}

/** What brings, or looks for, what belongs to an image. */
export function closureContext(task: SyncTask, resolve: Resolve): ClosureContext {
  const { withReferrers, withCosignTags, attachedTags, access } = task;
  return {
    ...{ withReferrers, withCosignTags, attachedTags },
    resolve: (name, role) => resolve(name, role, access[role]),
  };
}

function known({ credentials, tlsVerify, certDir }: EntryAccess): ImageAccess {
  return {
    ...(credentials === undefined ? {} : { credentials, anonymous: false }),
    ...(tlsVerify === undefined ? {} : { tlsVerify }),
    ...(certDir === undefined ? {} : { certDir }),
  };
}

/** Lists what is mirrored. @throws {ImageError} CONFIG_INVALID, or why a repository cannot be listed */
export async function gatherMirrors(
  mirrors: Mirrors,
  options: GatherOptions,
): Promise<readonly GatheredEntry[]> {
  const { signal } = options;
  const entries = await readMirrors(mirrors, environmentOf(options).environment.env);
  const resolve = resolverOf(options);
  return await gatherTasks(
    entries,
    {
      resolve,
      namerOf: async (entry) => await destinationNamer(entry, undefined),
      choose: async (entry, tags, operation) =>
        await chooseTags(entry, tags, resolve, options.now, operation),
      instancesOf,
      onProblem: (error) => {
        throw error;
      },
    },
    { signal },
  );
}

async function chooseTags(
  { source, access, selection }: MirrorEntry,
  tags: readonly string[],
  resolve: Resolve,
  now: number | undefined,
  { signal }: OperationOptions,
): Promise<readonly string[]> {
  const createdAt = async (tag: string): Promise<Date | undefined> => {
    const image = await resolve(`docker://${source.registry}/${source.repository}:${tag}`, "source", access);
    return await readCreationDate(image, { signal });
  };
  const filtering = { now: new Date(now ?? Date.now()), createdAt, signal };
  const verdicts = await applyTagFilter(selection.filter ?? {}, tags, filtering);
  return verdicts.flatMap(({ tag, kept }) => (kept ? [tag] : []));
}

function instancesOf({ platforms, place }: MirrorEntry): InstanceSelection {
  if (platforms === undefined || platforms === "all") return { kind: "all" };
  return {
    kind: "platforms",
    platforms: platforms.map((text) => {
      const platform = parsePlatform(text);
      if (platform !== undefined) return platform;
      throw new ImageError("CONFIG_INVALID", `${place}: ${JSON.stringify(text)} is no platform`);
    }),
  };
}
