import type { ByteText } from "./byte-text.ts";
import type { Command, Operand, Pipeline, VariableNode } from "./nodes.ts";
import { formatNode } from "./nodes.ts";
import { parseNumber } from "./number-literal.ts";
import { quote, unquote } from "./quote.ts";
import type { TokenReader } from "./token-reader.ts";
import { isKeyword, isOperandStart, type Token, type TokenKind } from "./tokens.ts";

/** Operands that can only be the first of a pipeline, because they take no argument. */
const CONSTANT_KINDS: ReadonlySet<Operand["kind"]> = new Set<Operand["kind"]>([
  "bool",
  "dot",
  "nil",
  "number",
  "string",
]);
const MAX_DEPTH = 10_000;
/** The error about nesting that is too deep. */
export const TOO_DEEP = "max expression depth exceeded";

/** Parses what stands inside actions. */
export class PipelineParser {
  /** The names of the variables that can be used; whoever opens a scope cuts it back. */
  variables: ByteText[] = ["$"];
  private readonly tokens: TokenReader;
  private readonly isFunction: (name: ByteText) => boolean;
  private depth = 0;

  constructor(tokens: TokenReader, isFunction: (name: ByteText) => boolean) {
    this.tokens = tokens;
    this.isFunction = isFunction;
  }

  /** Parses up to and over a token of the kind `end`. `context` names the place in errors. */
  parsePipeline(context: ByteText, end: TokenKind): Pipeline {
    const { position } = this.tokens.peekSolid();
    const { variables, assigns } = this.parseTargets(context);
    const commands: Command[] = [];
    for (;;) {
      const token = this.tokens.peekSolid();
      if (token.kind === end) break;
      if (!isOperandStart(token)) throw this.tokens.unexpected(this.tokens.take(), context);
      commands.push(this.parseCommand());
    }
    this.tokens.take();
    this.checkCommands(commands, context);
    return { kind: "pipeline", position, variables, assigns, commands };
  }

  /** The variables before `:=` or `=`. */
  private parseTargets(context: ByteText): { variables: VariableNode[]; assigns: boolean } {
    const variables: VariableNode[] = [];
    while (this.tokens.peekSolid().kind === "variable") {
      const next = this.tokens.peekSolidAfterNext();
      const isLast = next.kind === "declare" || next.kind === "assign";
      if (!isLast && !isComma(next)) break;
      variables.push(this.takeVariable());
      this.tokens.takeSolid();
      if (isLast) return { variables, assigns: next.kind === "assign" };
      this.checkMoreTargets(variables.length, context);
    }
    return { variables, assigns: false };
  }

  private checkMoreTargets(count: number, context: ByteText): void {
    if (context !== "range" || count > 1) throw this.tokens.error(`too many declarations in ${context}`);
    const { kind } = this.tokens.peekSolid();
    if (kind === "variable" || kind === "close" || kind === "right-parenthesis") return;
    throw this.tokens.error("range can only initialize variables");
  }

  private takeVariable(): VariableNode {
    const { text, position } = this.tokens.take();
    this.variables.push(text);
    return { kind: "variable", position, name: text, fields: [] };
  }

  private checkCommands(commands: readonly Command[], context: ByteText): void {
    if (commands.length === 0) throw this.tokens.error(`missing value for ${context}`);
    for (const [index, command] of commands.entries()) {
      const first = command.operands[0];
      if (index > 0 && first !== undefined && CONSTANT_KINDS.has(first.kind)) {
        throw this.tokens.error(`non executable command in pipeline stage ${index + 1}`);
      }
    }
  }

  /** Parses operands separated by spaces, up to and over a `|`, or up to the end of the pipeline. */
  private parseCommand(): Command {
    const { position } = this.tokens.peekSolid();
    const operands: Operand[] = [];
    for (;;) {
      this.tokens.peekSolid();
      const operand = this.parseOperand();
      if (operand !== undefined) operands.push(operand);
      const { kind } = this.tokens.peek();
      if (kind === "close" || kind === "right-parenthesis") break;
      const token = this.tokens.take();
      if (kind === "pipe") break;
      if (kind !== "space") throw this.tokens.unexpected(token, "operand");
    }
    if (operands.length === 0) throw this.tokens.error("empty command");
    return { kind: "command", position, operands };
  }

  /** Parses a term and the fields that follow it without a space. */
  private parseOperand(): Operand | undefined {
    const term = this.parseTerm();
    if (term === undefined || this.tokens.peek().kind !== "field") return term;
    const { position } = this.tokens.peek();
    const fields: ByteText[] = [];
    while (this.tokens.peek().kind === "field") fields.push(this.tokens.take().text.slice(1));
    if (term.kind === "field" || term.kind === "variable") {
      return { ...term, position, fields: [...term.fields, ...fields] };
    }
    if (CONSTANT_KINDS.has(term.kind)) {
      throw this.tokens.error(`unexpected . after term ${quote(formatNode(term))}`);
    }
    return { kind: "chain", position, operand: term, fields };
  }

  private parseTerm(): Operand | undefined {
    const token = this.tokens.peekSolid();
    if (!isOperandStart(token)) return undefined;
    this.tokens.take();
    const { position, text } = token;
    switch (token.kind) {
      case "identifier":
        if (!this.isFunction(text)) throw this.tokens.error(`function ${quote(text)} not defined`);
        return { kind: "identifier", position, name: text };
      case "variable":
        if (!this.variables.includes(text)) throw this.tokens.error(`undefined variable ${quote(text)}`);
        return { kind: "variable", position, name: text, fields: [] };
      case "field":
        return { kind: "field", position, fields: [text.slice(1)] };
      case "bool":
        return { kind: "bool", position, value: text === "true" };
      case "left-parenthesis":
        return this.parseParentheses();
      default:
        return this.parseLiteral(token);
    }
  }

  private parseLiteral(token: Token): Operand {
    const { position, text } = token;
    if (isKeyword(token, ".")) return { kind: "dot", position };
    if (isKeyword(token, "nil")) return { kind: "nil", position };
    if (token.kind === "string") {
      const value = unquote(text);
      if (value === undefined) throw this.tokens.error("invalid syntax");
      return { kind: "string", position, literal: text, value };
    }
    const literal = parseNumber(text);
    if (typeof literal === "string") throw this.tokens.error(literal);
    return { kind: "number", position, literal };
  }

  private parseParentheses(): Pipeline {
    if (++this.depth > MAX_DEPTH) throw this.tokens.error(TOO_DEEP);
    const pipeline = this.parsePipeline("parenthesized pipeline", "right-parenthesis");
    this.depth--;
    return pipeline;
  }
}

function isComma(token: Token): boolean {
  return token.kind === "punctuation" && token.text === ",";
}
