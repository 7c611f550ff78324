import { errorMessage, findCause } from "../../core/errors.ts";
import { ImageNotFoundError } from "../../core/not-found.ts";
import { Cancelled } from "../cancellation.ts";
import { CodedFailure, type Command, FlagError, UsageError } from "../command.ts";
import { hintFor } from "./hints.ts";

/** How a run ends: the text of its fatal record, and its exit code. */
export interface Failure {
  readonly message: string;
  readonly exitCode: number;
}

const FAILURE = 1;
const IMAGE_NOT_FOUND = 2;

/** Words anything that a command may throw. `command` decides which flags a hint may name. cli.md 1.2. */
export function describeFailure(error: unknown, command?: Command): Failure {
  const cancelled = findCause(error, Cancelled);
  if (cancelled !== undefined) return { message: errorMessage(error), exitCode: cancelled.exitCode };
  if (error instanceof FlagError || error instanceof UsageError) {
    return { message: error.message, exitCode: FAILURE };
  }
  if (error instanceof CodedFailure) return { message: error.message, exitCode: error.exitCode };
  const hint = hintFor(error, command);
  return {
    message: `${isDefect(error) ? "internal error: " : ""}${errorMessage(error)}${hint ? `\nHint: ${hint}` : ""}`,
    exitCode: findCause(error, ImageNotFoundError) === undefined ? FAILURE : IMAGE_NOT_FOUND,
  };
}

/** Errors of the language itself come from mistakes in this program. */
function isDefect(error: unknown): boolean {
  return error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
}
