import type { Command, Example } from "./command.ts";
import type { CommandEntry } from "./command-table.ts";
import type { Flag, FlagKind, FlagTable } from "./flag.ts";
import { isBooleanKind } from "./flag-values.ts";
import { globalFlags, rootFlags } from "./flags/global-flags.ts";

const WIDTH = 80;
/** Where the text about a command, or a flag, begins. */
const COMMAND_COLUMN = 20;
const FLAG_COLUMN = 34;
const GLOBAL_GROUP = "Global";
/** Groups that come last, in this order; those of a command's own purpose come before. */
const LATER_GROUPS: readonly string[] = [
  "Source",
  "Destination",
  "Registry access",
  "Retry",
  "Output",
  "Compression",
  "Signing",
  "Encryption",
  GLOBAL_GROUP,
];

/** Help for the program: its commands and the global flags. */
export function rootHelp(entries: readonly CommandEntry[]): string {
  const commands = entries.filter((entry) => entry.hidden !== true);
  return [
    "Copy, inspect, delete and serve container images, between registries and files,\nwithout a daemon.\n",
    section("Usage", "  skopeo COMMAND [FLAGS] ARGUMENTS\n"),
    section(
      "Commands",
      commands.map((entry) => row(`  ${entry.name}`, entry.summary, COMMAND_COLUMN)).join(""),
    ),
    section("Global flags, accepted before and after the command", flagRows(rootFlags, GLOBAL_GROUP)),
    'Use "skopeo COMMAND --help" for what a command does and takes.\n',
  ].join("\n");
}

/** Help for one command, with its flags by group and the global ones last. */
export function commandHelp(command: Command): string {
  const flags: FlagTable = { ...command.flags, ...globalFlags };
  const examples = command.examples ?? [];
  return [
    `${wrap(`${command.summary}.`, "")}\n`,
    ...(command.description === undefined ? [] : [paragraphs(command.description)]),
    section("Usage", `  skopeo ${command.name} [FLAGS] ${command.synopsis}\n`),
    ...(examples.length === 0 ? [] : [section("Examples", examples.map(exampleText).join("\n"))]),
    ...groupsOf(flags).map((group) => section(`${group} flags`, flagRows(flags, group))),
  ].join("\n");
}

function groupsOf(flags: FlagTable): readonly string[] {
  const visible = Object.values(flags).filter((flag) => flag.hidden !== true);
  const groups = [...new Set(visible.map((flag) => flag.group))];
  return groups.toSorted((a, b) => LATER_GROUPS.indexOf(a) - LATER_GROUPS.indexOf(b));
}

/** A command line, continued on the next one with a backslash where it is too long. */
function exampleText({ purpose, command }: Example): string {
  const lines = wrap(`  skopeo ${command}`, "    ", WIDTH - 2).split("\n");
  return `  # ${purpose}\n${lines.join(" \\\n")}\n`;
}

function section(title: string, body: string): string {
  return `${title}:\n${body}`;
}

function paragraphs(text: string): string {
  return text
    .split("\n\n")
    .map((paragraph) => `${wrap(paragraph.replaceAll("\n", " "), "")}\n`)
    .join("\n");
}

function flagRows(flags: FlagTable, group: string): string {
  return Object.entries(flags)
    .filter(([, flag]) => flag.group === group && flag.hidden !== true)
    .map(([name, flag]) => row(flagLabel(name, flag), flag.summary, FLAG_COLUMN))
    .join("");
}

function flagLabel(name: string, flag: Flag): string {
  const short = flag.short === undefined ? "    " : `-${flag.short}, `;
  const value = isBooleanKind(flag.kind) ? "" : ` ${flag.placeholder ?? PLACEHOLDERS[flag.kind]}`;
  return `  ${short}--${name}${value}`;
}

const PLACEHOLDERS: Readonly<Record<Exclude<FlagKind, "boolean" | "optional-boolean">, string>> & {
  readonly [kind: string]: string;
} = {
  string: "TEXT",
  "inline-string": "TEXT",
  "optional-string": "TEXT",
  list: "LIST",
  "integer-list": "NUMBERS",
  integer: "N",
  unsigned: "N",
  "optional-integer": "N",
  duration: "DURATION",
};

/** A label and its text side by side, or the text below a label that is too long. */
function row(label: string, text: string, column: number): string {
  const indent = " ".repeat(column);
  const body = wrap(`${indent}${text}`, indent);
  const fits = label.length + 2 <= column;
  return fits ? `${label.padEnd(column)}${body.slice(column)}\n` : `${label}\n${body}\n`;
}

/** Breaks `text` at blanks into lines of at most `width` columns, each but the first behind `indent`. */
function wrap(text: string, indent: string, width: number = WIDTH): string {
  const [, start = "", rest = ""] = /^( *)(.*)$/s.exec(text) ?? [];
  const lines: string[] = [];
  let line = "";
  for (const word of rest.split(" ")) {
    const lead = lines.length === 0 ? start : indent;
    const longer = line === "" ? `${lead}${word}` : `${line} ${word}`;
    if (line !== "" && longer.length > width) {
      lines.push(line);
      line = `${indent}${word}`;
    } else line = longer;
  }
  return [...lines, line].join("\n");
}
