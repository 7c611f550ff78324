import type { Command, Example } from "./command.ts";
import type { CommandEntry } from "./command-table.ts";
import type { Flag, FlagKind, FlagTable } from "./flag.ts";
import { isBooleanKind } from "./flag-values.ts";
import { globalFlags, rootFlags } from "./flags/global-flags.ts";

const WIDTH = 80;
/** Groups of flags that many commands have. */
const SHARED_GROUPS: ReadonlySet<string> = new Set(["Registry access", "Retry"]);
/** Lines that short help may have. */
const SCREEN = 50;
/** Examples that it has where there are too many flags. */
const SHOWN_EXAMPLES = 3;
/** Where the text about a command, or a flag, begins. */
const COMMAND_COLUMN = 25;
const FLAG_COLUMN = 34;
const NARROW_COLUMN = 25;
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
    "Copy, inspect, delete and serve container images, without a daemon.\n",
    section("Usage", "  skopeo COMMAND [FLAGS] ARGUMENTS\n"),
    section(
      "Commands",
      commands.map((entry) => row(`  ${entry.name}`, entry.summary, COMMAND_COLUMN)).join(""),
    ),
    section("Global flags, accepted before and after the command", flagRows(rootFlags, GLOBAL_GROUP)),
    'Use "skopeo COMMAND --help" for what a command does and takes.\n',
  ].join("\n");
}

/** Help for one command, with all its flags by group and the global ones last. */
export function commandHelp(command: Command): string {
  const flags: FlagTable = { ...command.flags, ...globalFlags };
  const sections = groupsOf(flags).map((group) => section(`${group} flags`, flagRows(flags, group)));
  return helpWith(command, command.examples ?? [], sections);
}

/**
 * Help for one command that fits a screen. The flags of all commands are left out; where the command's own are too many, first those
 * that other commands share are only named, then all that are not common.
 */
export function shortHelp(command: Command): string {
  const own = visibleFlags(command.flags);
  const examples = command.examples ?? [];
  const isOwn = ({ group, isCommon }: Flag): boolean => isCommon === true || !SHARED_GROUPS.has(group);
  for (const explains of [() => true, isOwn]) {
    const [explained, named] = partition(own, explains);
    const text = helpWith(command, examples, [
      ...groupsOf(explained).map((group) => section(`${group} flags`, flagRows(explained, group))),
      moreFlags(command, named),
    ]);
    if (lineCount(text) <= SCREEN) return text;
  }
  const [common, named] = partition(own, ({ isCommon }) => isCommon === true);
  const rows = groupsOf(common).map((group) => flagRows(common, group, NARROW_COLUMN));
  return helpWith(
    command,
    examples.slice(0, SHOWN_EXAMPLES),
    [section("Common flags", rows.join("")), moreFlags(command, named)],
    "",
  );
}

function helpWith(
  { name, summary, description, synopsis }: Command,
  examples: readonly Example[],
  sections: readonly string[],
  gap: string = "\n",
): string {
  return [
    `${wrap(`${summary}.`, "")}\n`,
    ...(description === undefined ? [] : [paragraphs(description)]),
    section("Usage", `${wrap(`  skopeo ${name} [FLAGS] ${synopsis}`, "    ")}\n`),
    ...(examples.length === 0 ? [] : [section("Examples", examples.map(exampleText).join(gap))]),
    ...sections,
  ].join("\n");
}

/** The names of flags that are explained elsewhere; of a pair for both sides of a copy, once. */
function moreFlags({ name }: Command, flags: FlagTable): string {
  const names = Object.keys(flags);
  const isSided = (flag: string): boolean =>
    names.includes(flag.replace(/^dest-/, "src-")) && names.includes(flag.replace(/^src-/, "dest-"));
  const sided = names.filter((flag) => flag.startsWith("src-") && isSided(flag)).map((flag) => flag.slice(4));
  const lines = [
    names.filter((flag) => !isSided(flag) || !/^(src|dest)-/.test(flag)).map((flag) => `--${flag}`),
    sided.map((flag) => `--src-${flag}`),
  ];
  const [own = "", both = ""] = lines.map((line) => line.join(" "));
  const rows = [
    ...(own === "" ? [] : [own]),
    ...(both === "" ? [] : [`${both}, and the same with --dest-`]),
    "those of every command: skopeo --help",
  ];
  return section(
    `More flags, explained by skopeo ${name} --help=all`,
    rows.map((line) => `${wrap(`  ${line}`, "    ")}\n`).join(""),
  );
}

function partition(flags: FlagTable, isFirst: (flag: Flag) => boolean): readonly [FlagTable, FlagTable] {
  const entries = Object.entries(flags);
  return [
    Object.fromEntries(entries.filter(([, flag]) => isFirst(flag))),
    Object.fromEntries(entries.filter(([, flag]) => !isFirst(flag))),
  ];
}

function visibleFlags(flags: FlagTable): FlagTable {
  return Object.fromEntries(Object.entries(flags).filter(([, flag]) => flag.hidden !== true));
}

function lineCount(text: string): number {
  return text.split("\n").length - 1;
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

function flagRows(flags: FlagTable, group: string, column: number = FLAG_COLUMN): string {
  return Object.entries(flags)
    .filter(([, flag]) => flag.group === group && flag.hidden !== true)
    .map(([name, flag]) => row(flagLabel(name, flag), flag.summary, column))
    .join("");
}

function flagLabel(name: string, flag: Flag): string {
  const short = flag.short === undefined ? "    " : `-${flag.short}, `;
  const value = isBooleanKind(flag.kind) ? "" : ` ${flag.placeholder ?? PLACEHOLDERS[flag.kind]}`;
  return `  ${short}--${name}${value}`;
}

const PLACEHOLDERS: Readonly<Record<Exclude<FlagKind, "boolean" | "optional-boolean" | "help">, string>> & {
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
