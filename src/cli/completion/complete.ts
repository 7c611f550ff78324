import { findCommand } from "../arguments.ts";
import type { Command } from "../command.ts";
import type { CommandEntry } from "../command-table.ts";
import type { Flag, FlagTable } from "../flag.ts";
import { isBooleanKind } from "../flag-values.ts";
import { globalFlags, rootFlags } from "../flags/global-flags.ts";
import { completeImage, takesImages } from "./image-names.ts";

/** What can stand in place of the last word of a command line. */
export interface Completion {
  readonly candidates: readonly Candidate[];
  /** Something may follow the candidate directly. */
  readonly goesOn?: boolean;
  /** Without candidates, the shell may offer files. */
  readonly takesFiles?: boolean;
}

export interface Candidate {
  readonly value: string;
  readonly summary?: string;
}

/** Values of flags that have few; the rest are free text. */
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  "--format": ["oci", "v2s1", "v2s2"],
  "--dest-compress-format": ["gzip", "zstd", "zstd:chunked"],
  "--multi-arch": ["all", "index-only", "system"],
  "--progress": ["auto", "bars", "json", "plain"],
  "--src": ["dir", "docker", "yaml"],
  "--dest": ["dir", "docker"],
  "--override-os": ["darwin", "freebsd", "linux", "windows"],
  "--override-arch": ["386", "amd64", "arm", "arm64", "loong64", "mips64le", "ppc64le", "riscv64", "s390x"],
};
const FILES = /PATH|FILE|DIR/;
const FIRST_WORDS: Readonly<Record<string, readonly string[]>> = {
  config: ["check"],
  policy: ["check"],
  completion: ["bash", "fish", "powershell", "zsh"],
};

/** Completes the last of the words that stand behind the program's name; it may be empty. */
export async function complete(
  words: readonly string[],
  entries: readonly CommandEntry[],
): Promise<Completion> {
  const last = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  const index = findCommand(rootFlags, before);
  if (index < 0) return completeStart(last, before, entries);
  const entry = entries.find(({ name }) => name === before[index]);
  if (entry === undefined) return { candidates: [] };
  const { command } = await entry.load();
  const flags = { ...command.flags, ...globalFlags };
  return (
    completeFlag(last, before.at(-1), flags) ??
    (await completeArgument(last, before.slice(index + 1), command, flags))
  );
}

function completeStart(
  last: string,
  before: readonly string[],
  entries: readonly CommandEntry[],
): Completion {
  const value = completeFlag(last, before.at(-1), rootFlags);
  if (value !== undefined) return value;
  const commands = entries
    .filter(({ hidden }) => hidden !== true)
    .map(({ name, summary }) => ({ value: name, summary }));
  return matching(last, [...commands, { value: "help", summary: "Show help" }]);
}

/** A flag's name or value; undefined where neither is being written. */
function completeFlag(last: string, previous: string | undefined, flags: FlagTable): Completion | undefined {
  const joined = /^(--[^=]+)=(.*)$/s.exec(last);
  if (joined !== null) {
    const [, name = "", typed = ""] = joined;
    const found = completeValue(name, typed, flags);
    return { ...found, candidates: found.candidates.map(({ value }) => ({ value: `${name}=${value}` })) };
  }
  if (previous?.startsWith("--") && !previous.includes("=")) {
    const flag = flagOf(previous, flags);
    if (flag !== undefined && !isBooleanKind(flag.kind) && flag.kind !== "inline-string")
      return completeValue(previous, last, flags);
  }
  if (!last.startsWith("-")) return undefined;
  const visible = Object.entries(flags).filter(([, flag]) => flag.hidden !== true);
  return matching(
    last,
    visible.map(([name, { summary }]) => ({ value: `--${name}`, summary })),
  );
}

function completeValue(name: string, typed: string, flags: FlagTable): Completion {
  const flag = flagOf(name, flags);
  const isTemplate = flag?.placeholder === "TEMPLATE";
  const choices = isTemplate ? undefined : Object.hasOwn(CHOICES, name) ? CHOICES[name] : undefined;
  if (choices !== undefined)
    return matching(
      typed,
      choices.map((value) => ({ value })),
    );
  return { candidates: [], takesFiles: FILES.test(flag?.placeholder ?? "") };
}

function flagOf(word: string, flags: FlagTable): Flag | undefined {
  const name = word.slice(2);
  return Object.hasOwn(flags, name) ? flags[name] : undefined;
}

async function completeArgument(
  last: string,
  before: readonly string[],
  command: Command,
  flags: FlagTable,
): Promise<Completion> {
  const position = countArguments(before, flags);
  const first = Object.hasOwn(FIRST_WORDS, command.name) ? (FIRST_WORDS[command.name] ?? []) : [];
  if (first.length > 0 && position === 0)
    return matching(
      last,
      first.map((value) => ({ value })),
    );
  if (takesImages(command.name)) return await completeImage(last);
  return { candidates: [], takesFiles: first.length === 0 };
}

/** How many of the words are neither flags nor their values. */
function countArguments(words: readonly string[], flags: FlagTable): number {
  let count = 0;
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    if (!word.startsWith("-")) count++;
    else if (word.startsWith("--") && !word.includes("=") && takesNext(word, flags)) i++;
  }
  return count;
}

function takesNext(word: string, flags: FlagTable): boolean {
  const flag = flagOf(word, flags);
  return flag !== undefined && !isBooleanKind(flag.kind) && flag.kind !== "inline-string";
}

function matching(typed: string, candidates: readonly Candidate[]): Completion {
  return { candidates: candidates.filter(({ value }) => value.startsWith(typed)) };
}
