import { appendFile, writeFile } from "node:fs/promises";
import type { BlobTotals } from "../../copy/shared-blobs.ts";
import { errorMessage, ImageError } from "../../core/errors.ts";
import type { SyncOutcome } from "../../sync/sync-event.ts";
import { nameOf } from "../../sync/sync-task.ts";
import type { SyncResult } from "../../sync/synchronize.ts";
import { settingsOf, type TaskSettings } from "../../sync/task-settings.ts";
import { FlagError } from "../command.ts";
import { byteText } from "./byte-text.ts";

/** What a report is made of. */
export interface ReportFacts {
  readonly startedAt: Date;
  readonly results: readonly SyncResult[];
  readonly requests: ReadonlyMap<string, number>;
  readonly blobs: BlobTotals;
  /** Tags that were deleted at destinations. */
  readonly deleted?: readonly { readonly name: string; readonly digest: string }[];
}

/** A report as JSON: `--retry-failed` reads it. */
export interface SyncReport {
  readonly version: 1;
  readonly startedAt: string;
  readonly seconds: number;
  readonly totals: Record<SyncOutcome, number> & { readonly deleted: number };
  readonly requests: Readonly<Record<string, number>>;
  readonly blobs: BlobTotals;
  readonly images: readonly {
    readonly from: string;
    readonly to: string;
    readonly outcome: SyncOutcome;
    readonly settings: TaskSettings;
    readonly digest?: string | undefined;
    /** What refers to it, all of which the destination has; absent where nothing was to go along. */
    readonly attached?: readonly string[] | undefined;
    readonly error?: string | undefined;
  }[];
  readonly deleted: readonly { readonly name: string; readonly digest: string }[];
}

/** Finds out before anything is done whether each report has a form. @throws {FlagError} */
export function checkReportNames(files: readonly string[]): void {
  for (const file of files) {
    if (file === "github" && !process.env.GITHUB_STEP_SUMMARY) {
      throw new FlagError("--report=github needs $GITHUB_STEP_SUMMARY, which GitHub Actions set");
    }
    if (file === "github" || /\.(json|xml|md)$/.test(file)) continue;
    throw new FlagError(`--report ${file}: a name that ends with .json, .xml or .md is expected, or github`);
  }
}

/** Writes a report to each file, in the form that its name asks for. @throws {ImageError} STORAGE_FAILURE */
export async function writeReports(files: readonly string[], facts: ReportFacts): Promise<void> {
  if (files.length === 0) return;
  const report = makeReport(facts);
  for (const file of files) {
    try {
      await writeReport(file, report);
    } catch (error) {
      throw new ImageError("STORAGE_FAILURE", `writing report ${file}: ${errorMessage(error)}`, {
        cause: error,
      });
    }
  }
}

async function writeReport(file: string, report: SyncReport): Promise<void> {
  if (file === "github") await appendFile(process.env.GITHUB_STEP_SUMMARY ?? "", markdownReport(report));
  else if (file.endsWith(".json")) await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
  else await writeFile(file, file.endsWith(".xml") ? junitReport(report) : markdownReport(report));
}

function makeReport({ startedAt, results, requests, blobs, deleted = [] }: ReportFacts): SyncReport {
  const totals = { added: 0, updated: 0, unchanged: 0, failed: 0, deleted: deleted.length };
  for (const { outcome } of results) totals[outcome]++;
  return {
    version: 1,
    startedAt: startedAt.toISOString(),
    seconds: Math.round((Date.now() - startedAt.getTime()) / 100) / 10,
    totals,
    requests: Object.fromEntries(requests),
    blobs,
    images: results.map(({ task, outcome, digest, attached, error }) => ({
      from: nameOf(task.source),
      to: nameOf(task.destination),
      outcome,
      settings: settingsOf(task),
      digest,
      attached,
      error: error === undefined ? undefined : errorMessage(error),
    })),
    deleted,
  };
}

/** A test case for each image, as CI systems show them. */
function junitReport({ images, totals, seconds }: SyncReport): string {
  const cases = images.map(({ from, to, error }) => {
    const head = `  <testcase classname="${xml(from)}" name="${xml(to)}"`;
    return error === undefined ? `${head}/>` : `${head}><failure message="${xml(error)}"/></testcase>`;
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuite name="skopeo sync" tests="${images.length}" failures="${totals.failed}" time="${seconds}">`,
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

function markdownReport({ images, totals, blobs, requests, seconds, deleted }: SyncReport): string {
  const asked = Object.values(requests).reduce((sum, count) => sum + count, 0);
  const shown = images.filter(({ outcome }) => outcome !== "unchanged");
  const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");
  return [
    `### skopeo sync: ${totals.failed === 0 ? "done" : `${totals.failed} failed`}`,
    "",
    `${totals.added} added, ${totals.updated} updated, ${totals.unchanged} unchanged, ${totals.failed} failed, ` +
      `${totals.deleted} deleted in ${seconds} s; ${byteText(blobs.movedBytes)} moved, ${byteText(blobs.mountedBytes)} mounted, ${asked} requests.`,
    "",
    ...(shown.length === 0 ? [] : ["| image | to | outcome |", "|---|---|---|"]),
    ...shown.map(
      ({ from, to, outcome, error }) =>
        `| ${cell(from)} | ${cell(to)} | ${outcome}${error ? `: ${cell(error)}` : ""} |`,
    ),
    ...deleted.map(({ name, digest }) => `| ${cell(name)} | ${digest} | deleted |`),
    "",
  ].join("\n");
}
