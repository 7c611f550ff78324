import type { Node, Pair, ParsedNode } from "yaml";
import type { ImageError } from "../../core/errors.ts";
import { fileError } from "./file-error.ts";

/** A node of a YAML file, aliases and merge keys resolved, scalars as they are written. */
export type YamlNode = YamlScalar | YamlList | YamlMap;

interface Located {
  /** `mirror.yaml:12` */
  readonly place: string;
  readonly line: number;
  /** How many nodes it is with all below it, those of aliases counted each time. */
  readonly size: number;
}

/** Text; without a tag or quotes it may stand for something else, which is left to whoever reads it. */
export interface YamlScalar extends Located {
  readonly kind: "scalar";
  readonly text: string;
  readonly isPlain: boolean;
}

export interface YamlList extends Located {
  readonly kind: "list";
  readonly items: readonly YamlNode[];
}

export interface YamlMap extends Located {
  readonly kind: "map";
  readonly entries: ReadonlyMap<string, YamlEntry>;
}

/** A key of a map, and where it is written. */
export interface YamlEntry {
  readonly key: string;
  readonly place: string;
  readonly line: number;
  readonly value: YamlNode;
}

/** A document of the size of a very large mirror; aliases could make one of any size out of a few lines. */
const MOST_NODES = 1_000_000;
const DEEPEST_LEVEL = 50;

const NULLS: ReadonlySet<string> = new Set(["", "~", "null", "Null", "NULL"]);

/** Whether nothing is written there. */
export function isNull(node: YamlNode): boolean {
  return node.kind === "scalar" && node.isPlain && NULLS.has(node.text);
}

export interface YamlOptions {
  /** Its name in messages. */
  readonly file: string;
  /** Real skopeo reads the first document of a file and no more. */
  readonly allowsMore?: boolean;
}

/** A file as it was parsed, and where a second document begins. */
interface ParsedFile {
  readonly root: YamlNode | undefined;
  readonly second: string | undefined;
}

/** The file that was looked at last; whoever reads it afterwards takes it from here, for the large take long to parse. */
let lookedAt: { readonly text: string; readonly file: string; readonly parsed: ParsedFile } | undefined;

/**
 * Parses a YAML (or JSON) document; undefined where there is none.
 * @throws {ImageError} CONFIG_INVALID, never with text of the file but for its keys
 */
export async function parseYamlTree(text: string, options: YamlOptions): Promise<YamlNode | undefined> {
  const { file } = options;
  const { root, second } =
    lookedAt?.text === text && lookedAt.file === file ? lookedAt.parsed : await parseFile(text, file);
  lookedAt = undefined;
  if (second !== undefined && options.allowsMore !== true) {
    throw fileError(second, "the file must be one YAML document, and here a second begins");
  }
  return root;
}

/** As `parseYamlTree`, by somebody who wants to know what kind of file it is; it will be read at once. */
export async function lookAtYaml(text: string, file: string): Promise<YamlNode | undefined> {
  const parsed = await parseFile(text, file);
  lookedAt = { text, file, parsed };
  return parsed.root;
}

async function parseFile(text: string, file: string): Promise<ParsedFile> {
  const yaml = await import("yaml");
  const lines = new yaml.LineCounter();
  const place = (offset: number): string => `${file}:${Math.max(1, lines.linePos(offset).line)}`;
  try {
    const parsed = yaml.parseAllDocuments<ParsedNode>(text, {
      schema: "failsafe",
      uniqueKeys: false,
      prettyErrors: false,
      lineCounter: lines,
    });
    const [document, second] = Array.isArray(parsed) ? parsed : [];
    const [error] = document?.errors ?? [];
    if (error !== undefined) throw fileError(place(error.pos[0]), describe(error.code));
    const contents = document?.contents ?? null;
    return {
      root: contents === null ? undefined : new TreeBuilder(yaml, lines, file).build(contents, 0),
      second: second === undefined ? undefined : place(second.range?.[0] ?? 0),
    };
  } catch (error) {
    // The parser goes down one call per level.
    if (error instanceof RangeError) throw fileError(`${file}:1`, TOO_DEEP);
    throw error;
  }
}

const TOO_DEEP = `lists and mappings are nested more than ${DEEPEST_LEVEL} levels deep`;

/** The parser's own sentences quote the file, which may hold passwords. */
function describe(code: string): string {
  return `not valid YAML: ${SENTENCES[code] ?? `the text cannot stand here (${code})`}`;
}

