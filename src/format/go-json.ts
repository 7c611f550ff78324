/** How `formatGoJson` lays out its text. */
export interface GoJsonOptions {
  /** Spaces per level of nesting; without it everything stands on one line. */
  readonly indent?: number | undefined;
  /** Whether `<`, `>` and `&` are escaped, as Go's encoder does unless told otherwise. */
  readonly escapeHtml?: boolean | undefined;
}

// The second half of each finds the control characters: all that come before the space.
const HTML_SPECIAL = /["\\\u2028\u2029<>&]|[^ -\uffff]/g;
const SPECIAL = /["\\\u2028\u2029]|[^ -\uffff]/g;
const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/**
 * JSON byte for byte as Go's encoder writes it (images.md 1.4); no newline at the end.
 * Members of objects, and entries of a `Map`, come in the order they are given; those that are undefined are left out.
 * A `Map` is the way to write keys such as "10" before "9", an order that an object cannot have: see `sortedRecord`.
 */
export function formatGoJson(value: unknown, options: GoJsonOptions = {}): string {
  const special = options.escapeHtml === false ? SPECIAL : HTML_SPECIAL;
  return formatValue(value, { special, step: " ".repeat(options.indent ?? 0) }, "\n");
}

/** The entries sorted by the bytes of their keys, as Go writes maps. */
export function sortedRecord<T>(record: Readonly<Record<string, T>>): ReadonlyMap<string, T> {
  return new Map(Object.entries(record).sort(([left], [right]) => compareBytes(left, right)));
}

/** Orders strings by their UTF-8 bytes, which is the order of their code points but not of their UTF-16 units. */
export function compareBytes(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

interface Style {
  readonly special: RegExp;
  /** What each level of nesting adds to a line; "" for a single line. */
  readonly step: string;
}

/** `newline` is the line break and indentation of the line that the value begins on. */
function formatValue(value: unknown, style: Style, newline: string): string {
  switch (typeof value) {
    case "string":
      return quote(value, style.special);
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "boolean":
    case "bigint":
      return String(value);
    case "object":
      return value === null ? "null" : formatContainer(value, style, newline);
    default:
      return "null";
  }
}

function formatContainer(value: object, style: Style, newline: string): string {
  const inner = newline + style.step;
  if (Array.isArray(value)) {
    const elements = value.map((element: unknown) => formatValue(element, style, inner));
    return enclose("[", elements, "]", style, newline);
  }
  const entries: Iterable<[unknown, unknown]> = value instanceof Map ? value : Object.entries(value);
  const colon = style.step === "" ? ":" : ": ";
  const members: string[] = [];
  for (const [key, member] of entries) {
    if (member === undefined) continue;
    members.push(quote(String(key), style.special) + colon + formatValue(member, style, inner));
  }
  return enclose("{", members, "}", style, newline);
}

function enclose(
  open: string,
  items: readonly string[],
  close: string,
  style: Style,
  newline: string,
): string {
  if (items.length === 0 || style.step === "") return open + items.join(",") + close;
  const inner = newline + style.step;
  return `${open}${inner}${items.join(`,${inner}`)}${newline}${close}`;
}

/** What is no Unicode character, a lone half of a surrogate pair, becomes U+FFFD. */
function quote(text: string, special: RegExp): string {
  return `"${text.toWellFormed().replace(special, escapeCharacter)}"`;
}

function escapeCharacter(character: string): string {
  return SHORT_ESCAPES[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
