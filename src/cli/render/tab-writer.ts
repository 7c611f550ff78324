/** How columns are laid out. */
export interface ColumnOptions {
  readonly minimumWidth: number;
  /** Spaces after the widest cell of a column. */
  readonly padding: number;
}

interface Cell {
  readonly text: string;
  /** Characters. */
  readonly width: number;
}

type Line = readonly Cell[];

/** Text between two of these is taken as it is; they vanish. It occurs in no UTF-8. */
const ESCAPE = "\u00ff";
/** A tab ends a cell; a newline ends the cells of a line, a form feed also the columns. */
const SEPARATORS = /[\t\v\n\f\u00ff]/g;

/**
 * Aligns cells that tabs end, like Go's text/tabwriter. A column is a run of lines that have a cell there; what follows
 * the last tab of a line belongs to no column. `text` and the result are bytes, one character each; `countCharacters`
 * tells how wide some bytes are.
 */
export function alignColumns(
  text: string,
  options: ColumnOptions,
  countCharacters: (bytes: string) => number,
): string {
  const layout = new ColumnLayout(options);
  return splitBlocks(text, countCharacters)
    .map((lines) => layout.format(lines))
    .join("\n");
}

/** The lines of each part between form feeds. */
function splitBlocks(text: string, countCharacters: (bytes: string) => number): readonly (readonly Line[])[] {
  let line: Cell[] = [];
  let lines: Line[] = [line];
  const blocks: (readonly Line[])[] = [];
  let cell = "";
  let start = 0;
  let escaped = false;
  for (const { 0: separator, index } of text.matchAll(SEPARATORS)) {
    if (escaped && separator !== ESCAPE) continue;
    cell += text.slice(start, index);
    start = index + 1;
    if (separator === ESCAPE) {
      escaped = !escaped;
      continue;
    }
    line.push({ text: cell, width: countCharacters(cell) });
    cell = "";
    if (separator === "\t" || separator === "\v") continue;
    line = [];
    if (separator === "\n") lines.push(line);
    else {
      blocks.push(lines);
      lines = [line];
    }
  }
  const last = cell + text.slice(start);
  // Where the text ends with a tab, the cell before it is the last one and needs no filling up.
  if (last !== "") line.push({ text: last, width: countCharacters(last) });
  return [...blocks, lines];
}

class ColumnLayout {
  private readonly options: ColumnOptions;

  constructor(options: ColumnOptions) {
    this.options = options;
  }

  format(lines: readonly Line[]): string {
    return this.formatFrom(lines, []).join("\n");
  }

  /** Formats lines of which the widths of the first columns are known. */
  private formatFrom(lines: readonly Line[], widths: readonly number[]): readonly string[] {
    const column = widths.length;
    const formatted: string[] = [];
    for (let start = 0; start < lines.length; ) {
      const hasCell = endsCell(lines[start], column);
      let end = start + 1;
      while (end < lines.length && endsCell(lines[end], column) === hasCell) end++;
      const run = lines.slice(start, end);
      if (hasCell) formatted.push(...this.formatFrom(run, [...widths, this.widthOf(run, column)]));
      else formatted.push(...run.map((line) => formatLine(line, widths)));
      start = end;
    }
    return formatted;
  }

  private widthOf(lines: readonly Line[], column: number): number {
    const { minimumWidth, padding } = this.options;
    return Math.max(minimumWidth, ...lines.map((line) => (line[column]?.width ?? 0) + padding));
  }
}

/** Whether the line has a cell in the column that a tab ends. */
function endsCell(line: Line | undefined, column: number): boolean {
  return line !== undefined && column < line.length - 1;
}

function formatLine(line: Line, widths: readonly number[]): string {
  return line
    .map(({ text, width }, index) => text + " ".repeat(Math.max((widths[index] ?? 0) - width, 0)))
    .join("");
}
