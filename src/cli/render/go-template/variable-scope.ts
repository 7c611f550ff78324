import type { ByteText } from "./byte-text.ts";
import type { MaybeValue } from "./values.ts";

interface Variable {
  readonly name: ByteText;
  value: MaybeValue;
}

/** The variables of a running template. A name declared again hides the earlier variable until it is gone. */
export class VariableScope {
  private variables: Variable[] = [];

  /** How many there are now, for `shrink`. */
  get size(): number {
    return this.variables.length;
  }

  /** Forgets the variables declared since there were so many. */
  shrink(size: number): void {
    this.variables.length = size;
  }

  declare(name: ByteText, value: MaybeValue): void {
    this.variables.push({ name, value });
  }

  /** Sets one of the last declared, 1 being the very last. */
  setFromTop(distance: number, value: MaybeValue): void {
    const variable = this.variables.at(-distance);
    if (variable !== undefined) variable.value = value;
  }

  /** False if there is no such variable. */
  assign(name: ByteText, value: MaybeValue): boolean {
    const variable = this.variables.findLast((candidate) => candidate.name === name);
    if (variable !== undefined) variable.value = value;
    return variable !== undefined;
  }

  find(name: ByteText): { readonly value: MaybeValue } | undefined {
    return this.variables.findLast((candidate) => candidate.name === name);
  }

  /** Runs something that sees only the variable `$`. */
  isolated(dollar: MaybeValue, run: () => void): void {
    const outer = this.variables;
    this.variables = [{ name: "$", value: dollar }];
    run();
    this.variables = outer;
  }
}
