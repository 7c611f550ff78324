import { ImageError } from "../../core/errors.ts";
import { isNull, type YamlEntry, type YamlNode } from "./yaml-tree.ts";

/** The longest value that Go's parser quotes whole. */
const LONGEST_QUOTED = 10;

/** Values as Go's YAML parser takes them for fields of its types; what does not fit is gathered into one error. */
export class GoValues {
  readonly #problems: { readonly line: number; readonly text: string }[] = [];

  /** A text; numbers, dates and the like keep their spelling. Undefined where it is null or does not fit. */
  text(node: YamlNode | undefined): string | undefined {
    if (node === undefined || isNull(node)) return undefined;
    if (node.kind === "scalar") return node.text;
    return this.#misfit(node, "string");
  }

  boolean(node: YamlNode | undefined): boolean | undefined {
    if (node === undefined || isNull(node)) return undefined;
    if (node.kind === "scalar") {
      if (YES.test(node.text) || (node.isPlain && TRUE.test(node.text))) return true;
      if (NO.test(node.text) || (node.isPlain && FALSE.test(node.text))) return false;
    }
    return this.#misfit(node, "bool");
  }

  /** A list of texts, nulls left out. */
  texts(node: YamlNode | undefined): readonly string[] | undefined {
    if (node === undefined || isNull(node)) return undefined;
    if (node.kind !== "list") return this.#misfit(node, "[]string");
    return node.items.flatMap((item) => this.text(item) ?? []);
  }

  /** A mapping. `type` is the name of what it must be. */
  map(
    node: YamlNode | undefined,
    type: string,
    isSecret = false,
  ): ReadonlyMap<string, YamlEntry> | undefined {
    if (node === undefined || isNull(node)) return undefined;
    if (node.kind !== "map") return this.#misfit(node, type, isSecret);
    return node.entries;
  }

  /** @throws {ImageError} CONFIG_INVALID for all that did not fit. cli.md 6.4 */
  check(file: string): void {
    if (this.#problems.length === 0) return;
    const ordered = this.#problems.toSorted((one, other) => one.line - other.line);
    const list = ordered.map(({ line, text }) => `\n  line ${line}: ${text}`).join("");
    throw new ImageError(
      "CONFIG_INVALID",
      `Failed to unmarshal ${JSON.stringify(file)}: yaml: unmarshal errors:${list}`,
    );
  }

  #misfit(node: YamlNode, type: string, isSecret = false): undefined {
    const value = node.kind === "scalar" && !isSecret ? ` \`${shortened(node.text)}\`` : "";
    this.#problems.push({ line: node.line, text: `cannot unmarshal ${tagOf(node)}${value} into ${type}` });
    return undefined;
  }
}

const YES = /^(?:y|Y|yes|Yes|YES|on|On|ON)$/;
const NO = /^(?:n|N|no|No|NO|off|Off|OFF)$/;
const TRUE = /^(?:true|True|TRUE)$/;
const FALSE = /^(?:false|False|FALSE)$/;

function shortened(text: string): string {
  return text.length > LONGEST_QUOTED ? `${text.slice(0, LONGEST_QUOTED - 3)}...` : text;
}

function tagOf(node: YamlNode): string {
  if (node.kind !== "scalar") return node.kind === "list" ? "!!seq" : "!!map";
  if (!node.isPlain) return "!!str";
  const { text } = node;
  if (TRUE.test(text) || FALSE.test(text)) return "!!bool";
  if (/^[-+]?(?:\d[\d_]*|0x[\da-fA-F_]+|0o?[0-7_]+|0b[01_]+)$/.test(text)) return "!!int";
  if (
    /^[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$|^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$/.test(text)
  ) {
    return "!!float";
  }
  return /^\d{4}-\d{1,2}-\d{1,2}(?:$|[Tt \t])/.test(text) ? "!!timestamp" : "!!str";
}
