import type { ByteText } from "./byte-text.ts";
import { quote } from "./quote.ts";

/** What a token is. `keyword` also covers `nil` and the dot, which error messages show in angle brackets. */
export type TokenKind =
  | "text"
  | "open"
  | "close"
  | "space"
  | "pipe"
  | "declare"
  | "assign"
  | "left-parenthesis"
  | "right-parenthesis"
  | "keyword"
  | "bool"
  | "identifier"
  | "field"
  | "variable"
  | "number"
  | "character"
  | "string"
  | "punctuation"
  | "error"
  | "end";

export interface Token {
  readonly kind: TokenKind;
  /** The source; of an error, the message. */
  readonly text: ByteText;
  /** Offset in the source, in bytes. */
  readonly position: number;
  /** The line it begins on, from 1. */
  readonly line: number;
}

export const KEYWORDS: ReadonlySet<string> = new Set([
  "block",
  "break",
  "continue",
  "define",
  "else",
  "end",
  "if",
  "nil",
  "range",
  "template",
  "with",
]);

/** The kinds of tokens that an operand of a command may begin with. */
const OPERAND_KINDS: ReadonlySet<TokenKind> = new Set<TokenKind>([
  "bool",
  "character",
  "field",
  "identifier",
  "left-parenthesis",
  "number",
  "string",
  "variable",
]);

export function isOperandStart(token: Token): boolean {
  return OPERAND_KINDS.has(token.kind) || isKeyword(token, "nil") || isKeyword(token, ".");
}

export function isKeyword(token: Token, word: string): boolean {
  return token.kind === "keyword" && token.text === word;
}

/** A token as error messages show it. */
export function describeToken(token: Token): ByteText {
  if (token.kind === "end") return "EOF";
  if (token.kind === "error") return token.text;
  if (token.kind === "keyword") return `<${token.text}>`;
  return token.text.length > 10 ? `${quoteStart(token.text)}...` : quote(token.text);
}

function quoteStart(text: ByteText): ByteText {
  return quote(text.slice(0, 10));
}
