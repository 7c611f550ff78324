import { parseJsonValue } from "./json.ts";

/**
 * The members of a JSON object with their values as they are written, numbers and the order of keys among them, but for
 * white space and with what HTML could mistake escaped: as Go passes raw JSON on. Of equal keys the last one counts.
 * @throws {ImageError} MANIFEST_INVALID
 */
export function rawMembers(bytes: Uint8Array, what: string): ReadonlyMap<string, string> {
  parseJsonValue(bytes, what);
  const members = new Map<string, string>();
  const scanner = new Scanner(new TextDecoder().decode(bytes));
  for (const [key, value] of scanner.members()) members.set(key, value);
  return members;
}

/** An object of raw members, its keys sorted, in one line. */
export function formatRawMembers(members: ReadonlyMap<string, string>): string {
  const keys = [...members.keys()].sort((left, right) =>
    Buffer.compare(Buffer.from(left), Buffer.from(right)),
  );
  return `{${keys.map((key) => `${escapeHtml(JSON.stringify(key))}:${members.get(key)}`).join(",")}}`;
}

/** Text as JSON with what Go escapes besides. */
export function escapeHtml(json: string): string {
  return json.replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Walks over text that is known to be valid JSON. */
class Scanner {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  *members(): Generator<[key: string, value: string]> {
    this.#skip(/[\s{]*/y);
    while (this.#text[this.#position] === '"') {
      const key = String(JSON.parse(this.#take(STRING)));
      this.#skip(/[\s:]*/y);
      yield [key, this.#value()];
      this.#skip(/[\s,]*/y);
    }
  }

  /** One value, up to the comma or bracket behind it. */
  #value(): string {
    let value = "";
    let depth = 0;
    for (;;) {
      this.#skip(/\s*/y);
      const next = this.#text[this.#position] ?? "";
      if (depth === 0 && (next === "," || next === "}" || next === "")) return value;
      if (next === '"') value += escapeHtml(this.#take(STRING));
      else {
        if (next === "{" || next === "[") depth++;
        if (next === "}" || next === "]") depth--;
        value += this.#take(TOKEN);
      }
    }
  }

  #skip(pattern: RegExp): void {
    this.#take(pattern);
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#position;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#position += found.length;
    return found;
  }
}

const STRING = /"(?:[^"\\]|\\.)*"/y;
/** Punctuation, or a number or a word. */
const TOKEN = /[{}[\]:,]|[^\s"{}[\]:,]+/y;
