import fc from "fast-check";

const encoder = new TextEncoder();

/** Text that parsers stumble over: separators of every grammar, odd Unicode, keys of prototypes. */
const ODD_TEXTS = [
  "",
  "\0",
  " ",
  "\n",
  "\r\n",
  "\t",
  "/",
  "//",
  ":",
  "@",
  "..",
  "%2f",
  "%",
  "\\",
  '"',
  "'",
  "=",
  ",",
  ";",
  "{{",
  "}}",
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "\u{feff}",
  "\u{2028}",
  "\u{202e}",
  "\u{130}",
  "\u{212a}",
  "\u{ff0f}",
  "e\u{301}",
  "\u{1f600}",
  "\ud800",
  "9".repeat(40),
  "-1",
  "1e400",
  "0x10",
  "NaN",
  "sha256:",
  `sha256:${"a".repeat(64)}`,
  `sha256:${"A".repeat(64)}`,
  "a".repeat(5_000),
  "[".repeat(600),
  "localhost:5000/a",
] as const; // prettier-ignore

/** Values no schema expects where it expects something. */
const ODD_VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -0,
  -1,
  0.5,
  1e308,
  2 ** 53,
  -(2 ** 63),
  [],
  {},
  [[]],
  [null],
  [{}],
  { a: null },
  ...ODD_TEXTS,
]; // prettier-ignore

export const oddText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...ODD_TEXTS),
  fc.string({ maxLength: 60 }),
  fc.string({ unit: "binary", maxLength: 40 }),
);

/** Bytes of any kind. */
export const anyBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 400 }),
  oddText.map((text) => encoder.encode(text)),
);

type Mutation = (bytes: Uint8Array, others: readonly Uint8Array[]) => Uint8Array;

function at(bytes: Uint8Array, share: number): number {
  return Math.floor(bytes.length * share);
}

const share = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });

const flip = fc.tuple(share, fc.integer({ min: 0, max: 7 })).map(
  ([where, bit]): Mutation =>
    (bytes) => {
      const copy = bytes.slice();
      const place = at(copy, where);
      copy[place] = (copy[place] ?? 0) ^ (1 << bit);
      return copy;
    },
);

const overwrite = fc.tuple(share, fc.uint8Array({ minLength: 1, maxLength: 8 })).map(
  ([where, written]): Mutation =>
    (bytes) => {
      const copy = bytes.slice();
      const place = at(copy, where);
      copy.set(written.subarray(0, copy.length - place), place);
      return copy;
    },
);

const truncate = share.map(
  (where): Mutation =>
    (bytes) =>
      bytes.slice(0, at(bytes, where)),
);

const repeat = fc.tuple(share, share, fc.constantFrom(1, 2, 30)).map(
  ([from, length, times]): Mutation =>
    (bytes) => {
      const start = at(bytes, from);
      const slice = bytes.subarray(start, start + Math.min(at(bytes, length), 4_096));
      return joined([
        bytes.subarray(0, start),
        ...Array.from({ length: times }, () => slice),
        bytes.subarray(start),
      ]);
    },
);

const remove = fc.tuple(share, share).map(
  ([from, length]): Mutation =>
    (bytes) => {
      const start = at(bytes, from);
      return joined([bytes.subarray(0, start), bytes.subarray(start + at(bytes, length * 0.2) + 1)]);
    },
);

const insert = fc.tuple(share, oddText).map(
  ([where, text]): Mutation =>
    (bytes) => {
      const place = at(bytes, where);
      return joined([bytes.subarray(0, place), encoder.encode(text), bytes.subarray(place)]);
    },
);

const splice = fc.tuple(share, share, fc.nat()).map(
  ([one, other, index]): Mutation =>
    (bytes, others) => {
      const second = others[index % others.length] ?? bytes;
      return joined([bytes.subarray(0, at(bytes, one)), second.subarray(at(second, other))]);
    },
);

const mutation: fc.Arbitrary<Mutation> = fc.oneof(flip, overwrite, truncate, repeat, remove, insert, splice);

/** Members of `corpus`, each damaged in up to four ways. */
export function mutated(corpus: readonly (Uint8Array | string)[]): fc.Arbitrary<Uint8Array> {
  const entries = corpus.map((entry) =>
    typeof entry === "string" ? encoder.encode(entry) : Uint8Array.from(entry),
  );
  return fc
    .tuple(fc.constantFrom(...entries), fc.array(mutation, { maxLength: 4 }))
    .map(([entry, mutations]) =>
      mutations.reduce<Uint8Array>((bytes, mutate) => mutate(bytes, entries), entry),
    );
}

