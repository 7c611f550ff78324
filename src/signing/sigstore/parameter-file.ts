import type { Document, LineCounter, Node, Pair, Scalar, YAMLMap } from "yaml";
import { ImageError } from "../../core/errors.ts";

/** A parameter file as it is written. What is absent, null or empty is all the same to it. */
export interface ParameterFile {
  readonly privateKeyFile?: string;
  readonly privateKeyPassphraseFile?: string;
  readonly rekorURL?: string;
  readonly fulcio?: Readonly<Record<string, string>>;
}

interface Shape {
  /** What messages call it. */
  readonly name: string;
  readonly keys: Readonly<Record<string, "text" | Shape>>;
}

const FULCIO: Shape = {
  name: "params.SigningParameterFileFulcio",
  keys: {
    fulcioURL: "text",
    oidcMode: "text",
    oidcIDToken: "text",
    oidcIssuerURL: "text",
    oidcClientID: "text",
    oidcClientSecret: "text",
  },
};
const FILE: Shape = {
  name: "params.SigningParameterFile",
  keys: { privateKeyFile: "text", privateKeyPassphraseFile: "text", fulcio: FULCIO, rekorURL: "text" },
};
/** Nobody needs a file as long as this; in bytes. */
const LIMIT = 1024 * 1024;
const ENCODING = "yaml: invalid leading UTF-8 octet";

/**
 * Reads the first document of a parameter file. Unknown keys are errors, and so is a file without a document.
 * Signing reference 3.7.
 * @throws {ImageError} CONFIG_INVALID, SIZE_LIMIT
 */
export async function readParameterFile(bytes: Uint8Array): Promise<ParameterFile> {
  if (bytes.length > LIMIT) {
    throw new ImageError("SIZE_LIMIT", `exceeded maximum allowed size of ${LIMIT} bytes`);
  }
  const yaml = await import("yaml");
  const lines = new yaml.LineCounter();
  // `prettyErrors` would quote the text, which has secrets.
  const documents = yaml.parseAllDocuments(decode(bytes), {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
  });
  const document = Array.isArray(documents) ? documents[0] : undefined;
  if (document === undefined) throw invalid("EOF");
  const [error] = document.errors;
  if (error !== undefined) {
    const reason = error.code === "RESOURCE_EXHAUSTION" ? "it is nested too deeply" : error.message;
    throw invalid(`yaml: line ${lines.linePos(error.pos[0]).line}: ${reason}`);
  }
  return new FileReader(yaml, document, lines).read();
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalid(ENCODING);
  }
}

type Yaml = typeof import("yaml");

/** Collects all that is wrong before it complains. */
class FileReader {
  readonly #yaml: Yaml;
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #problems: string[] = [];

  constructor(yaml: Yaml, document: Document, lines: LineCounter) {
    this.#yaml = yaml;
    this.#document = document;
    this.#lines = lines;
  }

  read(): ParameterFile {
    const fields = this.#fields(this.#document.contents, FILE);
    const file = { ...fields?.texts, ...(fields?.fulcio === undefined ? {} : { fulcio: fields.fulcio }) };
    if (this.#problems.length > 0) {
      throw invalid(`yaml: unmarshal errors:\n${this.#problems.map((text) => `  ${text}`).join("\n")}`);
    }
    return file;
  }

  /** Undefined for null. */
  #fields(
    written: unknown,
    shape: Shape,
  ): { texts: Record<string, string>; fulcio?: Record<string, string> } | undefined {
    const node = this.#resolve(written);
    if (node === undefined || this.#isNull(node)) return undefined;
    const fields: { texts: Record<string, string>; fulcio?: Record<string, string> } = { texts: {} };
    if (!this.#yaml.isMap(node)) {
      this.#mismatch(node, shape.name);
      return fields;
    }
    if (this.#repeatsKey(node)) return fields;
    for (const pair of node.items) this.#readPair(pair, shape, fields);
    return fields;
  }

  #readPair(
    pair: Pair,
    shape: Shape,
    fields: { texts: Record<string, string>; fulcio?: Record<string, string> },
  ): void {
    const key = this.#text(pair.key);
    if (key === undefined) return;
    const kind = Object.hasOwn(shape.keys, key) ? shape.keys[key] : undefined;
    if (kind === undefined) {
      this.#problem(this.#resolve(pair.key), `field ${key} not found in type ${shape.name}`);
    } else if (kind === "text") {
      const text = this.#text(pair.value);
      if (text) fields.texts[key] = text;
    } else {
      const inner = this.#fields(pair.value, kind);
      if (inner !== undefined) fields.fulcio = inner.texts;
    }
  }

  /** Any scalar is a text, as it was written; null is the empty one. Undefined after a complaint. */
  #text(written: unknown): string | undefined {
    const node = this.#resolve(written);
    if (node === undefined || this.#isNull(node)) return "";
    if (!this.#yaml.isScalar(node)) {
      this.#mismatch(node, "string");
      return undefined;
    }
    return scalarText(node);
  }

  #repeatsKey(map: YAMLMap): boolean {
    const seen = new Map<string, unknown>();
    let repeats = false;
    for (const { key } of map.items) {
      if (!this.#yaml.isScalar(key)) continue;
      const text = scalarText(key);
      const first = seen.get(text);
      if (first !== undefined) {
        const line = this.#line(first);
        this.#problem(key, `mapping key ${JSON.stringify(text)} already defined at line ${line}`);
        repeats = true;
      } else seen.set(text, key);
    }
    return repeats;
  }

  #mismatch(node: Node, wanted: string): void {
    const { isMap, isScalar } = this.#yaml;
    const found = isScalar(node)
      ? `${scalarTag(node)} \`${shortened(scalarText(node))}\``
      : isMap(node)
        ? "!!map"
        : "!!seq";
    this.#problem(node, `cannot unmarshal ${found} into ${wanted}`);
  }

  #problem(node: unknown, text: string): void {
    this.#problems.push(`line ${this.#line(node)}: ${text}`);
  }

  #line(node: unknown): number {
    const start = this.#yaml.isNode(node) ? node.range?.[0] : undefined;
    return this.#lines.linePos(start ?? 0).line;
  }

  #isNull(node: Node): boolean {
    return this.#yaml.isScalar(node) && node.value === null;
  }

  #resolve(node: unknown): Node | undefined {
    if (!this.#yaml.isAlias(node)) return this.#yaml.isNode(node) ? node : undefined;
    const target = node.resolve(this.#document);
    if (target === undefined) throw invalid(`yaml: unknown anchor '${node.source}' referenced`);
    return target;
  }
}

function scalarText({ value, source }: Scalar): string {
  return typeof value === "string" ? value : (source ?? String(value));
}

function scalarTag({ value }: Scalar): string {
  if (typeof value === "boolean") return "!!bool";
  if (typeof value === "string") return "!!str";
  return Number.isInteger(value) ? "!!int" : "!!float";
}

/** Not more than this of a value is shown: it may be a secret in the wrong place. */
function shortened(text: string): string {
  return text.length > 10 ? `${text.slice(0, 7)}...` : text;
}

function invalid(message: string): ImageError {
  return new ImageError("CONFIG_INVALID", message);
}
