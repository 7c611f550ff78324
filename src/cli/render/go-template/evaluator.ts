import { constantValue, fitConstant, fitNil, fitValue } from "./arguments.ts";
import type { ByteText } from "./byte-text.ts";
import { FunctionError } from "./errors.ts";
import type { FailurePlace } from "./failure-place.ts";
import { fieldOf } from "./fields.ts";
import { findMethod, receiverOf } from "./methods.ts";
import {
  type ChainNode,
  type Command,
  formatNode,
  type IdentifierNode,
  type Node,
  type Operand,
  type Pipeline,
  type VariableNode,
} from "./nodes.ts";
import { isTrue } from "./truth.ts";
import {
  dereference,
  type GoFunction,
  type GoType,
  type MaybeValue,
  REFLECTED,
  type Signature,
} from "./values.ts";
import type { VariableScope } from "./variable-scope.ts";

/** The result of the command before, which is the last argument of the next one. */
interface Piped {
  readonly value: MaybeValue;
}

/** What something is called with: operands as written, and the result of the command before. */
interface Arguments {
  readonly operands: readonly Operand[];
  readonly piped: Piped | undefined;
}

const NO_ARGUMENTS: Arguments = { operands: [], piped: undefined };

/** Computes what pipelines give. Errors are those of Go, for the node that was evaluated last. */
export class Evaluator {
  private readonly functions: ReadonlyMap<ByteText, GoFunction>;
  private readonly place: FailurePlace;
  private readonly scope: VariableScope;

  constructor(functions: ReadonlyMap<ByteText, GoFunction>, place: FailurePlace, scope: VariableScope) {
    this.functions = functions;
    this.place = place;
    this.scope = scope;
  }

  /** The result of the last command. Sets the pipeline's variables to it. */
  evaluatePipeline(dot: MaybeValue, pipeline: Pipeline): MaybeValue {
    this.place.enter(pipeline);
    let piped: Piped | undefined;
    for (const command of pipeline.commands) {
      const value = this.evaluateCommand(dot, command, piped);
      const isAny = value?.kind === "interface" && value.type.name === "interface {}";
      piped = { value: isAny ? (value.content ?? undefined) : value };
    }
    const value = piped?.value;
    for (const { name } of pipeline.variables) {
      if (!pipeline.assigns) this.scope.declare(name, value);
      else this.assign(name, value);
    }
    return value;
  }

  /** Gives a variable that exists another value. */
  assign(name: ByteText, value: MaybeValue): void {
    if (!this.scope.assign(name, value)) throw this.place.error(`undefined variable: ${name}`);
  }

  private evaluateCommand(dot: MaybeValue, command: Command, piped: Piped | undefined): MaybeValue {
    const [first, ...operands] = command.operands;
    if (first === undefined) throw new Error("a command has at least one operand");
    const given = { operands, piped };
    switch (first.kind) {
      case "identifier":
        return this.callFunction(dot, first, command, given);
      case "field":
        this.place.enter(first);
        return this.evaluateFields(dot, dot, first.fields, first, given);
      case "variable":
        return this.evaluateVariable(dot, first, given);
      case "chain":
        return this.evaluateChain(dot, first, given);
      case "pipeline":
        this.refuseArguments(first, given);
        return this.evaluatePipeline(dot, first);
      default:
        this.place.enter(first);
        this.refuseArguments(first, given);
        if (first.kind === "dot") return dot;
        if (first.kind === "nil") throw this.place.error("nil is not a command");
        return constantValue(first, this.place);
    }
  }

  private refuseArguments(node: Operand, { operands, piped }: Arguments): void {
    if (operands.length === 0 && piped === undefined) return;
    throw this.place.error(`can't give argument to non-function ${formatNode(node)}`);
  }

  private evaluateVariable(dot: MaybeValue, node: VariableNode, given: Arguments): MaybeValue {
    this.place.enter(node);
    const found = this.scope.find(node.name);
    if (found === undefined) throw this.place.error(`undefined variable: ${node.name}`);
    if (node.fields.length > 0) return this.evaluateFields(dot, found.value, node.fields, node, given);
    this.refuseArguments(node, given);
    return found.value;
  }

  private evaluateChain(dot: MaybeValue, node: ChainNode, given: Arguments): MaybeValue {
    this.place.enter(node);
    const value = this.evaluateArgument(dot, REFLECTED, node.operand);
    return this.evaluateFields(dot, value, node.fields, node, given);
  }

  /** Follows fields and methods, of which the last one may have arguments. */
  private evaluateFields(
    dot: MaybeValue,
    start: MaybeValue,
    names: readonly ByteText[],
    node: Node,
    given: Arguments,
  ): MaybeValue {
    let value = start;
    for (const [index, name] of names.entries()) {
      const isLast = index === names.length - 1;
      value = this.evaluateField(dot, value, name, node, isLast ? given : NO_ARGUMENTS);
    }
    return value;
  }

