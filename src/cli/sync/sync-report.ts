import { appendFile, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { BlobTotals } from "../../copy/shared-blobs.ts";
import { errorMessage, ImageError } from "../../core/errors.ts";
import type { PlannedDeletion } from "../../sync/prune.ts";
import type { SyncOutcome } from "../../sync/sync-event.ts";
import { nameOf, type SyncTask } from "../../sync/sync-task.ts";
import type { SyncResult } from "../../sync/synchronize.ts";
import { settingsOf, type TaskSettings } from "../../sync/task-settings.ts";
import { FlagError } from "../command.ts";
import { byteText } from "./byte-text.ts";
import type { SourceProblem } from "./sync-sources.ts";

/** What a report is made of. */
export interface ReportFacts {
  readonly startedAt: Date;
  readonly results: readonly SyncResult[];
  /** Images whose turn did not come before the run ended. */
  readonly skipped: readonly SyncTask[];
  readonly requests: ReadonlyMap<string, number>;
  readonly blobs: BlobTotals;
  /** Sources that could not be looked through, whose images are not among the results. */
  readonly problems: readonly SourceProblem[];
  /** Tags that were deleted at destinations. */
  readonly deleted: readonly PlannedDeletion[];
}

/** A report as JSON: `--retry-failed` reads it. */
export interface SyncReport {
  readonly version: 1;
  readonly startedAt: string;
  readonly seconds: number;
  readonly totals: Record<SyncOutcome | "skipped" | "deleted", number>;
  readonly requests: Readonly<Record<string, number>>;
  readonly blobs: BlobTotals;
  readonly images: readonly {
    readonly from: string;
    readonly to: string;
    readonly outcome: SyncOutcome | "skipped";
    readonly settings: TaskSettings;
    readonly digest?: string | undefined;
    /** What refers to it, all of which the destination has; absent where nothing was to go along. */
    readonly attached?: readonly string[] | undefined;
    readonly error?: string | undefined;
  }[];
  readonly problems: readonly SourceProblem[];
  readonly deleted: readonly PlannedDeletion[];
}

/** Finds out before anything is done whether each report has a form and a place. @throws {FlagError} */
export async function checkReports(files: readonly string[]): Promise<void> {
  for (const file of files) {
    if (file === "github") {
      if (process.env.GITHUB_STEP_SUMMARY) continue;
      throw new FlagError("--report=github needs $GITHUB_STEP_SUMMARY, which GitHub Actions set");
    }
    if (!/\.(json|xml|md)$/.test(file))
      throw new FlagError(
        `--report ${file}: a name that ends with .json, .xml or .md is expected, or github`,
      );
    const directory = await stat(dirname(file)).catch(() => undefined);
    if (!directory?.isDirectory())
      throw new FlagError(`--report ${file}: there is no directory ${dirname(file)}`);
  }
}

/** Writes a report in the form that the name of the file asks for. @throws {ImageError} STORAGE_FAILURE */
export async function writeReport(file: string, facts: ReportFacts): Promise<void> {
  const report = makeReport(facts);
  try {
    if (file === "github") await appendFile(process.env.GITHUB_STEP_SUMMARY ?? "", markdownReport(report));
    else if (file.endsWith(".json")) await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
    else await writeFile(file, file.endsWith(".xml") ? junitReport(report) : markdownReport(report));
  } catch (error) {
    throw new ImageError("STORAGE_FAILURE", `writing report ${file}: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}

function makeReport({
  startedAt,
  results,
  skipped,
  requests,
  blobs,
  problems,
  deleted,
}: ReportFacts): SyncReport {
  const totals = {
    added: 0,
    updated: 0,
    unchanged: 0,
    failed: 0,
    skipped: skipped.length,
    deleted: deleted.length,
  };
  for (const { outcome } of results) totals[outcome]++;
  return {
    version: 1,
    startedAt: startedAt.toISOString(),
    seconds: Math.round((Date.now() - startedAt.getTime()) / 100) / 10,
    totals,
    requests: Object.fromEntries(requests),
    blobs,
    images: [
      ...results.map(({ task, outcome, digest, attached, error }) => ({
        ...describe(task, outcome),
        ...{ digest, attached },
        error: error === undefined ? undefined : errorMessage(error),
      })),
      ...skipped.map((task) => describe(task, "skipped" as const)),
    ],
    problems,
    deleted,
  };
}

function describe<T>(
  task: SyncTask,
  outcome: T,
): { from: string; to: string; outcome: T; settings: TaskSettings } {
  return { from: nameOf(task.source), to: nameOf(task.destination), outcome, settings: settingsOf(task) };
}

/** A test case for each image, as CI systems show them. */
function junitReport({ images, problems, totals, seconds }: SyncReport): string {
  const all: readonly { name: string; group: string; error?: string | undefined; isSkipped: boolean }[] = [
    ...images.map(({ from, to, error, outcome }) => ({
      ...{ name: to, group: from, error },
      isSkipped: outcome === "skipped",
    })),
    ...problems.map(({ from, place, error }) => ({ name: place, group: from, error, isSkipped: false })),
  ];
  const cases = all.map(({ name, group, error, isSkipped }) => {
    const head = `  <testcase classname="${xml(group)}" name="${xml(name)}"`;
    if (isSkipped) return `${head}><skipped/></testcase>`;
    return error === undefined ? `${head}/>` : `${head}><failure message="${xml(error)}"/></testcase>`;
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuite name="skopeo sync" tests="${all.length}" failures="${totals.failed + problems.length}" skipped="${totals.skipped}" time="${seconds}">`,
    ...cases,
    "</testsuite>\n",
  ].join("\n");
}

function xml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
  };
  // XML has no way to write most control characters.
  return text.replace(/\p{Cc}/gu, " ").replace(/[&<>"]/g, (c) => entities[c] ?? c);
}

function markdownReport(report: SyncReport): string {
  const { images, problems, totals, blobs, requests, seconds, deleted } = report;
  const failed = totals.failed + problems.length;
  const asked = Object.values(requests).reduce((sum, count) => sum + count, 0);
  const shown = images.filter(({ outcome }) => outcome !== "unchanged" && outcome !== "skipped");
  const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");
  return [
    `### skopeo sync: ${failed === 0 ? "done" : `${failed} failed`}`,
    "",
    `${totals.added} added, ${totals.updated} updated, ${totals.unchanged} unchanged, ${totals.failed} failed, ` +
      `${totals.skipped === 0 ? "" : `${totals.skipped} not begun, `}` +
      `${totals.deleted} deleted in ${seconds} s; ${byteText(blobs.movedBytes)} moved, ${byteText(blobs.mountedBytes)} mounted, ${asked} requests.`,
    "",
    ...(shown.length + problems.length + deleted.length === 0
      ? []
      : ["| image | to | outcome |", "|---|---|---|"]),
    ...problems.map(
      ({ from, place, error }) => `| ${cell(from)} | ${cell(place)} | failed: ${cell(error)} |`,
    ),
    ...shown.map(
      ({ from, to, outcome, error }) =>
        `| ${cell(from)} | ${cell(to)} | ${outcome}${error ? `: ${cell(error)}` : ""} |`,
    ),
    ...deleted.map(({ name, digest }) => `| ${cell(name)} | ${digest} | deleted |`),
    "",
  ].join("\n");
}
