import type { ByteText } from "./byte-text.ts";
import { TemplateParseError } from "./errors.ts";
import { describeToken, type Token, type TokenKind } from "./tokens.ts";

/** Walks through the tokens of a template and words the errors about them. */
export class TokenReader {
  /** Names the template in errors. */
  private readonly name: ByteText;
  private readonly tokens: readonly Token[];
  private index = 0;
  /** The last token looked at, whose line errors tell. */
  private furthest = 0;
  private actionLine = 0;

  constructor(name: ByteText, tokens: readonly Token[]) {
    this.name = name;
    this.tokens = tokens;
  }

  /** The next token, which may be a space, without taking it. */
  peek(): Token {
    return this.at(this.index);
  }

  /** The next token but for spaces, which are skipped. */
  peekSolid(): Token {
    while (this.peek().kind === "space") this.index++;
    return this.peek();
  }

  /** The solid token that comes after the next one, without taking any. */
  peekSolidAfterNext(): Token {
    let index = this.index + 1;
    while (this.at(index).kind === "space") index++;
    return this.at(index);
  }

  take(): Token {
    const token = this.peek();
    this.index++;
    return token;
  }

  takeSolid(): Token {
    this.peekSolid();
    return this.take();
  }

  /** Takes a token of this kind, skipping spaces. */
  expect(kind: TokenKind, context: ByteText): Token {
    const token = this.takeSolid();
    if (token.kind !== kind) throw this.unexpected(token, context);
    return token;
  }

  /** Notes that an action begins, for errors that are found on a later line; undefined when it is over. */
  enterAction(open: Token | undefined): void {
    this.actionLine = open?.line ?? 0;
  }

  unexpected(token: Token, context: ByteText): TemplateParseError {
    if (token.kind !== "error") return this.error(`unexpected ${describeToken(token)} in ${context}`);
    if (this.actionLine === 0 || this.actionLine === token.line) return this.error(token.text);
    const what = token.text.endsWith(" action") ? "" : " in action";
    return this.error(`${token.text}${what} started at ${this.name}:${this.actionLine}`);
  }

  error(message: ByteText): TemplateParseError {
    return new TemplateParseError(`template: ${this.name}:${this.at(this.furthest).line}: ${message}`);
  }

  private at(index: number): Token {
    const existing = Math.min(index, this.tokens.length - 1);
    this.furthest = Math.max(this.furthest, existing);
    const token = this.tokens[existing];
    if (token === undefined) throw new Error("a template has at least one token");
    return token;
  }
}
