/** What each kind of flag gives a command. "Not given" is `undefined` where it differs from the zero value. */
export interface FlagKindValues {
  /** Takes no word: `--flag`, `--flag=false`. False when not given. */
  boolean: boolean;
  /** As `boolean`, with a third state: not given. */
  "optional-boolean": boolean | undefined;
  /** An empty value counts as not given. */
  string: string | undefined;
  /** An empty value differs from none. */
  "optional-string": string | undefined;
  /** Stands alone, or takes a value behind `=`: `--plan`, which gives `true`, and `--plan=json`. */
  "inline-string": string | undefined;
  /** May be repeated, and each value holds entries separated by commas, quoted as in CSV. */
  list: readonly string[];
  /** As `list`, of plain decimal numbers. */
  "integer-list": readonly number[];
  /** As `boolean`, with a second way to say yes: `--help=all`. */
  help: boolean | "all";
  /** Signed, with the prefixes 0x, 0o and 0b; 0 when not given. */
  integer: number;
  /** Not negative; 0 when not given. */
  unsigned: number;
  "optional-integer": number | undefined;
  /** Milliseconds, written as in Go: `300ms`, `1m30s`. 0 when not given. */
  duration: number;
}

export type FlagKind = keyof FlagKindValues;
export type FlagValue = FlagKindValues[FlagKind];

/** One flag. Its name, without dashes, is its key in a flag table. */
export interface Flag<Kind extends FlagKind = FlagKind> {
  readonly kind: Kind;
  /** One letter. */
  readonly short?: string;
  /** The heading that help shows the flag under. */
  readonly group: string;
  /** What it does, without a full stop. */
  readonly summary: string;
  /** What help writes in the value's place: `PATH`. */
  readonly placeholder?: string;
  /** Explained by the short help of a command that has too many flags to explain all. */
  readonly isCommon?: boolean;
  /** Accepted, but not in help. */
  readonly hidden?: boolean;
  /** Other names, accepted but not in help; of all that are given the last one wins. */
  readonly aliases?: readonly string[];
}

/** The flags of a command by name. */
export type FlagTable = Readonly<Record<string, Flag>>;

/** The table whose flags have these kinds: `FlagTableOf<{ "retry-times": "integer" }>`. */
export type FlagTableOf<Kinds extends Readonly<Record<string, FlagKind>>> = {
  readonly [Name in keyof Kinds]: Flag<Kinds[Name]>;
};

/** What a command gets: a value for each flag of its table. */
export type FlagValues<Table extends FlagTable> = {
  readonly [Name in keyof Table]: FlagKindValues[Table[Name]["kind"]];
};
