import type { FlagTable, FlagValues } from "./flag.ts";
import type { GlobalOptions } from "./flags/global-flags.ts";
import type { Logger } from "./log.ts";
import type { ErrorOutput, Output } from "./output.ts";

/** What a command is given when it runs. */
export interface Invocation<Flags extends FlagTable = FlagTable> {
  readonly flags: FlagValues<Flags>;
  readonly globals: GlobalOptions;
  /** The words that are no flags, in order. */
  readonly arguments: readonly string[];
  /** Aborted by Ctrl-C, by SIGTERM and when `--command-timeout` has passed. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Results only. */
  readonly stdout: Output;
  /** Progress; log lines go through `log`. */
  readonly stderr: ErrorOutput;
}

/** A command line to show in help, and what it is good for. */
export interface Example {
  readonly purpose: string;
  /** Without the leading `skopeo`. */
  readonly command: string;
}

/** A command as a user sees it, and what runs it. */
export interface Command<Flags extends FlagTable = FlagTable> {
  readonly name: string;
  /** The arguments: `SOURCE-IMAGE DESTINATION-IMAGE`. */
  readonly synopsis: string;
  /** One line, without a full stop. */
  readonly summary: string;
  /** Paragraphs for help, after the summary; lines are wrapped. */
  readonly description?: string;
  readonly examples?: readonly Example[];
  readonly flags: Flags;
  /** Whether a `UsageError` shows the whole help before the error. */
  readonly helpOnMisuse?: boolean;
  /** Resolves when the command has done its work; whatever it throws ends the program with an error. */
  run(invocation: Invocation<Flags>): Promise<void>;
}

/** A command whose flag values have the types that its flag table says. The program parses with that same table. */
export function defineCommand<Flags extends FlagTable>(command: Command<Flags>): Command {
  return command;
}

/** A flag is unknown, lacks its value, has a wrong one, or contradicts another flag. */
export class FlagError extends Error {
  override readonly name = "FlagError";
}

/** A failure that has an exit code of its own, so that scripts can tell it from others. */
export class CodedFailure extends Error {
  override readonly name: string = "CodedFailure";
  readonly exitCode: number;

  constructor(message: string, exitCode: number, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** What a command was asked to find out, and its exit code tells: nothing has failed. */
export class Finding extends CodedFailure {
  override readonly name = "Finding";
}

/** The command was called with too few or too many arguments; it may answer with its whole help. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
