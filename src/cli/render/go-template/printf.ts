import { type ByteText, decodeRune } from "./byte-text.ts";
import { type FormatFlags, NO_FLAGS } from "./format-flags.ts";
import { formatValue } from "./value-format.ts";
import type { GoValue, MaybeValue } from "./values.ts";

const FLAG_NAMES: Readonly<Record<string, "plus" | "minus" | "sharp" | "space" | "zero">> = {
  "+": "plus",
  "-": "minus",
  "#": "sharp",
  " ": "space",
  "0": "zero",
};
/** Widths, precisions and argument numbers beyond this are taken for mistakes. */
const LARGEST_NUMBER = 1_000_000;

/** What `print` gives: values one after the other, with spaces between two that are no strings. */
export function formatPrint(values: readonly MaybeValue[]): ByteText {
  let text = "";
  let previousIsText = true;
  for (const value of values) {
    const isText = value?.kind === "string";
    if (!isText && !previousIsText) text += " ";
    text += formatValue(value, "v");
    previousIsText = isText;
  }
  return text;
}

/** What `println` gives: values with spaces between them, and a newline. */
export function formatPrintln(values: readonly MaybeValue[]): ByteText {
  return `${values.map((value) => formatValue(value, "v")).join(" ")}\n`;
}

/** What `printf` gives. Mistakes in the format show in the text, as Go shows them. */
export function formatPrintf(format: ByteText, values: readonly MaybeValue[]): ByteText {
  return new PrintfFormatter(format, values).run();
}

class PrintfFormatter {
  private readonly format: ByteText;
  private readonly values: readonly MaybeValue[];
  private output = "";
  private position = 0;
  /** The value to be used next. */
  private next = 0;
  /** Whether values were picked by number, so that unused ones are no mistake. */
  private reordered = false;
  private validIndex = true;
  private flags: { -readonly [K in keyof FormatFlags]: FormatFlags[K] } = { ...NO_FLAGS };

  constructor(format: ByteText, values: readonly MaybeValue[]) {
    this.format = format;
    this.values = values;
  }

  run(): ByteText {
    while (this.position < this.format.length) {
      const percent = this.format.indexOf("%", this.position);
      const end = percent < 0 ? this.format.length : percent;
      this.output += this.format.slice(this.position, end);
      this.position = end + 1;
      if (percent >= 0) this.formatDirective();
    }
    return this.output + this.extraValues();
  }

  private formatDirective(): void {
    this.flags = { ...NO_FLAGS };
    this.validIndex = true;
    this.readFlags();
    let indexed = this.readIndex();
    indexed = this.readWidth(indexed);
    indexed = this.readPrecision(indexed);
    if (!indexed) this.readIndex();
    this.applyVerb();
  }

  private readFlags(): void {
    for (;;) {
      const name = FLAG_NAMES[this.format.charAt(this.position)];
      if (name === undefined) return;
      this.flags[name] = true;
      this.position++;
    }
  }

  private readWidth(indexed: boolean): boolean {
    if (this.format.charAt(this.position) !== "*") {
      const width = this.readNumber();
      if (width !== undefined && indexed) this.validIndex = false;
      this.flags.width = width;
      return indexed;
    }
    this.position++;
    const width = this.takeNumber();
    if (width === undefined) this.output += "%!(BADWIDTH)";
    else if (width < 0) this.flags.minus = true;
    this.flags.width = width === undefined ? undefined : Math.abs(width);
    return false;
  }

  private readPrecision(indexed: boolean): boolean {
    const isLast = this.position === this.format.length - 1;
    if (this.format.charAt(this.position) !== "." || isLast) return indexed;
    this.position++;
    if (indexed) this.validIndex = false;
    const indexedHere = this.readIndex();
    if (this.format.charAt(this.position) !== "*") {
      this.flags.precision = this.readNumber() ?? 0;
      return indexedHere;
    }
    this.position++;
    const precision = this.takeNumber();
    if (precision === undefined || precision < 0) this.output += "%!(BADPREC)";
    else this.flags.precision = precision;
    return false;
  }

  private readNumber(): number | undefined {
    const digits = /^[0-9]+/.exec(this.format.slice(this.position))?.[0];
    if (digits === undefined) return undefined;
    this.position += digits.length;
    return Number(digits) > LARGEST_NUMBER ? undefined : Number(digits);
  }

  /** Takes a value that stands in for a `*`. */
  private takeNumber(): number | undefined {
    const value = this.values[this.next];
    if (this.next < this.values.length) this.next++;
    if (value?.kind !== "int" && value?.kind !== "uint") return undefined;
    const number = Number(value.value);
    return Math.abs(number) > LARGEST_NUMBER ? undefined : number;
  }

  /** Reads `[2]`, which picks the value to use next; true if there was one. */
  private readIndex(): boolean {
    if (this.format.charAt(this.position) !== "[") return false;
    this.reordered = true;
    const close = this.format.indexOf("]", this.position);
    if (close < 0) {
      this.validIndex = false;
      this.position++;
      return false;
    }
    const text = this.format.slice(this.position + 1, close);
    const number = /^[0-9]+$/.test(text) ? Number(text) : undefined;
    this.position = close + 1;
    if (number !== undefined && number >= 1 && number <= this.values.length) this.next = number - 1;
    else this.validIndex = false;
    return number !== undefined;
  }

  private applyVerb(): void {
    if (this.position >= this.format.length) {
      this.output += "%!(NOVERB)";
      return;
    }
    const { size } = decodeRune(this.format, this.position);
    const verb = this.format.slice(this.position, this.position + size);
    this.position += size;
    if (verb === "%") this.output += "%";
    else if (!this.validIndex) this.output += `%!${verb}(BADINDEX)`;
    else if (this.next >= this.values.length) this.output += `%!${verb}(MISSING)`;
    else this.output += this.formatNext(verb);
  }

  private formatNext(verb: ByteText): ByteText {
    const value = this.values[this.next++];
    if (verb !== "v" && verb !== "w") return formatValue(value, verb, this.flags);
    const { plus, sharp } = this.flags;
    return formatValue(value, verb, { ...this.flags, plus: false, sharp: false, plusV: plus, sharpV: sharp });
  }

  private extraValues(): ByteText {
    if (this.reordered || this.next >= this.values.length) return "";
    const extra = this.values
      .slice(this.next)
      .map((value) => (value === undefined ? "<nil>" : describe(value)));
    return `%!(EXTRA ${extra.join(", ")})`;
  }
}

function describe(value: GoValue): ByteText {
  return `${value.type.name}=${formatValue(value, "v")}`;
}
