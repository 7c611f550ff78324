import { errorMessage } from "../../core/errors.ts";
import { checkTemplate, literalPath } from "./destination-template.ts";
import { fileError } from "./file-error.ts";
import { ACCESS_KEYS, accessFor, type RegistryAccess, readAccess } from "./mirror-access.ts";
import type {
  EntryAccess,
  MirrorDestination,
  RewriteRule,
  TagPattern,
  TagSelection,
} from "./mirror-entry.ts";
import { readPattern, readTags } from "./mirror-tags.ts";
import { compileRegex } from "./tag-pattern.ts";
import { expandRegistry, type Variables } from "./variables.ts";
import type { YamlMap, YamlNode } from "./yaml-tree.ts";
import { readBoolean, readKnownKeys, readList, readText, requiredEntry, valueAt } from "./yaml-values.ts";

/** What both `defaults` and an entry may say. */
export const SETTING_KEYS: readonly string[] = [
  "to",
  "rewrite",
  "tags",
  "platforms",
  "referrers",
  "cosign-tags",
  "immutable",
  "protect",
  "prune",
  ...ACCESS_KEYS,
];
const DESTINATION_KEYS: readonly string[] = ["name", "rewrite", ...ACCESS_KEYS];
const REWRITE_KEYS: readonly string[] = ["match", "replace"];

/** What a mapping says of repositories; undefined is what it does not say. */
export interface Settings {
  readonly to: readonly WrittenDestination[] | undefined;
  readonly rewrite: readonly RewriteRule[] | undefined;
  readonly tags: TagSelection | undefined;
  readonly platforms: readonly string[] | "all" | undefined;
  readonly referrers: boolean | undefined;
  readonly cosignTags: boolean | undefined;
  /** Null: none, even where the defaults say otherwise. */
  readonly immutable: TagPattern | null | undefined;
  readonly protect: readonly TagPattern[] | undefined;
  readonly prune: boolean | undefined;
  readonly access: EntryAccess;
}

interface WrittenDestination {
  readonly template: string;
  readonly rewrite: readonly RewriteRule[] | undefined;
  readonly access: EntryAccess;
}

/** @throws {ImageError} CONFIG_INVALID */
export async function readSettings(map: YamlMap, variables: Variables): Promise<Settings> {
  const read = async <T>(key: string, reader: (node: YamlNode) => T | Promise<T>): Promise<T | undefined> => {
    const node = valueAt(map, key);
    return node === undefined ? undefined : await reader(node);
  };
  return {
    to: await read("to", (node) =>
      Promise.all(readList(node, "to").map((item) => readDestination(item, variables))),
    ),
    rewrite: await read("rewrite", readRewrite),
    tags: await read("tags", readTags),
    platforms: await read("platforms", readPlatforms),
    referrers: await read("referrers", (node) => readBoolean(node, "referrers")),
    cosignTags: await read("cosign-tags", (node) => readBoolean(node, "cosign-tags")),
    immutable: await read("immutable", readImmutable),
    protect: await read("protect", (node) => readProtected(node)),
    prune: await read("prune", (node) => readBoolean(node, "prune")),
    access: readAccess(map, variables),
  };
}

/** What an entry says, and where it says nothing what the defaults say; but for access, which registries may settle first. */
export function mergeSettings(own: Settings, defaults: Settings | undefined): Settings {
  if (defaults === undefined) return own;
  return {
    to: own.to ?? defaults.to,
    rewrite: own.rewrite ?? defaults.rewrite,
    tags: own.tags ?? defaults.tags,
    platforms: own.platforms ?? defaults.platforms,
    referrers: own.referrers ?? defaults.referrers,
    cosignTags: own.cosignTags ?? defaults.cosignTags,
    immutable: own.immutable === undefined ? defaults.immutable : own.immutable,
    protect: own.protect ?? defaults.protect,
    prune: own.prune ?? defaults.prune,
    access: own.access,
  };
}

async function readDestination(node: YamlNode, variables: Variables): Promise<WrittenDestination> {
  if (node.kind !== "map") {
    return { template: readTemplate(node, variables), rewrite: undefined, access: {} };
  }
  const map = readKnownKeys(node, "to", DESTINATION_KEYS);
  const rewrite = valueAt(map, "rewrite");
  return {
    template: readTemplate(requiredEntry(map, "name", "a destination").value, variables),
    rewrite: rewrite === undefined ? undefined : await readRewrite(rewrite),
    access: readAccess(map, variables),
  };
}

function readTemplate(node: YamlNode, variables: Variables): string {
  const text = readText(node, "to").replace(/^docker:\/\//, "");
  const template = text.startsWith("dir:") ? text : expandRegistry(text, variables, node.place);
  try {
    checkTemplate(template);
  } catch (error) {
    throw fileError(node.place, `to: ${errorMessage(error)}`);
  }
  return template;
}

async function readRewrite(node: YamlNode): Promise<readonly RewriteRule[]> {
  const items = node.kind === "list" ? node.items : [node];
  return await Promise.all(
    items.map(async (item) => {
      const map = readKnownKeys(item, "rewrite", REWRITE_KEYS);
      const match = requiredEntry(map, "match", "rewrite").value;
      const { value, place } = map.entries.get("replace") ?? { value: undefined, place: item.place };
      if (value?.kind !== "scalar")
        throw fileError(place, `rewrite needs the key "replace", a text; "" is one, too`);
      try {
        await compileRegex(readText(match, "match"));
      } catch (error) {
        throw fileError(match.place, `match: ${errorMessage(error)}`);
      }
      return { match: readText(match, "match"), replace: value.text };
    }),
  );
}

const PLATFORM = /^[a-z0-9]+\/[a-z0-9_]+(?:\/[a-z0-9_.]+)?$/;

function readPlatforms(node: YamlNode): readonly string[] | "all" {
  if (node.kind === "scalar" && node.text === "all") return "all";
  return readList(node, "platforms").map((item) => {
    const text = readText(item, "platforms");
    if (PLATFORM.test(text)) return text;
    throw fileError(
      item.place,
      `"${text}" is no platform; they look like linux/amd64 or linux/arm64/v8, or are all together "all"`,
    );
  });
}

/** A pattern; true stands for all tags, false for none. */
async function readImmutable(node: YamlNode): Promise<TagPattern | null> {
  if (node.kind === "scalar" && node.isPlain && node.text === "false") return null;
  if (node.kind === "scalar" && node.isPlain && node.text === "true") {
    return { kind: "glob", text: "*", place: node.place };
  }
  return await readPattern(node, "immutable");
}

async function readProtected(node: YamlNode): Promise<readonly TagPattern[]> {
  const items = node.kind === "list" ? node.items : [node];
  return await Promise.all(items.map((item) => readPattern(item, "protect")));
}

/** The destinations of an entry, whose own rewriting comes before that for all of them. */
export function destinationsOf(
  settings: Settings,
  registries: RegistryAccess,
): readonly MirrorDestination[] | undefined {
  return settings.to?.map(({ template, rewrite, access }) => ({
    template,
    rewrite: rewrite ?? settings.rewrite ?? [],
    access: accessFor(literalPath(template), access, registries),
  }));
}
