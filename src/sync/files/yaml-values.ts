import { fileError, hint } from "./file-error.ts";
import { isNull, type YamlEntry, type YamlMap, type YamlNode } from "./yaml-tree.ts";

/** What a node is, for messages; never what it says. */
export function describeNode(node: YamlNode): string {
  if (isNull(node)) return "nothing";
  return { scalar: "a single value", list: "a list", map: "a mapping" }[node.kind];
}

/** @throws {ImageError} CONFIG_INVALID */
export function readMap(node: YamlNode, what: string): YamlMap {
  if (node.kind === "map") return node;
  throw fileError(node.place, `${what} must be a mapping (key: value), and is ${describeNode(node)}`);
}

/** A mapping that has none but these keys. @throws {ImageError} CONFIG_INVALID with the nearest right key */
export function readKnownKeys(node: YamlNode, what: string, known: readonly string[]): YamlMap {
  const map = readMap(node, what);
  for (const { key, place } of map.entries.values()) {
    if (!known.includes(key)) throw fileError(place, `unknown key "${key}" in ${what}${hint(key, known)}`);
  }
  return map;
}

/** The value of a key; undefined where it is absent. A key with nothing behind it is a slip. @throws {ImageError} CONFIG_INVALID */
export function valueAt(map: YamlMap, key: string): YamlNode | undefined {
  const entry = map.entries.get(key);
  if (entry !== undefined && isNull(entry.value)) {
    throw fileError(entry.place, `${key} has no value; give it one, or leave it out`);
  }
  return entry?.value;
}

/** @throws {ImageError} CONFIG_INVALID */
export function requiredEntry(map: YamlMap, key: string, what: string): YamlEntry {
  valueAt(map, key);
  const entry = map.entries.get(key);
  if (entry === undefined) throw fileError(map.place, `${what} needs the key "${key}"`);
  return entry;
}

/** A text, as written. @throws {ImageError} CONFIG_INVALID */
export function readText(node: YamlNode, what: string): string {
  if (node.kind === "scalar" && !isNull(node) && node.text !== "") return node.text;
  throw fileError(
    node.place,
    `${what} must be a text, and is ${node.kind === "scalar" ? "empty" : describeNode(node)}`,
  );
}

/** @throws {ImageError} CONFIG_INVALID */
export function readBoolean(node: YamlNode, what: string): boolean {
  if (node.kind === "scalar" && node.isPlain) {
    if (/^(?:true|True|TRUE)$/.test(node.text)) return true;
    if (/^(?:false|False|FALSE)$/.test(node.text)) return false;
  }
  throw fileError(node.place, `${what} must be true or false`);
}

/** A list, or its only item. @throws {ImageError} CONFIG_INVALID when it is empty */
export function readList(node: YamlNode, what: string): readonly YamlNode[] {
  const items = node.kind === "list" ? node.items : [node];
  if (items.length === 0)
    throw fileError(node.place, `${what} is an empty list; leave it out, or name something`);
  return items;
}

/** One of a few words. @throws {ImageError} CONFIG_INVALID */
export function readWord<T extends string>(node: YamlNode, what: string, words: readonly T[]): T {
  const text = readText(node, what);
  const word = words.find((candidate) => candidate === text);
  if (word === undefined) throw fileError(node.place, `${what} must be one of ${words.join(", ")}`);
  return word;
}
