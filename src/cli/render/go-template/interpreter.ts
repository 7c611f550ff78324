import type { ByteText } from "./byte-text.ts";
import { Evaluator } from "./evaluator.ts";
import { FailurePlace } from "./failure-place.ts";
import type { BranchNode, Statement, TemplateCallNode } from "./nodes.ts";
import type { Template } from "./parser.ts";
import { quote } from "./quote.ts";
import { isTrue } from "./truth.ts";
import { formatValue } from "./value-format.ts";
import {
  dereference,
  type GoFunction,
  type GoValue,
  integerValue,
  type MaybeValue,
  stringValue,
} from "./values.ts";
import { VariableScope } from "./variable-scope.ts";

/** How often Go lets templates call each other. */
const MAX_DEPTH = 100_000;

/** How statements ended: at their end, or by leaving the loop or its turn. */
type Outcome = "done" | "break" | "continue";

/**
 * Runs a template on a value. `write` gets the output piece by piece, also what comes before an error.
 * @throws {TemplateRunError} with Go's message
 */
export function runTemplate(
  template: Template,
  data: GoValue,
  functions: ReadonlyMap<ByteText, GoFunction>,
  write: (text: ByteText) => void,
): void {
  new Interpreter(template, functions, write).run(data);
}

class Interpreter {
  private readonly template: Template;
  private readonly write: (text: ByteText) => void;
  private readonly place: FailurePlace;
  private readonly scope = new VariableScope();
  private readonly evaluator: Evaluator;
  private lastCall: TemplateCallNode | undefined;

  constructor(
    template: Template,
    functions: ReadonlyMap<ByteText, GoFunction>,
    write: (text: ByteText) => void,
  ) {
    this.template = template;
    this.write = write;
    this.place = new FailurePlace(template);
    this.evaluator = new Evaluator(functions, this.place, this.scope);
  }

  run(data: GoValue): void {
    const statements = this.template.definitions.get(this.template.name) ?? [];
    try {
      this.scope.isolated(data, () => this.runAll(data, statements));
    } catch (error) {
      // Templates that call themselves without end exhaust the stack here, as they exceed a limit in Go.
      if (!(error instanceof RangeError)) throw error;
      if (this.lastCall !== undefined) this.place.enter(this.lastCall);
      throw this.place.error(`exceeded maximum template depth (${MAX_DEPTH})`);
    }
  }

  private runAll(dot: MaybeValue, statements: readonly Statement[]): Outcome {
    for (const statement of statements) {
      const outcome = this.runOne(dot, statement);
      if (outcome !== "done") return outcome;
    }
    return "done";
  }

  private runOne(dot: MaybeValue, statement: Statement): Outcome {
    this.place.enter(statement);
    switch (statement.kind) {
      case "text":
        this.write(statement.text);
        return "done";
      case "action": {
        const value = this.evaluator.evaluatePipeline(dot, statement.pipeline);
        if (statement.pipeline.variables.length === 0) this.write(printed(value));
        return "done";
      }
      case "if":
      case "with":
        return this.runChoice(dot, statement);
      case "range":
        return this.runRange(dot, statement);
      case "template":
        this.runTemplateCall(dot, statement);
        return "done";
      case "break":
      case "continue":
        return statement.kind;
    }
  }

  private runChoice(dot: MaybeValue, branch: BranchNode): Outcome {
    const visible = this.scope.size;
    const value = this.evaluator.evaluatePipeline(dot, branch.pipeline);
    const outcome = isTrue(value)
      ? this.runAll(branch.kind === "with" ? value : dot, branch.body)
      : this.runAll(dot, branch.otherwise ?? []);
    this.scope.shrink(visible);
    return outcome;
  }

  private runRange(dot: MaybeValue, branch: BranchNode): Outcome {
    const visible = this.scope.size;
    const { value } = dereference(this.evaluator.evaluatePipeline(dot, branch.pipeline));
    let isEmpty = true;
    let outcome: Outcome = "done";
    for (const [key, item] of this.iterate(value, branch.pipeline.variables.length)) {
      isEmpty = false;
      if (this.runTurn(branch, key, item) === "break") break;
    }
    if (isEmpty) outcome = this.runAll(dot, branch.otherwise ?? []);
    this.scope.shrink(visible);
    return outcome;
  }

  private runTurn(branch: BranchNode, key: MaybeValue, item: MaybeValue): Outcome {
    const visible = this.scope.size;
    const { variables, assigns } = branch.pipeline;
    const [first, second] = variables;
    if (first !== undefined) {
      if (assigns) this.evaluator.assign(first.name, second === undefined ? item : key);
      else this.scope.setFromTop(1, item);
    }
    if (second !== undefined) {
      if (assigns) this.evaluator.assign(second.name, item);
      else this.scope.setFromTop(2, key);
    }
    const outcome = this.runAll(item, branch.body);
    this.scope.shrink(visible);
    return outcome;
  }

  private *iterate(value: MaybeValue, variables: number): Generator<readonly [MaybeValue, MaybeValue]> {
    switch (value?.kind) {
      case undefined:
        return;
      case "slice":
        for (const [index, item] of (value.items ?? []).entries()) yield [integerValue(index), item];
        return;
      case "map":
        for (const [key, item] of value.entries ?? []) yield [stringValue(key), item];
        return;
      case "int":
      case "uint":
        if (variables > 1) {
          const shown = formatValue(value, "v");
          throw this.place.error(`can't use ${shown} to iterate over more than one variable`);
        }
        for (let number = 0n; number < value.value; number++) yield [undefined, { ...value, value: number }];
        return;
      default:
        throw this.place.error(`range can't iterate over ${formatValue(value, "v")}`);
    }
  }

  private runTemplateCall(dot: MaybeValue, call: TemplateCallNode): void {
    const statements = this.template.definitions.get(call.name);
    if (statements === undefined) throw this.place.error(`template ${quote(call.name)} not defined`);
    this.lastCall = call;
    const value = call.pipeline && this.evaluator.evaluatePipeline(dot, call.pipeline);
    const { definition } = this.place;
    this.place.definition = call.name;
    this.scope.isolated(value, () => this.runAll(value, statements));
    this.place.definition = definition;
  }
}

/** A value as the output of an action; pointers show what they point to. */
function printed(value: MaybeValue): ByteText {
  if (value === undefined) return "<no value>";
  return formatValue(value.kind === "pointer" ? dereference(value).value : value, "v");
}
