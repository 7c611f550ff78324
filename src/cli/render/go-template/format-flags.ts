import { type ByteText, countRunes } from "./byte-text.ts";

/** What stands between `%` and the verb of a printf directive. */
export interface FormatFlags {
  readonly plus: boolean;
  readonly minus: boolean;
  readonly sharp: boolean;
  readonly space: boolean;
  readonly zero: boolean;
  /** `%+v`: structs with the names of their fields. */
  readonly plusV: boolean;
  /** `%#v`: Go syntax. */
  readonly sharpV: boolean;
  /** Characters. */
  readonly width?: number | undefined;
  readonly precision?: number | undefined;
}

export const NO_FLAGS: FormatFlags = {
  plus: false,
  minus: false,
  sharp: false,
  space: false,
  zero: false,
  plusV: false,
  sharpV: false,
};

/** Fills up to the width: at the end with `-`, else at the start, with zeros if they are asked for. */
export function pad(text: ByteText, flags: FormatFlags): ByteText {
  const missing = (flags.width ?? 0) - countRunes(text);
  if (missing <= 0) return text;
  if (flags.minus) return text + " ".repeat(missing);
  return (flags.zero ? "0" : " ").repeat(missing) + text;
}

/** Like `pad`, but only ever with spaces. */
export function padWithSpaces(text: ByteText, flags: FormatFlags): ByteText {
  return pad(text, { ...flags, zero: false });
}