  private evaluateField(
    dot: MaybeValue,
    receiver: MaybeValue,
    name: ByteText,
    node: Node,
    given: Arguments,
  ): MaybeValue {
    if (receiver === undefined) return undefined;
    const { value: target } = dereferenceToMethods(receiver);
    const bound = target === undefined ? undefined : findMethod(target, name);
    if (bound === undefined) {
      const hasArguments = given.operands.length > 0 || given.piped !== undefined;
      return fieldOf(receiver, name, hasArguments, this.place);
    }
    const { method } = bound;
    const values = this.evaluateArguments(dot, name, method, given, method.unusable);
    return this.callSafely(node, name, () => method.call(receiverOf(bound, name), values));
  }

  private callFunction(dot: MaybeValue, node: IdentifierNode, whole: Node, given: Arguments): MaybeValue {
    this.place.enter(node);
    const { name } = node;
    const called = this.functions.get(name);
    if (called === undefined) throw this.place.error(`"${name}" is not a defined function`);
    if (name === "and" || name === "or") return this.callShortCircuit(dot, name, called, given);
    const values = this.evaluateArguments(dot, name, called, given);
    return this.callSafely(whole, name, () => called.call(values, firstOperandText(given)));
  }

  /** The first value that decides the matter, or else the last; what comes after is not evaluated. */
  private callShortCircuit(
    dot: MaybeValue,
    name: "and" | "or",
    called: Signature,
    given: Arguments,
  ): MaybeValue {
    this.checkCount(name, called, given);
    let value: MaybeValue;
    for (const operand of given.operands) {
      value = this.evaluateArgument(dot, REFLECTED, operand);
      if (isTrue(value) === (name === "or")) return value;
    }
    return given.piped === undefined ? value : given.piped.value;
  }

  private callSafely(node: Node, name: ByteText, call: () => MaybeValue): MaybeValue {
    try {
      return call();
    } catch (error) {
      if (!(error instanceof FunctionError)) throw error;
      this.place.enter(node);
      throw this.place.error(`error calling ${name}: ${error.message}`);
    }
  }

  private evaluateArguments(
    dot: MaybeValue,
    name: ByteText,
    called: Signature,
    given: Arguments,
    unusable?: string,
  ): readonly MaybeValue[] {
    this.checkCount(name, called, given);
    if (unusable !== undefined) throw this.place.error(unusable);
    const values = given.operands.map((operand, index) =>
      this.evaluateArgument(dot, parameterType(called, index), operand),
    );
    if (given.piped !== undefined) {
      values.push(fitValue(given.piped.value, parameterType(called, values.length), this.place));
    }
    return values;
  }

  private checkCount(name: ByteText, called: Signature, given: Arguments): void {
    const wanted = called.parameters.length;
    const count = given.operands.length + (given.piped === undefined ? 0 : 1);
    if (called.variadic === undefined ? count === wanted : count >= wanted) return;
    const got = called.variadic === undefined ? count : given.operands.length;
    const least = called.variadic === undefined ? "" : "at least ";
    throw this.place.error(`wrong number of args for ${name}: want ${least}${wanted} got ${got}`);
  }

  private evaluateArgument(dot: MaybeValue, type: GoType, operand: Operand): MaybeValue {
    this.place.enter(operand);
    switch (operand.kind) {
      case "nil":
        return fitNil(type, this.place);
      case "bool":
      case "number":
      case "string":
        return fitConstant(operand, type, this.place);
      default:
        return fitValue(this.evaluateOperand(dot, operand), type, this.place);
    }
  }

  private evaluateOperand(
    dot: MaybeValue,
    operand: Exclude<Operand, { readonly kind: "nil" | "bool" | "number" | "string" }>,
  ): MaybeValue {
    switch (operand.kind) {
      case "dot":
        return dot;
      case "field":
        return this.evaluateFields(dot, dot, operand.fields, operand, NO_ARGUMENTS);
      case "variable":
        return this.evaluateVariable(dot, operand, NO_ARGUMENTS);
      case "pipeline":
        return this.evaluatePipeline(dot, operand);
      case "identifier":
        return this.callFunction(dot, operand, operand, NO_ARGUMENTS);
      case "chain":
        return this.evaluateChain(dot, operand, NO_ARGUMENTS);
    }
  }
}

/** The value itself if it is a pointer, whose methods are those of what it points to, else what an interface holds. */
function dereferenceToMethods(receiver: MaybeValue): { readonly value: MaybeValue } {
  const { value, isNil } = dereference(receiver);
  return { value: isNil && value?.kind === "interface" ? undefined : value };
}

function parameterType(called: Signature, index: number): GoType {
  return called.parameters[index] ?? called.variadic ?? REFLECTED;
}

/** What `call` names as the function that it was to call. */
function firstOperandText({ operands, piped }: Arguments): ByteText {
  const [first] = operands;
  if (first !== undefined) return formatNode(first);
  if (piped?.value?.kind === "string") return piped.value.value;
  return piped?.value === undefined ? "<invalid Value>" : `<${piped.value.type.name} Value>`;
}
