import { type ByteText, decodeRune, encodeRune, isPrintable } from "./byte-text.ts";
import { KEYWORDS, type Token, type TokenKind } from "./tokens.ts";

const OPEN = "{{";
const CLOSE = "}}";
const COMMENT_OPEN = "/*";
const COMMENT_CLOSE = "*/";
/** A dash with a space on its inner side, next to a delimiter, removes the white space around the action. */
const TRIM_LENGTH = 2;
const NUMBER =
  /[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?/y;
const SINGLE_CHARACTERS: ReadonlyMap<string, TokenKind> = new Map([
  ["=", "assign"],
  ["|", "pipe"],
]);

/**
 * Splits a template into tokens. The last one is `end`, or `error` where the text could not be read on.
 * Spaces inside actions are tokens, because they separate operands.
 */
export function tokenize(source: ByteText): readonly Token[] {
  return new Lexer(source).run();
}

class Lexer {
  private readonly source: ByteText;
  private readonly tokens: Token[] = [];
  private position = 0;
  private start = 0;
  private parentheses = 0;

  constructor(source: ByteText) {
    this.source = source;
  }

  run(): readonly Token[] {
    while (this.readText()) {
      if (!this.readAction()) break;
    }
    return this.tokens;
  }

  /** Reads up to the next delimiter and over it; false at the end. */
  private readText(): boolean {
    const open = this.source.indexOf(OPEN, this.position);
    const end = open < 0 ? this.source.length : open;
    const trims = open >= 0 && this.trimsLeft(open + OPEN.length);
    const text = this.source.slice(this.position, end);
    this.position += (trims ? text.replace(/[ \t\r\n]+$/, "") : text).length;
    if (this.position > this.start) this.emit("text");
    this.skipTo(end);
    if (open < 0) {
      this.emit("end");
      return false;
    }
    this.position += OPEN.length;
    const inner = this.position + (trims ? TRIM_LENGTH : 0);
    if (this.source.startsWith(COMMENT_OPEN, inner)) {
      this.skipTo(inner);
      return this.readComment() && this.readText();
    }
    this.emit("open");
    this.skipTo(inner);
    this.parentheses = 0;
    return true;
  }

  private readComment(): boolean {
    const close = this.source.indexOf(COMMENT_CLOSE, this.position + COMMENT_OPEN.length);
    if (close < 0) return this.fail("unclosed comment");
    this.position = close + COMMENT_CLOSE.length;
    const trims = this.atClose();
    if (trims === undefined) return this.fail("comment ends before closing delimiter");
    this.skipClose(trims);
    this.start = this.position;
    return true;
  }

  /** Reads the tokens of an action with its closing delimiter; false after an error. */
  private readAction(): boolean {
    for (;;) {
      const trims = this.atClose();
      if (trims === undefined) {
        if (!this.readToken()) return false;
        continue;
      }
      if (this.parentheses > 0) return this.fail("unclosed left paren");
      if (trims) this.skipTo(this.position + TRIM_LENGTH);
      this.position += CLOSE.length;
      this.emit("close");
      if (trims) this.skipSpace();
      return true;
    }
  }

  private readToken(): boolean {
    const character = this.source.charAt(this.position);
    const single = SINGLE_CHARACTERS.get(character);
    if (character === "") return this.fail("unclosed action");
    if (isSpace(character)) return this.readSpace();
    if (single !== undefined) return this.emitNext(single);
    if (character === ":") return this.readDeclare();
    if (character === '"') return this.readQuoted('"', "string", "unterminated quoted string");
    if (character === "'") return this.readQuoted("'", "character", "unterminated character constant");
    if (character === "`") return this.readRaw();
    if (character === "$") return this.readName("variable");
    if (character === "." && !isDigit(this.source.charAt(this.position + 1))) {
      return this.position + 1 < this.source.length ? this.readName("field") : this.readNumber();
    }
    if (/[-+.0-9]/.test(character)) return this.readNumber();
    if (character === "(" || character === ")") return this.readParenthesis(character);
    return this.readOther();
  }

  private readOther(): boolean {
    const { rune, size } = decodeRune(this.source, this.position);
    if (isAlphanumeric(rune)) return this.readIdentifier();
    if (rune < 0x80 && isPrintable(rune)) return this.emitNext("punctuation");
    this.position += size;
    return this.fail(`unrecognized character in action: ${describeRune(rune)}`);
  }

  /** Reads spaces up to a closing delimiter that trims, which owns the last of them. */
  private readSpace(): boolean {
    while (isSpace(this.source.charAt(this.position)) && this.atClose() === undefined) this.position++;
    return this.emit("space");
  }

  private readDeclare(): boolean {
    const declares = this.source.charAt(this.position + 1) === "=";
    this.position += 2;
    return declares ? this.emit("declare") : this.fail("expected :=");
  }

  private readParenthesis(character: string): boolean {
    this.parentheses += character === "(" ? 1 : -1;
    if (this.parentheses < 0) return this.fail("unexpected right paren");
    return this.emitNext(character === "(" ? "left-parenthesis" : "right-parenthesis");
  }

  private readQuoted(mark: string, kind: TokenKind, problem: string): boolean {
    for (this.position++; ; this.position++) {
      let character = this.source.charAt(this.position);
      if (character === mark) return this.emitNext(kind);
      if (character === "\\") character = this.source.charAt(++this.position);
      if (character === "" || character === "\n") return this.fail(problem);
    }
  }

  private readRaw(): boolean {
    const close = this.source.indexOf("`", this.position + 1);
    if (close < 0) return this.fail("unterminated raw quoted string");
    this.position = close + 1;
    return this.emit("string");
  }

  /** Reads `$name`, `.name`, or a `$` or dot alone. */
  private readName(kind: "variable" | "field"): boolean {
    const next = this.position + 1;
    this.position = next;
    this.skipAlphanumeric();
    if (!this.atTerminator()) return this.fail(`bad character ${this.describeNext()}`);
    if (kind === "field" && this.position === next) return this.emit("keyword");
    return this.emit(kind);
  }

  private readIdentifier(): boolean {
    this.skipAlphanumeric();
    if (!this.atTerminator()) return this.fail(`bad character ${this.describeNext()}`);
    const word = this.source.slice(this.start, this.position);
    if (KEYWORDS.has(word)) return this.emit("keyword");
    return this.emit(word === "true" || word === "false" ? "bool" : "identifier");
  }

  /** Reads a number, or two that make a complex one: `1+2i`. */
  private readNumber(): boolean {
    let valid = this.skipNumber();
    if (valid && /[-+]/.test(this.source.charAt(this.position))) {
      valid = this.skipNumber() && this.source.charAt(this.position - 1) === "i";
    }
    if (valid) return this.emit("number");
    return this.fail(`bad number syntax: "${this.source.slice(this.start, this.position)}"`);
  }

  private skipNumber(): boolean {
    NUMBER.lastIndex = this.position;
    this.position += NUMBER.exec(this.source)?.[0].length ?? 0;
    const next = this.nextRune();
    if (next === undefined || !isAlphanumeric(next.rune)) return true;
    this.position += next.size;
    return false;
  }

  private skipAlphanumeric(): void {
    for (
      let next = this.nextRune();
      next !== undefined && isAlphanumeric(next.rune);
      next = this.nextRune()
    ) {
      this.position += next.size;
    }
  }

  /** Whether a name may end here. */
  private atTerminator(): boolean {
    const character = this.source.charAt(this.position);
    return (
      character === "" || /[ \t\r\n.,|:()]/.test(character) || this.source.startsWith(CLOSE, this.position)
    );
  }

  /** Whether the action ends here, and if so, whether it trims what follows. */
  private atClose(): boolean | undefined {
    const trims = isSpace(this.source.charAt(this.position)) && this.source.charAt(this.position + 1) === "-";
    if (trims && this.source.startsWith(CLOSE, this.position + TRIM_LENGTH)) return true;
    return this.source.startsWith(CLOSE, this.position) ? false : undefined;
  }

  private trimsLeft(position: number): boolean {
    return this.source.charAt(position) === "-" && isSpace(this.source.charAt(position + 1));
  }

  private skipClose(trims: boolean): void {
    this.position += (trims ? TRIM_LENGTH : 0) + CLOSE.length;
    if (trims) this.skipSpace();
  }

  private skipSpace(): void {
    while (isSpace(this.source.charAt(this.position))) this.position++;
    this.start = this.position;
  }

  private skipTo(position: number): void {
    this.position = position;
    this.start = position;
  }

  private nextRune(): { readonly rune: number; readonly size: number } | undefined {
    return this.position < this.source.length ? decodeRune(this.source, this.position) : undefined;
  }

  private describeNext(): ByteText {
    return describeRune(this.nextRune()?.rune ?? -1);
  }

  private emitNext(kind: TokenKind): true {
    this.position++;
    return this.emit(kind);
  }

  private emit(kind: TokenKind): true {
    this.push(kind, this.source.slice(this.start, this.position));
    this.start = this.position;
    return true;
  }

  private fail(message: ByteText): false {
    this.push("error", message);
    return false;
  }

  private push(kind: TokenKind, text: ByteText): void {
    const line = countLines(this.source, this.start);
    this.tokens.push({ kind, text, position: this.start, line });
  }
}

/** The number of the line that a position is on, from 1. */
export function countLines(source: ByteText, position: number): number {
  let line = 1;
  for (let at = source.indexOf("\n"); at >= 0 && at < position; at = source.indexOf("\n", at + 1)) line++;
  return line;
}

function isSpace(character: string): boolean {
  return character === " " || character === "\t" || character === "\r" || character === "\n";
}

function isDigit(character: string): boolean {
  return character >= "0" && character <= "9";
}

function isAlphanumeric(rune: number): boolean {
  return /^[_\p{L}\p{Nd}]$/u.test(String.fromCodePoint(rune));
}

/** `U+0040 '@'`. */
function describeRune(rune: number): ByteText {
  const code = `U+${rune.toString(16).toUpperCase().padStart(4, "0")}`;
  return rune >= 0 && isPrintable(rune) ? `${code} '${encodeRune(rune)}'` : code;
}
