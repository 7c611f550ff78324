import type { ManifestFormat } from "../../copy/manifest-plan.ts";
import { CodedFailure, FlagError, type Invocation, UsageError } from "../command.ts";
import {
  checkSigning,
  type InstanceSelection,
  readFormat,
  readInstanceSelection,
  warnOfDeprecatedCopyFlags,
} from "../flags/copy-options.ts";
import { type ImageAccessOptions, readSideAccess } from "../flags/image-flags.ts";
import type { SyncFlagTable, SyncFlagValues } from "../flags/sync-flags.ts";
import { refuseUnavailable } from "../flags/unavailable-flags.ts";
import { quote } from "../go-text.ts";
import { type ProgressStyle, parseProgressStyle } from "../render/progress-style.ts";

/** What `sync` is asked to do. */
export interface SyncOptions {
  readonly sourceKind: "docker" | "dir" | "yaml" | undefined;
  readonly destinationKind: "docker" | "dir" | undefined;
  readonly sources: readonly string[];
  /** Undefined where a plan or a report names everything. */
  readonly destination: string | undefined;
  readonly access: { readonly source: ImageAccessOptions; readonly destination: ImageAccessOptions };
  readonly instances: InstanceSelection;
  readonly format: ManifestFormat | undefined;
  readonly progressStyle: ProgressStyle;
  readonly planStyle: "text" | "json" | undefined;
  readonly shard: Shard | undefined;
  readonly maxDelete: DeletionCap;
}

/** One of `count` equal parts; `index` counts from 1. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

export type DeletionCap = { readonly kind: "number" | "percent"; readonly value: number };

/** Exit codes of `sync` that say more than that something failed. */
export const DIFFERS = 3;
export const REFUSED = 4;

/** Reads and checks everything, in the order of cli.md 6. @throws {FlagError} @throws {UsageError} */
export function readSyncOptions({
  flags,
  globals,
  arguments: words,
  log,
}: Invocation<SyncFlagTable>): SyncOptions {
  checkCombinations(flags);
  const namesAreGiven = flags.apply !== undefined || flags["retry-failed"] !== undefined;
  const isConfigured = flags.src === "yaml" && words.length === 1;
  if (words.length < 2 && !isConfigured && !(namesAreGiven && words.length === 0)) {
    throw new UsageError("Exactly two arguments expected");
  }
  warnOfDeprecatedCopyFlags(flags, log);
  const sourceKind = readSourceKind(flags, words.length === 0);
  const destinationKind = readDestinationKind(flags, words.length === 0 || isConfigured);
  if (sourceKind === "dir" && destinationKind === "dir") {
    throw new FlagError("sync from 'dir' to 'dir' not implemented, consider using rsync instead");
  }
  const tlsVerify = flags["tls-verify"] ?? globals.tlsVerify;
  const access = {
    source: readSideAccess(flags, "src-", tlsVerify),
    destination: readSideAccess(flags, "dest-", tlsVerify),
  };
  checkSigning(flags);
  refuseUnavailable(flags);
  return {
    sourceKind,
    destinationKind,
    sources: isConfigured ? words : words.slice(0, -1),
    destination: isConfigured ? undefined : words.at(-1),
    access,
    instances: readInstanceSelection(flags),
    format: readFormat(flags.format),
    progressStyle: parseProgressStyle(flags.progress),
    planStyle: readPlanStyle(flags),
    shard: flags.shard === undefined ? undefined : parseShard(flags.shard, process.env),
    maxDelete: parseDeletionCap(flags["max-delete"] ?? "30%"),
  };
}

/** Flags of which one would be left without effect. @throws {FlagError} */
function checkCombinations(flags: SyncFlagValues): void {
  const { apply, plan, "retry-failed": report, "plan-out": file, "dry-run": isDry } = flags;
  const given = [
    ...(apply === undefined ? [] : ["--apply"]),
    ...(report === undefined ? [] : ["--retry-failed"]),
  ];
  const tells = [
    ...(isDry ? ["--dry-run"] : []),
    ...(plan === undefined ? [] : ["--plan"]),
    ...(file === undefined ? [] : ["--plan-out"]),
  ];
  const refuse = (one: string | undefined, other: string | undefined): void => {
    if (one !== undefined && other !== undefined)
      throw new FlagError(`${one} and ${other} cannot be used together`);
  };
  refuse(given[0], given[1]);
  if (apply !== undefined) refuse("--apply", tells[0]);
  if (isDry) refuse("--dry-run", tells[1]);
}

function readSourceKind(flags: SyncFlagValues, isOptional: boolean): SyncOptions["sourceKind"] {
  switch (flags.src) {
    case undefined:
      if (isOptional) return undefined;
      throw new FlagError("A source transport must be specified");
    case "docker":
    case "dir":
    case "yaml":
      return flags.src;
    default:
      throw new FlagError(`${quote(flags.src)} is not a valid source transport`);
  }
}

function readDestinationKind(flags: SyncFlagValues, isOptional: boolean): SyncOptions["destinationKind"] {
  switch (flags.dest) {
    case undefined:
      if (isOptional) return undefined;
      throw new FlagError("A destination transport must be specified");
    case "docker":
    case "dir":
      return flags.dest;
    default:
      throw new FlagError(`${quote(flags.dest)} is not a valid destination transport`);
  }
}

function readPlanStyle({ plan, "plan-out": file }: SyncFlagValues): SyncOptions["planStyle"] {
  switch (plan) {
    case undefined:
      return file === undefined ? undefined : "text";
    case "true":
    case "text":
      return "text";
    case "json":
      return "json";
    default:
      throw new FlagError(`unknown style ${quote(plan)} of --plan: text or json is expected`);
  }
}

/** `2/8`, or `auto/8` in a Kubernetes Indexed Job, whose index counts from 0. @throws {FlagError} */
export function parseShard(text: string, env: Readonly<Record<string, string | undefined>>): Shard {
  const [, part = "", total = ""] = /^(auto|\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  const { JOB_COMPLETION_INDEX: completion = "" } = env;
  if (part === "auto" && !/^\d{1,6}$/.test(completion)) {
    const found = completion === "" ? "not set" : quote(completion);
    throw new FlagError(
      `--shard=auto/N takes its part, a number from 0, from $JOB_COMPLETION_INDEX, which is ${found}`,
    );
  }
  const index = part === "auto" ? Number(completion) + 1 : Number(part || Number.NaN);
  const count = Number(total || Number.NaN);
  if (Number.isInteger(index) && index >= 1 && index <= count) return { index, count };
  if (part === "auto" && index > count)
    throw new FlagError(`there is no part ${index} of ${count}: $JOB_COMPLETION_INDEX counts from 0`);
  throw new FlagError(
    `invalid value ${quote(text)} for --shard: I/N with 1 <= I <= N is expected, such as 2/8`,
  );
}

function parseDeletionCap(text: string): DeletionCap {
  const [, digits, percent] = /^(\d{1,9})(%?)$/.exec(text) ?? [];
  if (digits === undefined || (percent === "%" && Number(digits) > 100)) {
    throw new FlagError(
      `invalid value ${quote(text)} for --max-delete: a number or a percentage such as 10% is expected`,
    );
  }
  return { kind: percent === "%" ? "percent" : "number", value: Number(digits) };
}

/** Refuses to go on for the sake of safety: nothing was changed. */
export function refusal(message: string): CodedFailure {
  return new CodedFailure(message, REFUSED);
}
