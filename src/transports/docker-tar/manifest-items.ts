import * as v from "valibot";
import { type DockerName, formatDockerName, parseDockerName } from "../../core/docker-name.ts";
import { errorMessage, ImageError } from "../../core/errors.ts";
import { parseJson } from "../../format/json.ts";
import type { TarArchiveFile } from "../../tar/archive-file.ts";
import { foldedObject } from "./folded-members.ts";

export const MANIFEST_FILE = "manifest.json";
export const REPOSITORIES_FILE = "repositories";
const MANIFEST_LIMIT: number = 1024 * 1024;

/** One image of manifest.json, as it stands there. Unknown members are kept. */
export interface ManifestItem {
  readonly Config: string;
  readonly RepoTags: readonly string[];
  readonly Layers: readonly string[];
}

const ItemSchema: v.GenericSchema<unknown, ManifestItem> = foldedObject(
  ["Config", "RepoTags", "Layers"],
  v.looseObject({
    Config: v.nullish(v.string(), ""),
    RepoTags: v.nullish(v.array(v.string()), []),
    Layers: v.nullish(v.array(v.string()), []),
  }),
);
const ItemsSchema: v.GenericSchema<unknown, readonly ManifestItem[]> = v.pipe(
  v.nullish(v.array(ItemSchema)),
  v.transform((items) => items ?? []),
);

/** Which image of an archive is meant: by name, by position (from 0), or the only one. */
export interface ItemChoice {
  readonly name?: DockerName | undefined;
  readonly position?: number | undefined;
}

/** The images of an archive. @throws {ImageError} MANIFEST_INVALID, SIZE_LIMIT */
export async function readManifestItems(archive: TarArchiveFile): Promise<readonly ManifestItem[]> {
  const entry = archive.find(MANIFEST_FILE);
  if (entry === undefined) {
    throw new ImageError("MANIFEST_INVALID", `loading tar component "${MANIFEST_FILE}": file does not exist`);
  }
  return parseJson(ItemsSchema, await archive.readWhole(entry, MANIFEST_LIMIT), MANIFEST_FILE);
}

/**
 * The image that is meant. transports.md 4.1.
 * @throws {ImageError} INVALID_REFERENCE, NOT_FOUND
 */
export function selectItem(items: readonly ManifestItem[], choice: ItemChoice): ManifestItem {
  if (choice.name !== undefined) return itemNamed(items, choice.name);
  const { position } = choice;
  if (position === undefined) return onlyItem(items);
  const item = items[position];
  if (item !== undefined) return item;
  throw new ImageError(
    "INVALID_REFERENCE",
    `Invalid source index @${position}, only ${items.length} manifest items available`,
  );
}

function onlyItem(items: readonly ManifestItem[]): ManifestItem {
  const [only] = items;
  if (only !== undefined && items.length === 1) return only;
  const names = items.map((item, i) => item.RepoTags[0] ?? `@${i}`);
  const hint = names.length > 1 ? ` (choose one: ${names.slice(0, 10).join(", ")})` : "";
  throw new ImageError(
    "INVALID_REFERENCE",
    `Unexpected tar ${MANIFEST_FILE}: expected 1 item, got ${items.length}${hint}`,
  );
}

/** Names are compared in full: `busybox:1` in an archive is `docker.io/library/busybox:1`. */
function itemNamed(items: readonly ManifestItem[], name: DockerName): ManifestItem {
  const wanted = formatDockerName(name);
  const found = items.find((item, i) =>
    item.RepoTags.some((tag) => fullName(tag, `${MANIFEST_FILE} item @${i}`) === wanted),
  );
  if (found !== undefined) return found;
  throw new ImageError("NOT_FOUND", `Tag "${wanted}" not found`);
}

/** `place` is that of the item, for errors. */
function fullName(tag: string, place: string): string {
  try {
    return formatDockerName(parseDockerName(tag));
  } catch (error) {
    throw new ImageError("MANIFEST_INVALID", `Invalid tag "${tag}" in ${place}: ${errorMessage(error)}`);
  }
}

/** Whether the name of an item, as it stands in an archive, is this one. A name that can't be read is none. */
export function isSameName(tag: string, name: DockerName): boolean {
  try {
    return formatDockerName(parseDockerName(tag)) === formatDockerName(name);
  } catch {
    return false;
  }
}

/** What `list-tags` shows: all names, as they stand in the archive, and the positions of images without one. cli.md 5.3. */
export function itemNames(items: readonly ManifestItem[]): readonly string[] {
  return items.flatMap(({ RepoTags }, i) => {
    for (const tag of RepoTags) fullName(tag, `manifest item @${i}`);
    return RepoTags.length === 0 ? [`@${i}`] : RepoTags;
  });
}
