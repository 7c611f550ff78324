import { expect, test } from "bun:test";
import { commandTable } from "../../src/cli/command-table.ts";
import { OVERVIEW } from "../../src/cli/overview.ts";
import { runProgram } from "../../src/cli/program.ts";

async function run(isTerminal: boolean): Promise<{ code: number; stdout: string; stderr: string }> {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const code = await runProgram([], {
    stdout: { write: (text) => void stdout.push(String(text)) },
    stderr: { write: (text) => void stderr.push(String(text)), isTerminal, redirect: () => () => undefined },
    commands: commandTable,
  });
  return { code, stdout: stdout.join(""), stderr: stderr.join("") };
}

test("somebody at a terminal is shown what there is, a script that a command is missing", async () => {
  expect(await run(true)).toEqual({ code: 1, stdout: "", stderr: OVERVIEW });
  const { code, stdout, stderr } = await run(false);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toContain("Missing command 'skopeo COMMAND'");
});

test("the overview fits a small terminal and names real commands", () => {
  const lines = OVERVIEW.trimEnd().split("\n");
  expect(lines.length).toBeLessThan(24);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
  const named = [...OVERVIEW.matchAll(/^ {4}skopeo (\S+)/gm)].map((match) => match[1]);
  const known: readonly (string | undefined)[] = commandTable.map(({ name }) => name);
  expect(named.filter((name) => !known.includes(name))).toEqual([]);
  expect(named.length).toBeGreaterThan(4);
});
