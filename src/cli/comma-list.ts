/**
 * Reads the value of a list flag: one CSV record, RFC 4180, whose fields may be quoted to hold commas and newlines.
 * An empty value is an empty list; lines after the first record are ignored.
 * @throws {Error} in the words of Go's `encoding/csv` package
 */
export function parseCommaList(text: string): readonly string[] {
  if (text === "") return [];
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  const first = lines.findIndex((line) => line !== "");
  if (first < 0) throw new Error("EOF");
  return readRecord(lines, first);
}

function readRecord(lines: readonly string[], first: number): readonly string[] {
  const fields: string[] = [];
  let row = first;
  let column = 0;
  for (;;) {
    const line = lines[row] ?? "";
    if (line[column] === '"') {
      const quoted = readQuoted(lines, { first, row, column: column + 1 });
      fields.push(quoted.field);
      ({ row, column } = quoted);
    } else {
      const end = line.indexOf(",", column) < 0 ? line.length : line.indexOf(",", column);
      const field = line.slice(column, end);
      if (field.includes('"')) throw bareQuote(first, row, column + field.indexOf('"'));
      fields.push(field);
      column = end;
    }
    if (column >= (lines[row] ?? "").length) return fields;
    column++;
  }
}

interface Position {
  readonly row: number;
  readonly column: number;
}

/** Reads from behind the opening quote up to behind the closing one, where a comma or the line's end must follow. */
function readQuoted(
  lines: readonly string[],
  start: Position & { readonly first: number },
): Position & { readonly field: string } {
  let { row, column } = start;
  let field = "";
  for (;;) {
    const line = lines[row] ?? "";
    const end = line.indexOf('"', column);
    if (end < 0) {
      if (row === lines.length - 1) throw strayQuote(start.first, row, line.length);
      field += `${line.slice(column)}\n`;
      row++;
      column = 0;
    } else if (line[end + 1] === '"') {
      field += line.slice(column, end + 1);
      column = end + 2;
    } else {
      const isEnd = end + 1 === line.length || line[end + 1] === ",";
      if (!isEnd) throw strayQuote(start.first, row, end);
      return { field: field + line.slice(column, end), row, column: end + 1 };
    }
  }
}

function bareQuote(first: number, row: number, column: number): Error {
  return new Error(`${place(first, row, column)}: bare " in non-quoted-field`);
}

function strayQuote(first: number, row: number, column: number): Error {
  return new Error(`${place(first, row, column)}: extraneous or missing " in quoted-field`);
}

function place(first: number, row: number, column: number): string {
  const record = row === first ? "" : `record on line ${first + 1}; `;
  return `${record}parse error on line ${row + 1}, column ${column + 1}`;
}