/** The same for grammars of text. */
export function mutatedText(corpus: readonly string[]): fc.Arbitrary<string> {
  return mutated(corpus).map((bytes) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
}

export function damaged(corpus: readonly (Uint8Array | string)[]): fc.Arbitrary<Uint8Array> {
  return fc.oneof({ arbitrary: anyBytes, weight: 1 }, { arbitrary: mutated(corpus), weight: 4 });
}

export function damagedText(corpus: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof({ arbitrary: oddText, weight: 1 }, { arbitrary: mutatedText(corpus), weight: 4 });
}

interface Edit {
  readonly where: number;
  readonly key: string;
  readonly value: unknown;
  readonly manner: "replace" | "add" | "repeat" | "nest";
}

const edit: fc.Arbitrary<Edit> = fc.record({
  where: fc.nat(),
  key: fc.constantFrom("__proto__", "constructor", "toString", "", "a", "Digest", "\u{130}"),
  value: fc.oneof(fc.constantFrom(...ODD_VALUES), fc.jsonValue({ maxDepth: 2 })),
  manner: fc.constantFrom("replace", "replace", "replace", "add", "repeat", "nest"),
});

/**
 * JSON documents that are well formed and of the wrong shape: members replaced by values of other
 * types, added, nested a thousand deep, and written twice.
 */
export function misshapen(corpus: readonly string[]): fc.Arbitrary<Uint8Array> {
  return misshapenValues(corpus).map((text) => encoder.encode(text));
}

function misshapenValues(corpus: readonly string[]): fc.Arbitrary<string> {
  const documents: readonly unknown[] = corpus.map((text) => JSON.parse(text));
  return fc
    .tuple(fc.constantFrom(...documents), fc.array(edit, { minLength: 1, maxLength: 3 }))
    .map(([document, edits]) => edits.reduce((text, one) => edited(text, one), JSON.stringify(document)));
}

/** Both kinds of damage, for a parser of JSON. */
export function damagedJson(corpus: readonly string[]): fc.Arbitrary<Uint8Array> {
  return fc.oneof(
    { arbitrary: damaged(corpus), weight: 2 },
    { arbitrary: misshapen(corpus), weight: 3 },
    { arbitrary: anyJson, weight: 1 },
  );
}

export const anyJson: fc.Arbitrary<Uint8Array> = fc
  .oneof(
    fc.json(),
    fc.constantFrom("[".repeat(20_000), '{"a":'.repeat(20_000), `${"[".repeat(3_000)}${"]".repeat(3_000)}`),
  )
  .map((text) => encoder.encode(text));

/** Edits one value of a document in its text, where a key can stand twice and `__proto__` is a key. */
function edited(text: string, { where, key, value, manner }: Edit): string {
  const values = valuePlaces(text);
  const place = values[where % Math.max(values.length, 1)];
  if (place === undefined) return text;
  const old = text.slice(place.start, place.end);
  const written = JSON.stringify(value);
  return text.slice(0, place.start) + editedValue(old, key, written, manner) + text.slice(place.end);
}

function editedValue(old: string, key: string, written: string, manner: Edit["manner"]): string {
  const isObject = old.startsWith("{") && old.length > 2;
  if (manner === "nest") return `${"[".repeat(1_000)}${old}${"]".repeat(1_000)}`;
  if (manner === "add" && isObject) return `{${JSON.stringify(key)}:${written},${old.slice(1)}`;
  if (manner === "repeat" && isObject) return `{${old.slice(1, -1)},${old.slice(1)}`;
  return written;
}

interface Place {
  readonly start: number;
  readonly end: number;
}

const SCALAR = /^(?:"(?:[^"\\]|\\.)*"|[-+.\w]+)/;

/** Where the values of a compact, well-formed document are. */
function valuePlaces(text: string): readonly Place[] {
  const places: Place[] = [];
  const open: number[] = [];
  for (let index = 0; index < text.length; ) {
    const character = text[index] ?? "";
    const scalar = SCALAR.exec(text.slice(index, index + 6_000))?.[0];
    if ("{[".includes(character)) open.push(index);
    if ("}]".includes(character)) places.push({ start: open.pop() ?? 0, end: index + 1 });
    const end = index + (scalar?.length ?? 1);
    if (scalar !== undefined && text[end] !== ":") places.push({ start: index, end });
    index = end;
  }
  return places;
}

export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let place = 0;
  for (const part of parts) {
    whole.set(part, place);
    place += part.length;
  }
  return whole;
}
