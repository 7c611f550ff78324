import { type IBufferCell, Terminal } from "@xterm/headless";

/** Text that looks the same from its first character to its last. */
export interface Run {
  readonly text: string;
  /** Of the 256 colours of terminals; undefined is the terminal's own. */
  readonly color: number | undefined;
  readonly isBold: boolean;
  readonly isDim: boolean;
}

/** What a terminal shows. */
export interface Screen {
  readonly columns: number;
  readonly lines: readonly (readonly Run[])[];
}

export interface RecordOptions {
  readonly columns: number;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

const ROWS = 24;
const PROMPT = "\x1b[32m$\x1b[0m ";
const CONTINUED = "    ";

/** Runs commands with bash in a terminal, one after another, and gives all that it then shows, as if it were as high as that. */
export async function record(commands: readonly string[], options: RecordOptions): Promise<Screen> {
  const { columns, cwd, env } = options;
  const terminal = new Terminal({ cols: columns, rows: ROWS, scrollback: 1000, allowProposedApi: true });
  const write = (data: string | Uint8Array): Promise<void> =>
    new Promise((resolve) => terminal.write(data, resolve));
  for (const [index, command] of commands.entries()) {
    await write(`${index === 0 ? "" : "\r\n"}${PROMPT}\x1b[1m${folded(command, columns)}\x1b[0m\r\n`);
    const chunks: Uint8Array[] = [];
    const child = Bun.spawn(["bash", "-c", command], {
      ...{ cwd, env: { ...env, TERM: "xterm-256color" } },
      terminal: { cols: columns, rows: ROWS, data: (_, chunk) => void chunks.push(chunk.slice()) },
    });
    await child.exited;
    child.terminal?.close();
    for (const chunk of chunks) await write(chunk);
  }
  const buffer = terminal.buffer.active;
  const lines = Array.from({ length: buffer.length }, (_, row) => {
    const line = buffer.getLine(row);
    return Array.from({ length: columns }, (_, column) => line?.getCell(column));
  }).map(runsOf);
  while (lines.at(-1)?.length === 0) lines.pop();
  return { columns, lines };
}

/** A command on several lines, where one is too short for it. */
function folded(command: string, columns: number): string {
  const lines: string[] = [""];
  for (const word of command.match(/'[^']*'|\S+/g) ?? []) {
    const line = lines.at(-1) ?? "";
    const isFull = line.length + word.length + PROMPT.length > columns - 3;
    if (isFull) lines.push(CONTINUED + word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.join(" \\\r\n");
}

function runsOf(cells: readonly (IBufferCell | undefined)[]): readonly Run[] {
  const runs: Run[] = [];
  for (const cell of cells) {
    if (cell === undefined) continue;
    const next: Run = {
      text: cell.getChars() || " ",
      color: cell.isFgDefault() ? undefined : cell.getFgColor(),
      isBold: cell.isBold() !== 0,
      isDim: cell.isDim() !== 0,
    };
    const last = runs.at(-1);
    if (last !== undefined && looksLike(last, next))
      runs[runs.length - 1] = { ...last, text: last.text + next.text };
    else runs.push(next);
  }
  const end = runs.at(-1);
  if (end !== undefined && end.text.trimEnd() === "") runs.pop();
  return runs;
}

function looksLike(a: Run, b: Run): boolean {
  return a.color === b.color && a.isBold === b.isBold && a.isDim === b.isDim;
}
