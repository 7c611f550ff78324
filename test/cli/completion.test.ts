import { beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { commandTable } from "../../src/cli/command-table.ts";
import { temporary } from "../support/images.ts";
import { findProgram } from "../support/peers.ts";
import { mustRun, OURS, runOurs } from "../support/run.ts";

/** Whatever is offered is looked up in a directory with these. */
const work = temporary("completion");
const bin = temporary("bin");
const env = { PATH: [bin, process.env.PATH ?? ""].join(delimiter), HOME: work };

beforeAll(async () => {
  mkdirSync(join(work, "layout"));
  writeFileSync(join(work, "layers.tar"), "");
  // Shells complete for what is called so.
  writeFileSync(join(bin, "skopeo"), `#!/bin/sh\nexec ${OURS.map((word) => `'${word}'`).join(" ")} "$@"\n`);
  chmodSync(join(bin, "skopeo"), 0o755);
  for (const shell of ["bash", "zsh", "fish"]) {
    const { stdout } = await runOurs(["completion", shell]);
    writeFileSync(join(bin, `completion.${shell}`), stdout);
  }
});

/** What each shell would show for a line, sorted. */
const SHELLS: Readonly<Record<string, (line: string) => readonly string[]>> = {
  bash: (line) => [
    "-c",
    `. '${bin}/completion.bash'; COMP_LINE='${line}'; COMP_POINT=\${#COMP_LINE}
     compopt() { :; }; _skopeo; printf '%s\\n' "\${COMPREPLY[@]}"`,
  ],
  fish: (line) => [
    "--no-config",
    "-c",
    `source '${bin}/completion.fish'; complete -C '${line}' | string replace -r '\\t.*' ''; true`,
  ],
  zsh: (line) => [
    "-f",
    "-c",
    `compdef() { : }; . '${bin}/completion.zsh'; compadd() { print -l -- $values }; _files() { : }
     line='${line}'; words=("\${(@s: :)line}"); CURRENT=\${#words}; _skopeo`,
  ],
};

describe("completion", () => {
  for (const [shell, wordsFor] of Object.entries(SHELLS)) {
    const program = findProgram(shell);
    if (program === undefined) console.error(`LEFT OUT for want of ${shell}: its completion`);
    const offered = async (line: string): Promise<readonly string[]> => {
      const text = await mustRun([program ?? "", ...wordsFor(line)], { env, cwd: work });
      return text
        .split("\n")
        .filter((word) => word !== "")
        .toSorted();
    };
    /** Bash shows what follows the last colon or equals sign. */
    const shown = (...words: readonly string[]): readonly string[] =>
      words.map((word) => (shell === "bash" ? word.replace(/^.*[:=](?=.)/, "") : word)).toSorted();
    test.skipIf(program === undefined)(`in ${shell}`, async () => {
      expect(await offered("skopeo l")).toEqual(["list-tags", "login", "logout"]);
      expect(await offered("skopeo copy --multi")).toEqual(["--multi-arch"]);
      expect(await offered("skopeo copy --format ")).toEqual(["oci", "v2s1", "v2s2"]);
      expect(await offered("skopeo copy --format=v")).toEqual([...shown("--format=v2s1", "--format=v2s2")]);
      expect(await offered("skopeo inspect docker:")).toEqual(shell === "bash" ? ["//"] : ["docker://"]);
      expect(await offered("skopeo copy oci:l")).toEqual([...shown("oci:layers.tar", "oci:layout/")]);
      expect(await offered("skopeo config ch")).toEqual(["check"]);
      expect(await offered("skopeo nosuch x")).toEqual([]);
    });
  }

  test("knows every command and flag that help shows", async () => {
    const names = async (...words: readonly string[]): Promise<readonly string[]> => {
      const { stdout } = await runOurs(["__completeNoDesc", ...words]);
      return stdout.trimEnd().split("\n").slice(0, -1);
    };
    const visible = commandTable.filter(({ hidden }) => hidden !== true);
    expect((await names("")).toSorted()).toEqual([...visible.map(({ name }) => name), "help"].toSorted());
    for (const { name, load } of visible) {
      const { command } = await load();
      const flags = Object.entries(command.flags).filter(([, { hidden }]) => hidden !== true);
      expect(await names(name, "--")).toEqual(expect.arrayContaining(flags.map(([flag]) => `--${flag}`)));
    }
  });

  test("is explained where the shell is unknown, as by real skopeo", async () => {
    for (const words of [["completion"], ["completion", "tcsh"]])
      expect(await runOurs(words)).toMatchObject({
        exitCode: 0,
        stderr: "",
        stdout: expect.stringContaining("powershell"),
      });
    expect((await runOurs(["completion", "powershell"])).stdout).toContain("Register-ArgumentCompleter");
  });
});
