import { ImageError, type ImageErrorCode } from "./errors.ts";

export interface StrictJsonOptions {
  /** Of the error thrown; without it CONFIG_INVALID. */
  readonly code?: ImageErrorCode | undefined;
  /** What a second use of a key does; without it, it is refused. `JSON.parse` can only let the last one win. */
  readonly duplicateKeys?: "refuse" | "last-wins" | undefined;
  /** Is told the line, from 1, where each object and array begins. */
  readonly lines?: WeakMap<object, number> | undefined;
}

/** Deeper nesting is no configuration but an attack on recursive readers. */
const MAX_DEPTH = 100;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const SPACE = /[ \t\r\n]*/y;
const LITERALS: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null };
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/**
 * Parses JSON where a key that is used twice must not go unnoticed. RFC 8259, UTF-8, no byte order mark.
 * Objects have no prototype, so that no key is special. Errors quote one character of the text at most, because
 * the text may hold secrets.
 * @throws {ImageError} with `options.code`, telling the line and column of a syntax error, both from 1
 */
export function parseStrictJson(bytes: Uint8Array, options: StrictJsonOptions = {}): unknown {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  return new JsonReader(text, options).readDocument();
}

class JsonReader {
  private readonly text: string;
  private readonly options: StrictJsonOptions;
  private position = 0;
  private depth = 0;
  /** Lines are counted on from where they were counted to. */
  private counted: { readonly position: number; readonly line: number } = { position: 0, line: 1 };

  constructor(text: string, options: StrictJsonOptions) {
    this.text = text;
    this.options = options;
  }

  readDocument(): unknown {
    const value = this.readValue();
    this.skipSpace();
    if (this.position < this.text.length) throw this.unexpected("after top-level value");
    return value;
  }

  private readValue(): unknown {
    this.skipSpace();
    const character = this.text[this.position];
    if (character === "{") return this.nested(() => this.readObject());
    if (character === "[") return this.nested(() => this.readArray());
    if (character === '"') return this.readString();
    if (character !== undefined && /[-0-9]/.test(character)) return this.readNumber();
    return this.readLiteral();
  }

  private nested<T extends object>(read: () => T): T {
    if (++this.depth > MAX_DEPTH) throw this.fail(`nested more than ${MAX_DEPTH} levels deep`);
    const line = this.options.lines && this.currentLine();
    this.position++;
    const value = read();
    if (line !== undefined) this.options.lines?.set(value, line);
    this.depth--;
    return value;
  }

  private currentLine(): number {
    const between = this.text.slice(this.counted.position, this.position);
    const line = this.counted.line + (between.split("\n").length - 1);
    this.counted = { position: this.position, line };
    return line;
  }

  private readObject(): Record<string, unknown> {
    const members: Record<string, unknown> = Object.create(null);
    if (this.skip("}")) return members;
    do {
      this.skipSpace();
      if (this.text[this.position] !== '"')
        throw this.unexpected("looking for beginning of object key string");
      const key = this.readString();
      if (this.options.duplicateKeys !== "last-wins" && key in members) {
        throw this.refusal(`Duplicate key ${JSON.stringify(key)}`);
      }
      if (!this.skip(":")) throw this.unexpected("after object key");
      members[key] = this.readValue();
    } while (this.skip(","));
    if (!this.skip("}")) throw this.unexpected("after object key:value pair");
    return members;
  }

  private readArray(): unknown[] {
    const elements: unknown[] = [];
    if (this.skip("]")) return elements;
    do elements.push(this.readValue());
    while (this.skip(","));
    if (!this.skip("]")) throw this.unexpected("after array element");
    return elements;
  }

  private readString(): string {
    let value = "";
    this.position++;
    for (let start = this.position; ; ) {
      const character = this.text[this.position];
      if (character === undefined || character < " ") throw this.unexpected("in string literal");
      if (character === '"') {
        value += this.text.slice(start, this.position++);
        return value;
      }
      if (character === "\\") {
        value += this.text.slice(start, this.position++);
        value += this.readEscape();
        start = this.position;
      } else this.position++;
    }
  }

  private readEscape(): string {
    const character = this.text[this.position];
    if (character !== "u") {
      const escaped = character === undefined ? undefined : ESCAPES[character];
      if (escaped === undefined) throw this.unexpected("in string escape code");
      this.position++;
      return escaped;
    }
    const digits = this.text.slice(this.position + 1, this.position + 5);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) {
      this.position += 1 + digits.search(/[^0-9a-fA-F]|$/);
      throw this.unexpected("in \\u hexadecimal character escape");
    }
    this.position += 5;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  private readNumber(): number {
    NUMBER.lastIndex = this.position;
    const match = NUMBER.exec(this.text);
    if (match === null) {
      this.position++;
      throw this.unexpected("in numeric literal");
    }
    this.position = NUMBER.lastIndex;
    return Number(match[0]);
  }

  private readLiteral(): boolean | null {
    for (const [word, value] of Object.entries(LITERALS)) {
      if (this.text.startsWith(word, this.position)) {
        this.position += word.length;
        return value;
      }
    }
    throw this.unexpected("looking for beginning of value");
  }

  /** Steps over `character` and the space before it, if it comes next. */
  private skip(character: string): boolean {
    this.skipSpace();
    if (this.text[this.position] !== character) return false;
    this.position++;
    return true;
  }

  private skipSpace(): void {
    SPACE.lastIndex = this.position;
    SPACE.exec(this.text);
    this.position = SPACE.lastIndex;
  }

  private unexpected(where: string): ImageError {
    const character = this.text[this.position];
    if (character === undefined) return this.refusal("unexpected end of JSON input");
    const quoted = character === '"' ? character : JSON.stringify(character).slice(1, -1).replace("'", "\\'");
    return this.fail(`invalid character '${quoted}' ${where}`);
  }

  private fail(message: string): ImageError {
    const lines = this.text.slice(0, this.position).split("\n");
    return this.refusal(`${message} (line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1})`);
  }

  private refusal(message: string): ImageError {
    return new ImageError(this.options.code ?? "CONFIG_INVALID", message);
  }
}
