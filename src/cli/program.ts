import { VERSION } from "../version.ts";
import { findCommand, type ParsedArguments, parseArguments } from "./arguments.ts";
import { createCancellation } from "./cancellation.ts";
import { type Command, Finding, FlagError, UsageError } from "./command.ts";
import { type CommandEntry, commandTable } from "./command-table.ts";
import { completeFlagValues } from "./flag-values.ts";
import { globalFlags, readGlobalOptions, rootFlags } from "./flags/global-flags.ts";
import { createLogger, type ProgramLogger } from "./log.ts";
import {
  BrokenPipeError,
  createErrorOutput,
  type ErrorOutput,
  type Output,
  standardOutput,
} from "./output.ts";
import { suggest, suggestionText } from "./suggest.ts";

/** Exit code of a process that SIGPIPE ended, as shells report it. */
const BROKEN_PIPE = 141;
const TRY_HELP = "Try 'skopeo --help' for more information";

/** What a program runs with. */
export interface Surroundings {
  readonly stdout: Output;
  readonly stderr: ErrorOutput;
  readonly commands: readonly CommandEntry[];
}

interface Session extends Surroundings {
  readonly log: ProgramLogger;
  /** The command that runs, once it is loaded. */
  command?: Command;
}

/**
 * Runs a command line and gives its exit code. A failure ends in exactly one fatal record. cli.md 1.
 * Without `surroundings` it writes to this process's own streams and knows all commands.
 */
export async function runProgram(
  words: readonly string[],
  surroundings: Surroundings = {
    stdout: standardOutput,
    stderr: createErrorOutput(),
    commands: commandTable,
  },
): Promise<number> {
  const session: Session = { ...surroundings, log: createLogger(surroundings.stderr) };
  try {
    if (words.length === 0 && surroundings.stderr.isTerminal) return await showOverview(session);
    if (words[0] === "__complete" || words[0] === "__completeNoDesc") await tellCompletions(words, session);
    else await dispatch(words, session);
    return 0;
  } catch (error) {
    return error instanceof BrokenPipeError ? BROKEN_PIPE : await reportFailure(error, session);
  }
}

/** A command is missing, which is a failure for a script; a person is shown what there is. */
async function showOverview({ stderr }: Session): Promise<number> {
  stderr.write((await import("./overview.ts")).OVERVIEW);
  return 1;
}

/** What shells ask for: a candidate a line, and how to treat them in the last one. cli.md 11. */
async function tellCompletions(
  [name, ...words]: readonly string[],
  { stdout, commands }: Session,
): Promise<void> {
  const { complete } = await import("./completion/complete.ts");
  const { candidates, goesOn = false, takesFiles = false } = await complete(words, commands);
  const withSummary = name === "__complete";
  const lines = candidates.map(({ value, summary }) =>
    withSummary && summary ? `${value}\t${summary}` : value,
  );
  stdout.write([...lines, `:${(goesOn ? 2 : 0) + (takesFiles ? 0 : 4)}`, ""].join("\n"));
}

async function reportFailure(error: unknown, { log, command }: Session): Promise<number> {
  const { describeFailure } = await import("./render/error-message.ts");
  const { message, exitCode } = describeFailure(error, command);
  if (log.isDebug && error instanceof Error) log.debug(error.stack ?? error.name);
  if (error instanceof Finding) log.warn(message);
  else log.fatal(message);
  return exitCode;
}

async function dispatch(words: readonly string[], session: Session): Promise<void> {
  const index = findCommand(rootFlags, words);
  const before = parseArguments(rootFlags, index < 0 ? words : words.slice(0, index));
  const name = words[index];
  if (asksForHelp(before)) return await showHelp([], session);
  if (name === undefined) return runWithoutCommand(before, session);
  const after = words.slice(index + 1);
  if (name === "help") return await showHelp(after, session);
  const entry = findEntry(name, session);
  if (entry === undefined) throw unknownCommand(name, session);
  const { command } = await entry.load();
  session.command = command;
  await runCommand(command, before, after, session);
}

function runWithoutCommand(before: ParsedArguments, { stdout }: Session): void {
  if (before.given.get("version") === true) stdout.write(`skopeo version ${VERSION}\n`);
  else throw new FlagError(`Missing command 'skopeo COMMAND'\n${TRY_HELP}`);
}

async function runCommand(
  command: Command,
  before: ParsedArguments,
  words: readonly string[],
  { stdout, stderr, log }: Session,
): Promise<void> {
  const parsed = parseArguments({ ...command.flags, ...globalFlags }, words);
  const { given, positionals } = parsed;
  if (asksForHelp(parsed)) {
    const { commandHelp, shortHelp } = await import("./help.ts");
    return stdout.write(given.get("help") === "all" ? commandHelp(command) : shortHelp(command));
  }
  const globals = readGlobalOptions({
    ...completeFlagValues(rootFlags, before.given),
    ...completeFlagValues(globalFlags, new Map([...before.given, ...given])),
  });
  if (globals.debug) log.enableDebug();
  if (globals.tlsVerify !== undefined) {
    log.warn("'--tls-verify' is deprecated, please set this on the specific subcommand");
  }
  const flags = completeFlagValues(command.flags, given);
  using cancellation = createCancellation(globals.commandTimeout);
  const { signal } = cancellation;
  try {
    await command.run({ flags, globals, arguments: positionals, signal, log, stdout, stderr });
  } catch (error) {
    if (command.helpOnMisuse === true && error instanceof UsageError) {
      stderr.write(`${(await import("./help.ts")).shortHelp(command)}\n`);
    }
    throw signal.aborted ? signal.reason : error;
  }
}

function asksForHelp({ given }: ParsedArguments): boolean {
  return given.has("help") && given.get("help") !== false;
}

/** `help`, `help COMMAND` and the like. An unknown topic is no failure. */
async function showHelp(words: readonly string[], session: Session): Promise<void> {
  const { shortHelp, rootHelp } = await import("./help.ts");
  const { stdout, stderr, commands } = session;
  const [topic] = parseArguments(globalFlags, words).positionals;
  const entry = topic === undefined ? undefined : findEntry(topic, session);
  if (entry !== undefined) return stdout.write(shortHelp((await entry.load()).command));
  if (topic === undefined || topic === "help") return stdout.write(rootHelp(commands));
  stderr.write(`Unknown help topic [\`${topic}\`]\n${rootHelp(commands)}`);
}

function findEntry(name: string, { commands }: Session): CommandEntry | undefined {
  return commands.find((entry) => entry.name === name);
}

function unknownCommand(name: string, { commands }: Session): FlagError {
  const names = commands.filter((entry) => entry.hidden !== true).map((entry) => entry.name);
  const suggestions = suggestionText(suggest(name, names));
  const gap = suggestions === "" ? "\n" : `${suggestions}\n\n`;
  return new FlagError(`Unrecognized command \`skopeo ${name}\`${gap}${TRY_HELP}`);
}
