import type { ByteText } from "./byte-text.ts";
import { tokenize } from "./lexer.ts";
import type { BranchNode, Statement } from "./nodes.ts";
import { PipelineParser, TOO_DEEP } from "./pipeline-parser.ts";
import { quote, unquote } from "./quote.ts";
import { TokenReader } from "./token-reader.ts";
import { isKeyword, type Token } from "./tokens.ts";

/** A parsed template: its own statements under its own name, and those of the templates it defines. */
export interface Template {
  readonly name: ByteText;
  readonly source: ByteText;
  readonly definitions: ReadonlyMap<ByteText, readonly Statement[]>;
}

/** What ended a list of statements. */
interface Terminator {
  readonly kind: "end" | "else";
  readonly token: Token;
}

type Branch = BranchNode["kind"];

/**
 * Parses a template in the language of Go's text/template.
 * @throws {TemplateParseError} with Go's message, which begins with `name`
 */
export function parseTemplate(
  name: ByteText,
  source: ByteText,
  isFunction: (name: ByteText) => boolean,
): Template {
  const tokens = new TokenReader(name, tokenize(source));
  const parser = new TemplateParser(tokens, isFunction);
  try {
    parser.parseMain(name);
  } catch (error) {
    // Nesting that exhausts the stack.
    throw error instanceof RangeError ? tokens.error(TOO_DEEP) : error;
  }
  return { name, source, definitions: parser.definitions };
}

class TemplateParser {
  readonly definitions = new Map<ByteText, readonly Statement[]>();
  private readonly tokens: TokenReader;
  private readonly isFunction: (name: ByteText) => boolean;
  private pipelines: PipelineParser;
  private loops = 0;

  constructor(tokens: TokenReader, isFunction: (name: ByteText) => boolean) {
    this.tokens = tokens;
    this.isFunction = isFunction;
    this.pipelines = new PipelineParser(tokens, isFunction);
  }

  parseMain(name: ByteText): void {
    const statements: Statement[] = [];
    while (this.tokens.peek().kind !== "end") {
      if (this.tokens.peek().kind === "open" && isKeyword(this.tokens.peekSolidAfterNext(), "define")) {
        this.parseDefinition();
        continue;
      }
      const next = this.parseStatement();
      if (isTerminator(next)) throw this.tokens.error(`unexpected {{${next.kind}}}`);
      statements.push(next);
    }
    this.define(name, statements);
  }

  private parseDefinition(): void {
    this.tokens.take();
    this.tokens.takeSolid();
    const context = "define clause";
    const name = this.parseName(context);
    this.tokens.expect("close", context);
    this.define(name, this.parseIsolated(context));
  }

  /** Parses statements that see neither the variables nor the loops around them, up to `{{end}}`. */
  private parseIsolated(context: ByteText): readonly Statement[] {
    const { pipelines, loops } = this;
    this.pipelines = new PipelineParser(this.tokens, this.isFunction);
    this.loops = 0;
    const { statements, terminator } = this.parseStatements();
    if (terminator.kind !== "end") throw this.tokens.error(`unexpected {{${terminator.kind}}} in ${context}`);
    this.pipelines = pipelines;
    this.loops = loops;
    return statements;
  }

  private define(name: ByteText, statements: readonly Statement[]): void {
    const earlier = this.definitions.get(name);
    if (earlier === undefined || isEmpty(earlier)) this.definitions.set(name, statements);
    else if (!isEmpty(statements)) {
      throw this.tokens.error(`template: multiple definition of template ${quote(name)}`);
    }
  }

  private parseStatements(): { readonly statements: readonly Statement[]; readonly terminator: Terminator } {
    const statements: Statement[] = [];
    while (this.tokens.peekSolid().kind !== "end") {
      const next = this.parseStatement();
      if (isTerminator(next)) return { statements, terminator: next };
      statements.push(next);
    }
    throw this.tokens.error("unexpected EOF");
  }

