import type { Credentials } from "../../core/credentials.ts";

/** How a repository is reached, where its file says so. */
export interface EntryAccess {
  readonly credentials?: Credentials | undefined;
  readonly tlsVerify?: boolean | undefined;
  /** "" is none, even where a flag names one. */
  readonly certDir?: string | undefined;
}

/** One repository to mirror, whatever file or flag named it. */
export interface MirrorEntry {
  /** Where it is written, for messages: `mirror.yaml:12`. */
  readonly place: string;
  /** Registry `host[:port]` and repository path, normalised; no tag. */
  readonly source: { readonly registry: string; readonly repository: string };
  readonly access: EntryAccess;
  /** Undefined: the destination of the command line, skopeo's naming. */
  readonly destinations: readonly MirrorDestination[] | undefined;
  readonly selection: TagSelection;
  /** `linux/amd64`, `linux/arm64/v8`. */
  readonly platforms: readonly string[] | "all" | undefined;
  readonly referrers: boolean | undefined;
  readonly cosignTags: boolean | undefined;
  /** Tags that never move at the source. */
  readonly immutable: TagPattern | undefined;
  /** Tags of the destination that pruning leaves alone. */
  readonly protect: readonly TagPattern[];
  readonly prune: boolean | undefined;
}

/** References that need no listing, and a pipeline over the listed tags. */
export interface TagSelection {
  /** Literal tags or digests (`sha256:…`) in order, each once. */
  readonly references: readonly string[];
  /** Undefined: literals only. */
  readonly filter: TagFilter | undefined;
}

/** A pattern for tags. */
export interface TagPattern {
  /** A glob covers the whole tag; a regular expression, in RE2's syntax, any part of it. */
  readonly kind: "glob" | "regex";
  readonly text: string;
  /** Where it is written. */
  readonly place?: string | undefined;
}

/** What is kept of the listed tags, one step after the other; an empty one keeps all. */
export interface TagFilter {
  /** Kept are tags that match any of these. */
  readonly include?: readonly TagPattern[] | undefined;
  readonly exclude?: readonly TagPattern[] | undefined;
  /** Kept are versions in this range; other tags are left out. */
  readonly semver?: SemverRange | undefined;
  /** By the dates on which images were created. */
  readonly newerThan?: AgeLimit | undefined;
  readonly olderThan?: AgeLimit | undefined;
  readonly newest?: NewestTags | undefined;
}

/** Versions, in the syntax of skopeo's files (Masterminds' semver). */
export interface SemverRange {
  readonly text: string;
  /** Whether pre-releases count: those that the range itself names by default. */
  readonly prerelease: "in-range" | "include" | "exclude";
  readonly place?: string | undefined;
}

/** A moment, or an age in milliseconds before now. */
export type AgeLimit = {
  /** As written. */
  readonly text: string;
  readonly place?: string | undefined;
} & (
  | { readonly kind: "age"; readonly milliseconds: number }
  | { readonly kind: "date"; readonly date: Date }
);

/** The so many last ones. */
export interface NewestTags {
  readonly count: number;
  readonly by: "semver" | "created";
  readonly place?: string | undefined;
}

/** Where an entry's images go. */
export interface MirrorDestination {
  /**
   * `registry/repository`, with an optional `:tag`, or `dir:PATH`; may hold `{{registry}}`, `{{repository}}`, `{{name}}` and
   * `{{tag}}`.
   */
  readonly template: string;
  /** Done one after the other to the name that the template gives, tag included. */
  readonly rewrite: readonly RewriteRule[];
  readonly access: EntryAccess;
}

/** What matches, a regular expression in RE2's syntax, is replaced; `$1` and `${name}` are its groups. */
export interface RewriteRule {
  readonly match: string;
  readonly replace: string;
}
