import { isDigest } from "../../core/digest.ts";
import { type DockerName, isValidTag, parseDockerName } from "../../core/docker-name.ts";
import { errorMessage } from "../../core/errors.ts";
import { fileError } from "./file-error.ts";
import type { MirrorEntry } from "./mirror-entry.ts";
import { plainEntry } from "./reference-entry.ts";
import { isNull, parseYamlTree, type YamlEntry, type YamlNode } from "./yaml-tree.ts";
import { readMap, readText } from "./yaml-values.ts";

/**
 * Reads the short form: repositories, as people type them, to lists of their tags and digests. None, or an empty list,
 * stands for all tags.
 * @throws {ImageError} CONFIG_INVALID
 */
export async function parseShortYaml(text: string, file: string): Promise<readonly MirrorEntry[]> {
  const root = await parseYamlTree(text, { file });
  if (root === undefined) return [];
  const entries = [...readMap(root, "the file").entries.values()].map(readRepository);
  const places = new Map<string, string>();
  for (const { place, source } of entries) {
    const name = `${source.registry}/${source.repository}`;
    const other = places.get(name);
    if (other !== undefined)
      throw fileError(place, `${name} is there already, at ${other}; put the tags together`);
    places.set(name, place);
  }
  return entries;
}

function readRepository({ key, place, value }: YamlEntry): MirrorEntry {
  const entry = plainEntry(place, parseRepository(key, place));
  const references = isNull(value) ? [] : readReferences(value, `the tags of ${key}`);
  return references.length === 0 ? entry : { ...entry, selection: { references, filter: undefined } };
}

function parseRepository(text: string, place: string): DockerName {
  let name: DockerName;
  try {
    name = parseDockerName(text);
  } catch (error) {
    throw fileError(place, `"${text}" is no repository: ${errorMessage(error)}`);
  }
  if (name.tag === undefined && name.digest === undefined) return name;
  throw fileError(
    place,
    `"${text}" names an image; write its repository, and the tag into the list behind it`,
  );
}

/** Literal tags and digests, each once. @throws {ImageError} CONFIG_INVALID */
export function readReferences(node: YamlNode, what: string): readonly string[] {
  if (node.kind === "map") throw fileError(node.place, `${what} must be a list, and are a mapping`);
  const items = node.kind === "list" ? node.items : [node];
  return [...new Set(items.map((item) => readReference(item, what)))];
}

function readReference(node: YamlNode, what: string): string {
  const text = readText(node, `each of ${what}`);
  if (isValidTag(text) || isDigest(text)) return text;
  throw fileError(node.place, `"${text}" is neither a tag nor a digest${explanation(text)}`);
}

function explanation(text: string): string {
  if (/[*?[\]{}/]/.test(text)) return "; patterns go under tags: {include: […]} of a mirror file";
  if (text.includes(":")) return "; a digest is sha256: and 64 characters of 0-9 and a-f";
  return "; a tag is at most 128 letters, digits and _.-";
}