  private parseStatement(): Statement | Terminator {
    const token = this.tokens.takeSolid();
    if (token.kind === "text") return { kind: "text", position: token.position, text: token.text };
    if (token.kind !== "open") throw this.tokens.unexpected(token, "input");
    this.tokens.enterAction(token);
    const action = this.parseAction();
    this.tokens.enterAction(undefined);
    return action;
  }

  private parseAction(): Statement | Terminator {
    const token = this.tokens.peekSolid();
    const word = token.kind === "keyword" ? token.text : undefined;
    switch (word) {
      case "if":
      case "with":
      case "range":
        this.tokens.take();
        return this.parseBranch(word);
      case "break":
      case "continue":
        return this.parseLoopExit(word);
      case "block":
        return this.parseBlock();
      case "template":
        return this.parseTemplateCall();
      case "end":
        this.tokens.take();
        return { kind: "end", token: this.tokens.expect("close", "end") };
      case "else":
        return this.parseElse();
      default: {
        const { position } = token;
        return { kind: "action", position, pipeline: this.pipelines.parsePipeline("command", "close") };
      }
    }
  }

  /** Leaves the `if` or `with` of an `{{else if …}}` to be read next. */
  private parseElse(): Terminator {
    const token = this.tokens.take();
    const next = this.tokens.peekSolid();
    if (!isKeyword(next, "if") && !isKeyword(next, "with")) this.tokens.expect("close", "else");
    return { kind: "else", token };
  }

  private parseBranch(kind: Branch): BranchNode {
    const visible = this.pipelines.variables.length;
    const pipeline = this.pipelines.parsePipeline(kind, "close");
    if (kind === "range") this.loops++;
    const { statements: body, terminator } = this.parseStatements();
    if (kind === "range") this.loops--;
    const otherwise = terminator.kind === "else" ? this.parseOtherwise(kind) : undefined;
    this.pipelines.variables.length = visible;
    return { kind, position: pipeline.position, pipeline, body, otherwise };
  }

  private parseOtherwise(kind: Branch): readonly Statement[] {
    if (kind !== "range" && isKeyword(this.tokens.peek(), kind)) {
      this.tokens.take();
      return [this.parseBranch(kind)];
    }
    const { statements, terminator } = this.parseStatements();
    if (terminator.kind !== "end") {
      throw this.tokens.error(`expected end; found {{${terminator.kind}}}`);
    }
    return statements;
  }

  private parseLoopExit(kind: "break" | "continue"): Statement {
    const { position } = this.tokens.take();
    this.tokens.expect("close", `{{${kind}}}`);
    if (this.loops === 0) throw this.tokens.error(`{{${kind}}} outside {{range}}`);
    return { kind, position };
  }

  private parseTemplateCall(): Statement {
    const context = "template clause";
    this.tokens.take();
    const { position } = this.tokens.peekSolid();
    const name = this.parseName(context);
    if (this.tokens.peekSolid().kind !== "close") {
      return { kind: "template", position, name, pipeline: this.pipelines.parsePipeline(context, "close") };
    }
    this.tokens.take();
    return { kind: "template", position, name, pipeline: undefined };
  }

  /** A block defines a template and calls it at once. */
  private parseBlock(): Statement {
    const context = "block clause";
    this.tokens.take();
    const { position } = this.tokens.peekSolid();
    const name = this.parseName(context);
    const pipeline = this.pipelines.parsePipeline(context, "close");
    this.define(name, this.parseIsolated(context));
    return { kind: "template", position, name, pipeline };
  }

  private parseName(context: ByteText): ByteText {
    const token = this.tokens.expect("string", context);
    const name = unquote(token.text);
    if (name === undefined) throw this.tokens.error("invalid syntax");
    return name;
  }
}

function isTerminator(next: Statement | Terminator): next is Terminator {
  return next.kind === "end" || next.kind === "else";
}

/** Whether a template prints nothing but white space, and may therefore be defined again. */
function isEmpty(statements: readonly Statement[]): boolean {
  return statements.every((statement) => statement.kind === "text" && /^\s*$/.test(statement.text));
}
