import type { ByteText } from "./byte-text.ts";
import { TemplateRunError } from "./errors.ts";
import { countLines } from "./lexer.ts";
import { formatNode, type Node } from "./nodes.ts";
import type { Template } from "./parser.ts";
import { quote } from "./quote.ts";

/** Where in a running template things are, for the errors that may come. */
export class FailurePlace {
  /** The name of the template whose statements are run. */
  definition: ByteText;
  private readonly template: Template;
  private node: Node | undefined;

  constructor(template: Template) {
    this.template = template;
    this.definition = template.name;
  }

  /** Notes the node that is evaluated next. It stays the place of errors until another one is noted. */
  enter(node: Node): void {
    this.node = node;
  }

  error(message: ByteText): TemplateRunError {
    const { name, source } = this.template;
    if (this.node === undefined) return new TemplateRunError(`template: ${name}: ${message}`);
    const { position } = this.node;
    const column = position - (source.lastIndexOf("\n", position - 1) + 1);
    const place = `${name}:${countLines(source, position)}:${position === 0 ? 0 : column}`;
    const context = `executing ${quote(this.definition)} at <${formatNode(this.node)}>`;
    return new TemplateRunError(`template: ${place}: ${context}: ${message}`);
  }
}
