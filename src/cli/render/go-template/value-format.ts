import type { ByteText } from "./byte-text.ts";
import { type FormatFlags, NO_FLAGS, pad } from "./format-flags.ts";
import { type BoundMethod, findMethod } from "./methods.ts";
import {
  type Formatted,
  formatBool,
  formatComplex,
  formatFloatVerb,
  formatInteger,
  formatText,
} from "./scalar-format.ts";
import type { GoValue, MapValue, MaybeValue, PointerValue, SliceValue, StructValue } from "./values.ts";
import { isByteSlice, isNil } from "./values.ts";

const NIL = "<nil>";
/** The verbs for which a value may describe itself. */
const TEXT_VERBS: ReadonlySet<string> = new Set(["v", "s", "x", "X", "q"]);

/** A value the way Go's fmt package prints it with a verb and flags. Nothing at all prints as `<nil>`. */
export function formatValue(value: MaybeValue, verb: ByteText, flags: FormatFlags = NO_FLAGS): ByteText {
  const content = value?.kind === "interface" ? (value.content ?? undefined) : value;
  if (content === undefined)
    return verb === "v" || verb === "T" ? pad(NIL, flags) : badVerb(undefined, verb, flags);
  if (verb === "T") return formatText(content.type.name, "s", flags) ?? "";
  if (verb === "p") return formatAddress(content, verb, flags) ?? badVerb(content, verb, flags);
  return new ValueFormatter(verb, flags, true).format(content, 0);
}

/** What a verb gives for a value it does not suit: `%!d(string=text)`. */
export function badVerb(value: MaybeValue, verb: ByteText, flags: FormatFlags): ByteText {
  if (value === undefined) return `%!${verb}(${NIL})`;
  const shown = new ValueFormatter("v", flags, false).format(value, 0);
  return `%!${verb}(${value.type.name}=${shown})`;
}

class ValueFormatter {
  private readonly verb: ByteText;
  private readonly flags: FormatFlags;
  /** Whether values may describe themselves, which they may not inside of an error. */
  private readonly useMethods: boolean;

  constructor(verb: ByteText, flags: FormatFlags, useMethods: boolean) {
    this.verb = verb;
    this.flags = flags;
    this.useMethods = useMethods;
  }

  format(value: GoValue, depth: number): ByteText {
    return this.formatByMethod(value) ?? this.formatByKind(value, depth);
  }

  private formatByMethod(value: GoValue): Formatted {
    if (!this.useMethods) return undefined;
    if (this.verb === "w") return badVerb(value, this.verb, this.flags);
    const bound = this.findDescription(value);
    if (bound === undefined) return undefined;
    if (bound.receiver === null) return NIL;
    const text = bound.method.call(bound.receiver, []);
    if (text?.kind !== "string") return undefined;
    return this.flags.sharpV
      ? formatText(text.value, "s", this.flags)
      : formatText(text.value, this.verb, this.flags);
  }

  private findDescription(value: GoValue): BoundMethod | undefined {
    if (this.flags.sharpV) return findMethod(value, "GoString");
    if (!TEXT_VERBS.has(this.verb)) return undefined;
    return findMethod(value, "Error") ?? findMethod(value, "String");
  }

  private formatByKind(value: GoValue, depth: number): ByteText {
    const { verb, flags } = this;
    switch (value.kind) {
      case "bool":
        return formatBool(value.value, verb, flags) ?? badVerb(value, verb, flags);
      case "int":
      case "uint":
        return formatInteger(value.value, value.kind === "int", verb, flags) ?? badVerb(value, verb, flags);
      case "float":
        return formatFloatVerb(value.value, verb, flags) ?? badVerb(value, verb, flags);
      case "complex":
        return formatComplex(value.real, value.imaginary, verb, flags) ?? badVerb(value, verb, flags);
      case "string":
        return formatText(value.value, verb, flags) ?? badVerb(value, verb, flags);
      case "slice":
        return this.formatSlice(value, depth);
      case "map":
        return this.formatMap(value, depth);
      case "struct":
        return this.formatStruct(value, depth);
      case "pointer":
        return this.formatPointer(value, depth);
      case "interface":
        return this.formatInterface(value.content, value.type.name, depth);
    }
  }

  private formatSlice(value: SliceValue, depth: number): ByteText {
    if (isByteSlice(value) && "sqxX".includes(this.verb)) {
      return formatText(bytesOf(value), this.verb, this.flags) ?? "";
    }
    if (this.flags.sharpV && value.items === null) return `${value.type.name}(nil)`;
    const items = (value.items ?? []).map((item) => this.format(item, depth + 1));
    if (!this.flags.sharpV) return `[${items.join(" ")}]`;
    return `${isByteSlice(value) ? "[]byte" : value.type.name}{${items.join(", ")}}`;
  }

  private formatMap(value: MapValue, depth: number): ByteText {
    if (this.flags.sharpV && value.entries === null) return `${value.type.name}(nil)`;
    const entries = [...(value.entries ?? [])].map(([key, item]) => {
      const shown = formatText(key, this.verb, this.flags) ?? this.badKey(key);
      return `${shown}:${this.format(item, depth + 1)}`;
    });
    return this.flags.sharpV ? `${value.type.name}{${entries.join(", ")}}` : `map[${entries.join(" ")}]`;
  }

  private badKey(key: ByteText): ByteText {
    return `%!${this.verb}(string=${formatText(key, "v", this.flags)})`;
  }

  private formatStruct(value: StructValue, depth: number): ByteText {
    const { plusV, sharpV } = this.flags;
    const fields = value.fields.map((field, index) => {
      const shown = this.format(field, depth + 1);
      return plusV || sharpV ? `${value.type.fields[index]?.name}:${shown}` : shown;
    });
    return sharpV ? `${value.type.name}{${fields.join(", ")}}` : `{${fields.join(" ")}}`;
  }

  private formatPointer(value: PointerValue, depth: number): ByteText {
    const { target } = value;
    const isFollowed = target?.kind === "struct" || target?.kind === "map" || target?.kind === "slice";
    if (depth === 0 && isFollowed) return `&${this.formatByKind(target, depth + 1)}`;
    return formatAddress(value, this.verb, this.flags) ?? badVerb(value, this.verb, this.flags);
  }

  private formatInterface(content: GoValue | null, typeName: string, depth: number): ByteText {
    if (content !== null) return this.format(content, depth + 1);
    return this.flags.sharpV ? `${typeName}(nil)` : NIL;
  }
}

/** Addresses mean nothing here, so that everything shows the same one. */
const ANY_ADDRESS = 0xc000000000n;

/** Where something is kept, for what can be nil. */
function formatAddress(value: GoValue, verb: ByteText, flags: FormatFlags): Formatted {
  if (value.kind !== "pointer" && value.kind !== "slice" && value.kind !== "map") return undefined;
  const address = isNil(value) ? 0n : ANY_ADDRESS;
  const prefixed = { ...flags, sharp: !flags.sharp };
  if (verb === "p") return formatInteger(address, false, "x", prefixed);
  if (verb !== "v") return "bodxX".includes(verb) ? formatInteger(address, false, verb, flags) : undefined;
  if (flags.sharpV) return `(${value.type.name})(${isNil(value) ? "nil" : `0x${address.toString(16)}`})`;
  return isNil(value) ? pad(NIL, flags) : formatInteger(address, false, "x", prefixed);
}

function bytesOf(value: SliceValue): ByteText {
  return (value.items ?? [])
    .map((item) => (item.kind === "uint" ? String.fromCharCode(Number(item.value)) : ""))
    .join("");
}
