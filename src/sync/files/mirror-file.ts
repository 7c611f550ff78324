import { type DockerName, parseDockerName } from "../../core/docker-name.ts";
import { errorMessage } from "../../core/errors.ts";
import { fileError, hint } from "./file-error.ts";
import { accessFor, type RegistryAccess, readRegistries } from "./mirror-access.ts";
import type { MirrorEntry, TagSelection } from "./mirror-entry.ts";
import {
  destinationsOf,
  mergeSettings,
  readSettings,
  SETTING_KEYS,
  type Settings,
} from "./mirror-settings.ts";
import { ALL_TAGS } from "./mirror-tags.ts";
import { plainEntry } from "./reference-entry.ts";
import { expandRegistry, type Variables } from "./variables.ts";
import { isNull, lookAtYaml, parseYamlTree, type YamlMap, type YamlNode } from "./yaml-tree.ts";
import { readKnownKeys, readList, readText, requiredEntry, valueAt } from "./yaml-values.ts";

export interface MirrorFileOptions {
  /** Its name in messages. */
  readonly file: string;
  /** The environment, for `${NAME}` in credentials and registries. */
  readonly variables: Variables;
}

const FILE_KEYS: readonly string[] = ["version", "defaults", "registries", "mirrors"];
const ENTRY_KEYS: readonly string[] = ["from", ...SETTING_KEYS];

/** A file without a word about them takes along what belongs to images: signatures, attestations, SBOMs. */
const TAKES_REFERRERS = true;

/**
 * Reads a mirror file; `docs/mirror-file.schema.json` describes it.
 * @throws {ImageError} CONFIG_INVALID, with file and line
 */
export async function parseMirrorFile(
  text: string,
  options: MirrorFileOptions,
): Promise<readonly MirrorEntry[]> {
  const { file, variables } = options;
  const root = await parseYamlTree(text, { file });
  if (root === undefined || isNull(root)) throw fileError(`${file}:1`, "the file is empty");
  const map = readKnownKeys(root, "a mirror file", FILE_KEYS);
  checkVersion(map);
  const registries = readRegistries(valueAt(map, "registries"), variables);
  const defaultsNode = valueAt(map, "defaults");
  const defaults =
    defaultsNode === undefined
      ? undefined
      : await readSettings(readKnownKeys(defaultsNode, "defaults", SETTING_KEYS), variables);
  const mirrors = requiredEntry(map, "mirrors", "a mirror file").value;
  if (mirrors.kind !== "list")
    throw fileError(mirrors.place, "mirrors must be a list of mappings, each with from");
  const lists: (readonly MirrorEntry[])[] = [];
  for (const node of mirrors.items) lists.push(await readEntry(node, { defaults, registries, variables }));
  return lists.flat();
}

function checkVersion(map: YamlMap): void {
  const { value, place } = requiredEntry(map, "version", "a mirror file");
  if (value.kind === "scalar" && value.isPlain && value.text === "1") return;
  throw fileError(place, "version must be 1; that is the only one there is");
}

/** What holds for the whole file. */
interface FileContext {
  readonly defaults: Settings | undefined;
  readonly registries: RegistryAccess;
  readonly variables: Variables;
}

async function readEntry(node: YamlNode, context: FileContext): Promise<readonly MirrorEntry[]> {
  const { defaults, registries, variables } = context;
  const map = readKnownKeys(node, "an entry of mirrors", ENTRY_KEYS);
  const from = requiredEntry(map, "from", "an entry of mirrors").value;
  const own = await readSettings(map, variables);
  const settings = mergeSettings(own, defaults);
  return readList(from, "from").map((item) => {
    const name = readSource(item, variables);
    const access = accessFor(`${name.registry}/${name.repository}`, own.access, registries);
    return {
      ...makeEntry(item.place, name, settings),
      access: { ...defaults?.access, ...access },
      destinations: destinationsOf(settings, registries),
      selection: selectionOf(name, item.place, settings, own),
    };
  });
}

function makeEntry(place: string, name: DockerName, settings: Settings): MirrorEntry {
  const referrers = settings.referrers ?? TAKES_REFERRERS;
  return {
    ...plainEntry(place, name),
    platforms: settings.platforms,
    referrers,
    cosignTags: settings.cosignTags ?? referrers,
    immutable: settings.immutable ?? undefined,
    protect: settings.protect ?? [],
    prune: settings.prune,
  };
}

function readSource(node: YamlNode, variables: Variables): DockerName {
  const text = expandRegistry(readText(node, "from").replace(/^docker:\/\//, ""), variables, node.place);
  if (/[*{]/.test(text))
    throw fileError(node.place, "from names one repository, without patterns; a list names several");
  try {
    return parseDockerName(text);
  } catch (error) {
    throw fileError(node.place, `from: "${text}" is no repository: ${errorMessage(error)}`);
  }
}

/** The tags of the entry, those behind the name of its source among them; or the defaults'. */
function selectionOf(name: DockerName, place: string, settings: Settings, own: Settings): TagSelection {
  const reference = name.digest ?? name.tag;
  if (reference === undefined) return settings.tags ?? ALL_TAGS;
  if (own.tags === undefined) return { references: [reference], filter: undefined };
  throw fileError(
    place,
    `from names the image ${reference}, and tags others; write the repository alone, and all under tags`,
  );
}

/** What kind of file this is. */
export type SyncFileKind = "skopeo" | "short" | "mirror";

/**
 * Tells skopeo's files (registries to mappings), short ones (repositories to lists) and mirror files apart. A file that says
 * nothing is one of skopeo's, which does nothing.
 * @throws {ImageError} CONFIG_INVALID where it is none of them
 */
export async function detectSyncFile(text: string, file = "the file"): Promise<SyncFileKind> {
  const root = await lookAtYaml(text, file);
  if (root === undefined || root.kind !== "map") return "skopeo";
  const kindOf = (key: string): string | undefined => root.entries.get(key)?.value.kind;
  if (kindOf("sync") === "list" || (kindOf("images") === "map" && kindOf("auth") === "map")) {
    throw fileError(
      root.place,
      "this is a file of regsync or image-syncer; make a mirror file of it with: skopeo sync convert",
    );
  }
  if (kindOf("mirrors") === "list" || kindOf("version") === "scalar") return "mirror";
  const values = [...root.entries.values()].map(({ value }) => value);
  const misspelt = [...root.entries.values()].find(
    ({ value }) => value.kind === "list" && value.items[0]?.kind === "map",
  );
  if (misspelt !== undefined) {
    throw fileError(
      misspelt.place,
      `"${misspelt.key}" is a list of mappings${hint(misspelt.key, ["mirrors"])}`,
    );
  }
  if (values.some(({ kind }) => kind === "map")) return "skopeo";
  return values.every(isNull) ? "skopeo" : "short";
}
