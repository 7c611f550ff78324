/** Text for roff: what it would take for a request or an escape is itself. A hyphen is one that can be searched and copied. */
export function roffText(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("…", "...")
    .replace(/^([.'])/gm, "\\&$1");
}

/** A heading of the first level. */
export function heading(title: string): string {
  return `.SH ${title}\n`;
}

/** A paragraph that hangs behind its tag. */
export function tagged(tag: string, text: string): string {
  return `.TP\n${tag}\n${text}\n`;
}

export function bold(text: string): string {
  return `\\fB${roffText(text)}\\fR`;
}

export function italic(text: string): string {
  return `\\fI${roffText(text)}\\fR`;
}

/** Lines as they are, in a block of their own. */
export function literal(lines: readonly string[]): string {
  return `.nf\n${lines.map(roffText).join("\n")}\n.fi\n`;
}
