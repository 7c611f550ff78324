type Path = readonly (string | number)[];

const HEADER = /^\s*(\[\[?)([^[\]]+)\]/;
const KEY = /^\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*=/;

/**
 * The line, from 1, that sets what is at `path` of a TOML document, or a table that it is in; undefined where that cannot be told.
 * Parsers tell lines of syntax errors only. Good enough for a message: text in several lines can look like a key.
 */
export function findTomlLine(text: string, path: Path): number | undefined {
  const lengths = new Map<string, number>();
  let table: Path = [];
  let best: { readonly line: number; readonly depth: number } | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    const [, brackets, name = ""] = HEADER.exec(line) ?? [];
    const [, quoted, literal, bare] = KEY.exec(line) ?? [];
    const key = quoted ?? literal ?? bare;
    if (brackets !== undefined) table = tablePath(name, brackets === "[[", lengths);
    else if (key === undefined) continue;
    const place = brackets === undefined && key !== undefined ? [...table, key] : table;
    const isOnTheWay = place.length > 0 && place.every((part, i) => isSame(part, path[i]));
    if (isOnTheWay && place.length > (best?.depth ?? 0)) best = { line: index + 1, depth: place.length };
  }
  return best?.line;
}

/** `[[registry.mirror]]` is the next of the mirrors of the last registry. `lengths` counts the tables of each list. */
function tablePath(name: string, isInList: boolean, lengths: Map<string, number>): Path {
  const parts = name.split(".").map((part) => part.trim().replace(/^(["'])(.*)\1$/, "$2"));
  const path: (string | number)[] = [];
  for (const [i, part] of parts.entries()) {
    path.push(part);
    const list = JSON.stringify(path);
    const known = lengths.get(list);
    if (isInList && i === parts.length - 1) {
      lengths.set(list, (known ?? 0) + 1);
      path.push(known ?? 0);
    } else if (known !== undefined) path.push(known - 1);
  }
  return path;
}

/** Keys of registries.conf count in capitals and small letters alike. */
function isSame(one: string | number, other: string | number | undefined): boolean {
  return typeof one === "string" && typeof other === "string"
    ? one.toLowerCase() === other.toLowerCase()
    : one === other;
}
