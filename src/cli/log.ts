import { quote } from "./go-text.ts";
import type { ErrorOutput } from "./output.ts";
import { redact } from "./redact.ts";
import { terminalText } from "./terminal-text.ts";

export type LogLevel = "debug" | "info" | "warning" | "error" | "fatal";

/** Named values beside a message; they are printed in the order of their names. */
export type LogFields = Readonly<Record<string, string | number | boolean>>;

/** Writes log lines to standard error. What it prints never holds a credential. */
export interface Logger {
  /** Whether debug lines are wanted, for those that are costly to make. */
  readonly isDebug: boolean;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** What only the program itself may say. */
export interface ProgramLogger extends Logger {
  enableDebug(): void;
  /** The one record that a failed run ends with. */
  fatal(message: string): void;
}

/** How a level looks on a terminal: a four-letter name and an ANSI colour. */
const LOOKS: Readonly<Record<LogLevel, readonly [name: string, colour: number]>> = {
  debug: ["DEBU", 37],
  info: ["INFO", 36],
  warning: ["WARN", 33],
  error: ["ERRO", 31],
  fatal: ["FATA", 31],
};
const MESSAGE_WIDTH = 44;

/** Lines of `key=value` pairs, or coloured ones on a terminal. cli.md 1.3. */
export function createLogger(output: ErrorOutput): ProgramLogger {
  let isDebug = false;
  const log = (level: LogLevel, message: string, fields: LogFields = {}): void => {
    const text = redact(message);
    output.write(output.isTerminal ? colouredLine(level, text, fields) : plainLine(level, text, fields));
  };
  return {
    get isDebug() {
      return isDebug;
    },
    enableDebug() {
      isDebug = true;
    },
    debug(message, fields) {
      if (isDebug) log("debug", message, fields);
    },
    info: (message, fields) => log("info", message, fields),
    warn: (message, fields) => log("warning", message, fields),
    error: (message, fields) => log("error", message, fields),
    fatal: (message) => log("fatal", message),
  };
}

function plainLine(level: LogLevel, message: string, fields: LogFields): string {
  const pairs = [`time="${formatTime(new Date())}"`, `level=${level}`, `msg=${logValue(message)}`];
  for (const [key, value] of sorted(fields)) pairs.push(`${key}=${value}`);
  return `${pairs.join(" ")}\n`;
}

function colouredLine(level: LogLevel, message: string, fields: LogFields): string {
  const [name, colour] = LOOKS[level];
  const seconds = String(Math.floor(performance.now() / 1000)).padStart(4, "0");
  const pairs = sorted(fields).map(([key, value]) => ` \x1b[${colour}m${key}\x1b[0m=${value}`);
  const text = terminalText(message.replace(/\n$/, "")).padEnd(MESSAGE_WIDTH);
  return `\x1b[${colour}m${name}\x1b[0m[${seconds}] ${text} ${pairs.join("")}\n`;
}

function sorted(fields: LogFields): readonly (readonly [string, string])[] {
  return Object.keys(fields)
    .sort()
    .map((key) => [key, logValue(redact(String(fields[key])))] as const);
}

/** A value is quoted as soon as it holds anything but these characters. */
function logValue(value: string): string {
  return /^[A-Za-z0-9\-._/@^+]*$/.test(value) ? value : quote(value);
}

/** RFC 3339 to the second, in local time. */
function formatTime(date: Date): string {
  const offset = -date.getTimezoneOffset();
  const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, 19);
  if (offset === 0) return `${local}Z`;
  const minutes = Math.abs(offset);
  const pad = (value: number): string => String(value).padStart(2, "0");
  return `${local}${offset < 0 ? "-" : "+"}${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
}
