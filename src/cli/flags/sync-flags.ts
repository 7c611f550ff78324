import type { FlagTable, FlagTableOf, FlagValues } from "../flag.ts";
import { type TransferFlagTable, transferFlags } from "./copy-flags.ts";
import { type AuthFileFlagTable, authFileFlags, type SideFlagTable, sideFlags } from "./image-flags.ts";
import { type RetryFlagTable, retryFlags } from "./retry-flags.ts";

/** What only `sync` has: skopeo's own (cli.md 6), then ours. */
type OwnFlagTable = FlagTableOf<{
  src: "string";
  dest: "string";
  scoped: "boolean";
  "append-suffix": "string";
  all: "boolean";
  "multi-arch": "optional-string";
  "dry-run": "boolean";
  "keep-going": "boolean";
  digestfile: "string";
  "tls-verify": "optional-boolean";
  plan: "inline-string";
  "plan-out": "string";
  apply: "string";
  prune: "boolean";
  "max-delete": "string";
  protect: "list";
  "restore-list": "string";
  "with-referrers": "boolean";
  state: "string";
  report: "list";
  "retry-failed": "string";
  shard: "string";
  explain: "string";
  "images-at-a-time": "unsigned";
  "requests-per-host": "unsigned";
}>;

export type SyncFlagTable = TransferFlagTable &
  OwnFlagTable &
  RetryFlagTable &
  AuthFileFlagTable &
  SideFlagTable<"src-"> &
  SideFlagTable<"dest-">;

export type SyncFlagValues = FlagValues<SyncFlagTable>;

const choice = "Selection";
const planning = "Planning";
const running = "Run";

const ownFlags: OwnFlagTable = {
  src: {
    kind: "string",
    isCommon: true,
    short: "s",
    group: choice,
    placeholder: "TRANSPORT",
    summary: "what SOURCE is: docker (a repository or image), dir (a directory of images) or yaml (a file)",
  },
  dest: {
    kind: "string",
    isCommon: true,
    short: "d",
    group: choice,
    placeholder: "TRANSPORT",
    summary: "what DESTINATION is: docker (a registry, with or without a path) or dir (a directory)",
  },
  scoped: {
    kind: "boolean",
    isCommon: true,
    group: choice,
    summary: "put the whole path of the source below the destination",
  },
  "append-suffix": {
    kind: "string",
    group: choice,
    placeholder: "TEXT",
    summary: "put this behind every destination tag",
  },
  all: {
    kind: "boolean",
    isCommon: true,
    short: "a",
    group: choice,
    summary: "copy every image of an index, and the index",
  },
  "multi-arch": {
    kind: "optional-string",
    group: choice,
    placeholder: "CHOICE",
    summary:
      "what to copy of an index: system, all, index-only, or platforms such as linux/amd64,linux/arm64",
  },
  "with-referrers": {
    kind: "boolean",
    group: choice,
    summary: "take signatures, attestations and SBOMs along: OCI referrers and cosign's tags",
  },
  "dry-run": { kind: "boolean", group: planning, summary: "tell what would be copied, and copy nothing" },
  plan: {
    kind: "inline-string",
    isCommon: true,
    group: planning,
    placeholder: "json",
    summary: "compare both sides and print what would be done; exit code 3 if anything would (--plan=json)",
  },
  "plan-out": {
    kind: "string",
    group: planning,
    placeholder: "FILE",
    summary: "write the plan to this file, for --apply",
  },
  apply: {
    kind: "string",
    group: planning,
    placeholder: "FILE",
    summary: "do exactly what this plan says, or nothing if a source has moved since (exit code 4)",
  },
  explain: {
    kind: "string",
    group: planning,
    placeholder: "TAG",
    summary: "tell why a tag is kept or left out, and copy nothing",
  },
  prune: {
    kind: "boolean",
    isCommon: true,
    group: "Deletion",
    summary: "delete tags of the destination that the source no longer has",
  },
  "max-delete": {
    kind: "string",
    group: "Deletion",
    placeholder: "N|N%",
    summary: "delete nothing (exit code 4) if more than this would be deleted (default 30%)",
  },
  protect: {
    kind: "list",
    group: "Deletion",
    placeholder: "GLOB",
    summary: "never delete tags like this, such as v* (repeatable)",
  },
  "restore-list": {
    kind: "string",
    group: "Deletion",
    placeholder: "FILE",
    summary: "write what was deleted to this file, with the manifests",
  },
  "keep-going": {
    kind: "boolean",
    isCommon: true,
    group: running,
    summary: "go on with other images when one fails; the exit code is 1 at the end",
  },
  "images-at-a-time": {
    kind: "unsigned",
    group: running,
    placeholder: "N",
    summary: "how many images to look at and copy at a time (default 24)",
  },
  "requests-per-host": {
    kind: "unsigned",
    group: running,
    placeholder: "N",
    summary: "the most requests at a time to one registry (default 64)",
  },
  state: {
    kind: "string",
    isCommon: true,
    group: running,
    placeholder: "FILE",
    summary: "remember what was copied in this file, so that the next run asks less",
  },
  shard: {
    kind: "string",
    group: running,
    placeholder: "I/N",
    summary: "copy only the I-th of N equal parts; auto/N takes I from $JOB_COMPLETION_INDEX",
  },
  "retry-failed": {
    kind: "string",
    group: running,
    placeholder: "REPORT",
    summary: "copy only what failed, by the JSON report of an earlier run",
  },
  digestfile: {
    kind: "string",
    group: "Output",
    placeholder: "PATH",
    summary: "write the digest and name of each image at its destination to this file",
  },
  report: {
    kind: "list",
    group: "Output",
    placeholder: "FILE",
    summary:
      "write a report: FILE.json, FILE.xml (JUnit), FILE.md, or github for the step summary (repeatable)",
  },
  "tls-verify": { kind: "optional-boolean", group: "Source", summary: "for both sides", hidden: true },
};

/** The sides of `sync` have neither blob directories nor daemons. */
function registrySide<Prefix extends "src-" | "dest-">(
  prefix: Prefix,
  group: string,
  alias: string,
): SideFlagTable<Prefix> {
  const flags: FlagTable = sideFlags(prefix, group, alias);
  const entries = Object.entries(flags).map(([name, flag]) => [
    name,
    /shared-blob-dir|daemon-host/.test(name) ? { ...flag, hidden: true } : flag,
  ]);
  // The same flags, some of which help does not show.
  return Object.fromEntries(entries) as SideFlagTable<Prefix>;
}

/** The same flags, where others are more common. */
function uncommon<Table extends FlagTable>(table: Table): Table {
  const entries = Object.entries(table).map(([name, flag]) => [name, { ...flag, isCommon: false }]);
  // Each flag is itself, but for one member that every flag may have.
  return Object.fromEntries(entries) as Table;
}

/** Every flag of `sync`. */
export const syncFlags: SyncFlagTable = {
  ...ownFlags,
  ...registrySide("src-", "Source", "screds"),
  ...registrySide("dest-", "Destination", "dcreds"),
  ...authFileFlags,
  ...uncommon(transferFlags),
  ...uncommon(retryFlags),
};