const SENTENCES: Readonly<Record<string, string>> = {
  BAD_INDENT: "the indentation does not fit what is above",
  TAB_AS_INDENT: "a tab in the indentation; use blanks",
  MISSING_CHAR: "a quote, bracket, comma or colon is missing",
  MULTILINE_IMPLICIT_KEY: "a key goes over several lines; is a colon missing?",
  BAD_SCALAR_START: "a text that begins with this character needs quotes",
  BAD_DQ_ESCAPE: "an unknown escape in double quotes; use single quotes for backslashes",
  UNEXPECTED_TOKEN: "something is in the way here, perhaps a bracket or an indentation too many",
  BLOCK_AS_IMPLICIT_KEY: "a mapping begins inside a line; are quotes missing?",
  RESOURCE_EXHAUSTION: TOO_DEEP,
  BAD_DIRECTIVE: "a line that begins with % is a directive, and this one is unknown",
};

type YamlModule = typeof import("yaml");

class TreeBuilder {
  readonly #yaml: YamlModule;
  readonly #lines: InstanceType<YamlModule["LineCounter"]>;
  readonly #file: string;
  /** What aliases may refer to so far; a node is not among them while it is built, so that none holds itself. */
  readonly #anchors = new Map<string, YamlNode>();

  constructor(yaml: YamlModule, lines: InstanceType<YamlModule["LineCounter"]>, file: string) {
    this.#yaml = yaml;
    this.#lines = lines;
    this.#file = file;
  }

  build(node: unknown, depth: number, after = 1): YamlNode {
    const { isAlias, isMap, isScalar, isSeq } = this.#yaml;
    if (isAlias(node)) return this.#resolve(node.source, this.#lineOf(node));
    const line = isScalar(node) || isMap(node) || isSeq(node) ? this.#lineOf(node) : after;
    if (depth > DEEPEST_LEVEL) throw this.#error(line, TOO_DEEP);
    let built: YamlNode;
    if (isMap(node)) built = this.#map(node.items, line, depth);
    else if (isSeq(node)) built = this.#list(node.items, line, depth);
    else built = this.#scalar(node, line);
    if (built.size > MOST_NODES)
      throw this.#error(line, `aliases make more than ${MOST_NODES} values of this`);
    if ((isMap(node) || isSeq(node) || isScalar(node)) && node.anchor) this.#anchors.set(node.anchor, built);
    return built;
  }

  #resolve(anchor: string, line: number): YamlNode {
    const target = this.#anchors.get(anchor);
    if (target === undefined)
      throw this.#error(
        line,
        "this alias stands for nothing that ends before it; a text that begins with * needs quotes",
      );
    return target;
  }

  #scalar(node: unknown, line: number): YamlScalar {
    const { isScalar } = this.#yaml;
    const base = { kind: "scalar", ...this.#located(line), size: 1 } as const;
    if (!isScalar(node)) return { ...base, text: "", isPlain: true };
    const isPlain = (node.type ?? "PLAIN") === "PLAIN" && node.tag !== "tag:yaml.org,2002:str";
    return { ...base, text: typeof node.value === "string" ? node.value : (node.source ?? ""), isPlain };
  }

  #list(items: readonly unknown[], line: number, depth: number): YamlList {
    const built = items.map((item) => this.build(item, depth + 1, line));
    return { kind: "list", ...this.#located(line), size: sizeOf(built), items: built };
  }

  #map(pairs: readonly Pair<unknown, unknown>[], line: number, depth: number): YamlMap {
    const entries = new Map<string, YamlEntry>();
    const merged: YamlNode[] = [];
    for (const pair of pairs) {
      const key = this.build(pair.key, depth + 1, line);
      if (key.kind !== "scalar") throw this.#error(key.line, "a key must be a text");
      const value = this.build(pair.value, depth + 1, key.line);
      if (key.text === "<<" && key.isPlain) merged.push(...this.#mergeable(value));
      else if (entries.has(key.text)) throw this.#error(key.line, `the key "${key.text}" is there twice`);
      else entries.set(key.text, { key: key.text, place: key.place, line: key.line, value });
    }
    for (const { entries: others } of merged.filter((node) => node.kind === "map")) {
      for (const [key, entry] of others) if (!entries.has(key)) entries.set(key, entry);
    }
    const values = [...entries.values()].map(({ value }) => value);
    return { kind: "map", ...this.#located(line), size: sizeOf(values), entries };
  }

  #mergeable(value: YamlNode): readonly YamlNode[] {
    const sources = value.kind === "list" ? value.items : [value];
    const wrong = sources.find(({ kind }) => kind !== "map");
    if (wrong !== undefined) throw this.#error(wrong.line, "only mappings can be merged with <<");
    return sources;
  }

  #lineOf(node: Node): number {
    return Math.max(1, this.#lines.linePos(node.range?.[0] ?? 0).line);
  }

  #located(line: number): { place: string; line: number } {
    return { place: `${this.#file}:${line}`, line };
  }

  #error(line: number, message: string): ImageError {
    return fileError(`${this.#file}:${line}`, message);
  }
}

function sizeOf(children: readonly YamlNode[]): number {
  return children.reduce((sum, child) => sum + child.size, 1);
}
