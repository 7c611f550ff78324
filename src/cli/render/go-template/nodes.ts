import type { ByteText } from "./byte-text.ts";
import type { NumberLiteral } from "./number-literal.ts";
import { quote } from "./quote.ts";

/** Anything that errors can point at: `position` is its offset in the source, in bytes. */
interface Located {
  readonly position: number;
}

/** What an action consists of: commands, each given the result of the one before it. */
export interface Pipeline extends Located {
  readonly kind: "pipeline";
  /** The variables it sets, declaring them unless `assigns`. */
  readonly variables: readonly VariableNode[];
  readonly assigns: boolean;
  readonly commands: readonly Command[];
}

export interface Command extends Located {
  readonly kind: "command";
  /** At least one. The first is called with the others, if it is a function or a method. */
  readonly operands: readonly Operand[];
}

export type Operand =
  | IdentifierNode
  | VariableNode
  | FieldNode
  | ChainNode
  | DotNode
  | NilNode
  | BoolNode
  | NumberNode
  | TextLiteralNode
  | Pipeline;

/** The name of a function. */
export interface IdentifierNode extends Located {
  readonly kind: "identifier";
  readonly name: ByteText;
}

/** `$x.a.b`: the variable, then fields. */
export interface VariableNode extends Located {
  readonly kind: "variable";
  readonly name: ByteText;
  readonly fields: readonly ByteText[];
}

/** `.a.b` */
export interface FieldNode extends Located {
  readonly kind: "field";
  readonly fields: readonly ByteText[];
}

/** `(pipeline).a.b`, or fields after anything that is neither a field nor a variable. */
export interface ChainNode extends Located {
  readonly kind: "chain";
  readonly operand: Operand;
  readonly fields: readonly ByteText[];
}

export interface DotNode extends Located {
  readonly kind: "dot";
}

export interface NilNode extends Located {
  readonly kind: "nil";
}

export interface BoolNode extends Located {
  readonly kind: "bool";
  readonly value: boolean;
}

export interface NumberNode extends Located {
  readonly kind: "number";
  readonly literal: NumberLiteral;
}

export interface TextLiteralNode extends Located {
  readonly kind: "string";
  /** As written, with its quotes. */
  readonly literal: ByteText;
  readonly value: ByteText;
}

export type Statement = TextNode | ActionNode | BranchNode | TemplateCallNode | LoopExitNode;

/** Text outside of actions. */
export interface TextNode extends Located {
  readonly kind: "text";
  readonly text: ByteText;
}

/** A pipeline whose result is printed, unless it sets variables. */
export interface ActionNode extends Located {
  readonly kind: "action";
  readonly pipeline: Pipeline;
}

export interface BranchNode extends Located {
  readonly kind: "if" | "with" | "range";
  readonly pipeline: Pipeline;
  readonly body: readonly Statement[];
  readonly otherwise: readonly Statement[] | undefined;
}

export interface TemplateCallNode extends Located {
  readonly kind: "template";
  readonly name: ByteText;
  readonly pipeline: Pipeline | undefined;
}

export interface LoopExitNode extends Located {
  readonly kind: "break" | "continue";
}

export type Node = Operand | Command | Statement;

/** A node as error messages show it, which is not quite the way it was written. */
export function formatNode(node: Node): ByteText {
  switch (node.kind) {
    case "pipeline":
      return formatPipeline(node);
    case "command":
      return node.operands.map(formatOperand).join(" ");
    case "identifier":
      return node.name;
    case "variable":
      return [node.name, ...node.fields].join(".");
    case "field":
      return formatFields(node.fields);
    case "chain":
      return formatOperand(node.operand) + formatFields(node.fields);
    case "dot":
      return ".";
    case "bool":
      return String(node.value);
    case "number":
      return node.literal.text;
    case "string":
      return node.literal;
    case "text":
      return node.text;
    case "action":
      return `{{${formatPipeline(node.pipeline)}}}`;
    case "template":
      return formatTemplateCall(node);
    case "nil":
      return "nil";
    default:
      return `{{${node.kind}}}`;
  }
}

function formatOperand(operand: Operand): ByteText {
  return operand.kind === "pipeline" ? `(${formatPipeline(operand)})` : formatNode(operand);
}

function formatFields(fields: readonly ByteText[]): ByteText {
  return fields.map((field) => `.${field}`).join("");
}

function formatPipeline(pipeline: Pipeline): ByteText {
  const commands = pipeline.commands.map(formatNode).join(" | ");
  if (pipeline.variables.length === 0) return commands;
  const variables = pipeline.variables.map(formatNode).join(", ");
  return `${variables} ${pipeline.assigns ? "=" : ":="} ${commands}`;
}

function formatTemplateCall(node: TemplateCallNode): ByteText {
  const argument = node.pipeline === undefined ? "" : ` ${formatPipeline(node.pipeline)}`;
  return `{{template ${quote(node.name)}${argument}}}`;
}
