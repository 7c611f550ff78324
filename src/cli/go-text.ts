/**
 * Texts as the programs of this family print them, which are written in Go: scripts and people know error messages
 * in this form.
 */

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
  '"': '\\"',
};

/** Double quotes around `text`; what cannot be printed is escaped. */
export function quote(text: string): string {
  const body = text.replace(/[\\"]|[^ \p{L}\p{M}\p{N}\p{P}\p{S}]/gu, escapeCharacter);
  return `"${body}"`;
}

/** As `quote`, but everything outside ASCII and every control character becomes its UTF-8 bytes in hexadecimal. */
export function quoteBytes(text: string): string {
  const body = text.replace(/[\\"]|[^ -~]+/g, (part) =>
    part === "\\" || part === '"' ? `\\${part}` : hexEscapes(part),
  );
  return `"${body}"`;
}

function escapeCharacter(character: string): string {
  const short = SHORT_ESCAPES[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
  return code <= 0xffff
    ? `\\u${code.toString(16).padStart(4, "0")}`
    : `\\U${code.toString(16).padStart(8, "0")}`;
}

function hexEscapes(text: string): string {
  return [...new TextEncoder().encode(text)]
    .map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`)
    .join("");
}
