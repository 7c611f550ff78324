import { forEachLimited } from "../../core/limiter.ts";
import { momentOf } from "./age.ts";
import type { AgeLimit, NewestTags, SemverRange, TagFilter, TagPattern } from "./mirror-entry.ts";
import { compileTagPattern, formatTagPattern } from "./tag-pattern.ts";
import { compareVersions, parseVersion } from "./version.ts";
import { isInRange, parseVersionRange } from "./version-range.ts";

/** What a filter made of a tag, and why: the sentence that `--explain` prints. */
export interface TagVerdict {
  readonly tag: string;
  readonly kept: boolean;
  readonly reason: string;
}

export interface TagFilterOptions {
  readonly now: Date;
  /** When the image of a tag was created; asked only of tags that all earlier steps kept, and of each once. */
  readonly createdAt?: ((tag: string) => Promise<Date | undefined>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Images that are asked for their dates at a time. */
const DATES_AT_A_TIME = 32;

/** Whether tags cannot be chosen without looking at their images. */
export function needsCreationDates(filter: TagFilter): boolean {
  return filter.newerThan !== undefined || filter.olderThan !== undefined || filter.newest?.by === "created";
}

/**
 * Judges tags, in their order: include, exclude, versions, ages, and of what is left the newest.
 * @throws {ImageError} CONFIG_INVALID for a pattern or a range that is none
 */
export async function applyTagFilter(
  filter: TagFilter,
  tags: readonly string[],
  options: TagFilterOptions,
): Promise<readonly TagVerdict[]> {
  const candidates = new Map<string, Candidate>(tags.map((tag) => [tag, new Candidate(tag)]));
  const remaining = (): readonly Candidate[] => [...candidates.values()].filter(({ isKept }) => isKept);
  if (filter.include !== undefined) await applyInclude(filter.include, remaining());
  if (filter.exclude !== undefined) await applyExclude(filter.exclude, remaining());
  if (filter.semver !== undefined) applyRange(filter.semver, remaining());
  if (needsCreationDates(filter)) await findDates(remaining(), options);
  if (filter.newerThan !== undefined) applyAge("newer-than", filter.newerThan, remaining(), options.now);
  if (filter.olderThan !== undefined) applyAge("older-than", filter.olderThan, remaining(), options.now);
  if (filter.newest !== undefined) applyNewest(filter.newest, remaining());
  return [...candidates.values()].map((candidate) => candidate.verdict());
}

/** A tag on its way through the steps. */
class Candidate {
  readonly tag: string;
  created: Date | undefined;
  isKept = true;
  readonly #reasons: string[] = [];

  constructor(tag: string) {
    this.tag = tag;
  }

  keep(reason: string): void {
    this.#reasons.push(reason);
  }

  leaveOut(reason: string): void {
    this.isKept = false;
    this.#reasons.splice(0, this.#reasons.length, reason);
  }

  verdict(): TagVerdict {
    const reason = this.isKept
      ? `kept: ${this.#reasons.join(", ") || "all tags are"}`
      : `left out ${this.#reasons.join()}`;
    return { tag: this.tag, kept: this.isKept, reason };
  }
}

async function applyInclude(
  patterns: readonly TagPattern[],
  candidates: readonly Candidate[],
): Promise<void> {
  const tests = await compileAll(patterns);
  for (const candidate of candidates) {
    const found = tests.find(({ matches }) => matches(candidate.tag));
    if (found !== undefined) candidate.keep(`include ${described(found.pattern)} matches`);
    else candidate.leaveOut(`because no include matches: ${patterns.map(described).join(", ")}`);
  }
}

async function applyExclude(
  patterns: readonly TagPattern[],
  candidates: readonly Candidate[],
): Promise<void> {
  const tests = await compileAll(patterns);
  for (const candidate of candidates) {
    const found = tests.find(({ matches }) => matches(candidate.tag));
    if (found !== undefined) candidate.leaveOut(`by exclude ${described(found.pattern)}`);
  }
}

async function compileAll(
  patterns: readonly TagPattern[],
): Promise<readonly { pattern: TagPattern; matches: (tag: string) => boolean }[]> {
  return await Promise.all(
    patterns.map(async (pattern) => ({ pattern, matches: await compileTagPattern(pattern) })),
  );
}

function applyRange(semver: SemverRange, candidates: readonly Candidate[]): void {
  const range = parseVersionRange(semver.text);
  const name = `semver "${semver.text}"${placed(semver)}`;
  for (const candidate of candidates) {
    const version = parseVersion(candidate.tag);
    if (version === undefined) candidate.leaveOut(`by ${name}: it is no version`);
    else if (isInRange(version, range, semver.prerelease)) candidate.keep(`${name} takes it`);
    else if (version.prerelease.length > 0 && isInRange(version, range, "include")) {
      candidate.leaveOut(
        semver.prerelease === "exclude"
          ? `by ${name}: it is a pre-release, and those are excluded`
          : `by ${name}: it is a pre-release, and the range names none`,
      );
    } else candidate.leaveOut(`by ${name}`);
  }
}

async function findDates(candidates: readonly Candidate[], options: TagFilterOptions): Promise<void> {
  const { createdAt } = options;
  if (createdAt === undefined) return;
  await forEachLimited(
    candidates,
    DATES_AT_A_TIME,
    async (candidate) => {
      candidate.created = await createdAt(candidate.tag);
    },
    options.signal === undefined ? {} : { signal: options.signal },
  );
}

function applyAge(
  step: "newer-than" | "older-than",
  limit: AgeLimit,
  candidates: readonly Candidate[],
  now: Date,
): void {
  const moment = momentOf(limit, now).getTime();
  const name = `${step} ${limit.text}${placed(limit)}`;
  for (const candidate of candidates) {
    const { created } = candidate;
    if (created === undefined) candidate.leaveOut(`by ${name}: its date of creation is not known`);
    else {
      const isNewer = created.getTime() > moment;
      const fact = `created ${created.toISOString()}`;
      if (isNewer === (step === "newer-than")) candidate.keep(`${fact} is ${name}`);
      else candidate.leaveOut(`by ${name}: ${fact}`);
    }
  }
}

function applyNewest(newest: NewestTags, candidates: readonly Candidate[]): void {
  const name = `newest ${newest.count} by ${newest.by === "created" ? "date of creation" : "semver"}${placed(newest)}`;
  const rank = newest.by === "created" ? rankByDate(candidates, name) : rankByVersion(candidates, name);
  for (const [index, candidate] of rank.entries()) {
    if (index < newest.count) candidate.keep(`number ${index + 1} of the ${name}`);
    else candidate.leaveOut(`by ${name}: it is number ${index + 1}`);
  }
}

/** Newest first; those of one date by their names, so that every run chooses the same. */
function rankByDate(candidates: readonly Candidate[], name: string): readonly Candidate[] {
  const dated = candidates.flatMap((candidate) => {
    const { created } = candidate;
    if (created === undefined) candidate.leaveOut(`by ${name}: its date of creation is not known`);
    return created === undefined ? [] : [{ candidate, time: created.getTime() }];
  });
  return dated
    .sort((one, other) => other.time - one.time || byName(one.candidate, other.candidate))
    .map(({ candidate }) => candidate);
}

function rankByVersion(candidates: readonly Candidate[], name: string): readonly Candidate[] {
  const versions = candidates.flatMap((candidate) => {
    const version = parseVersion(candidate.tag);
    if (version === undefined) candidate.leaveOut(`by ${name}: it is no version`);
    return version === undefined ? [] : [{ candidate, version }];
  });
  return versions
    .sort(
      (one, other) => compareVersions(other.version, one.version) || byName(one.candidate, other.candidate),
    )
    .map(({ candidate }) => candidate);
}

/** The last name first. */
function byName(one: Candidate, other: Candidate): number {
  return one.tag < other.tag ? 1 : -1;
}

function described(pattern: TagPattern): string {
  return `"${formatTagPattern(pattern)}"${placed(pattern)}`;
}

function placed({ place }: { readonly place?: string | undefined }): string {
  return place === undefined ? "" : ` (${place})`;
}
