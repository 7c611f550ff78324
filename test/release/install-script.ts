import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as v from "valibot";
import { parse } from "yaml";
import { VERSION } from "../../src/version.ts";
import { temporary } from "../support/images.ts";
import { peerTest } from "../support/peers.ts";
import { mustRun, run } from "../support/run.ts";
import type { ServedRelease } from "./served-release.ts";

const Action = v.object({
  inputs: v.record(v.string(), v.object({ default: v.string() })),
  runs: v.object({
    using: v.literal("composite"),
    steps: v.array(
      v.object({ shell: v.literal("bash"), env: v.record(v.string(), v.string()), run: v.string() }),
    ),
  }),
});
/** As far as Mooncake's own loader and validator look at a preset. */
const Preset = v.object({
  name: v.literal("skopeo"),
  description: v.string(),
  version: v.string(),
  parameters: v.record(
    v.string(),
    v.strictObject({
      type: v.picklist(["string", "bool", "array", "object"]),
      required: v.boolean(),
      default: v.string(),
      enum: v.optional(v.array(v.string())),
      description: v.string(),
    }),
  ),
  steps: v.array(v.strictObject({ name: v.string(), when: v.string(), shell: v.string() })),
});

/** install.sh, and what stands on it: the action of GitHub and the preset of Mooncake. */
export function testInstallScript(release: string, served: () => ServedRelease): void {
  const script = join(release, "install.sh");
  const version = `skopeo version ${VERSION}\n`;
  const treeOf = (prefix: string): readonly string[] =>
    existsSync(prefix) ? readdirSync(prefix, { recursive: true, encoding: "utf8" }) : [];

  describe("install.sh", () => {
    afterEach(() => {
      served().isCorrupt = false;
    });

    for (const shell of [["dash"], ["busybox", "sh"]]) {
      peerTest(`installs and uninstalls, in ${shell[0]}`, shell.slice(0, 1), async () => {
        const prefix = temporary("prefix");
        installOlder(prefix);
        writeFileSync(join(prefix, "bin", "other"), "");
        await mustRun([...shell, script, "--prefix", prefix]);
        expect(await mustRun([join(prefix, "bin", "skopeo"), "--version"])).toBe(version);
        expect(treeOf(prefix)).toContain("share/man/man1/skopeo-copy.1");
        expect(treeOf(prefix)).toContain("share/zsh/site-functions/_skopeo");
        expect(treeOf(prefix)).not.toContain("share/man/man1/skopeo-old.1");
        await mustRun([...shell, script, "--uninstall", "--prefix", prefix]);
        expect(treeOf(prefix)).toEqual(["bin", "bin/other"]);
      });
    }

    test("refuses an archive that is not what was released, and leaves nothing behind", async () => {
      served().isCorrupt = true;
      const prefix = temporary("prefix");
      const work = temporary("work");
      const { exitCode, stderr } = await run(["sh", script, "--prefix", prefix], { env: { TMPDIR: work } });
      expect(exitCode).toBe(1);
      expect(stderr).toContain("is not what was released");
      expect([treeOf(prefix), treeOf(work)]).toEqual([[], []]);
    });

    test("replaces its own files, not those of others", async () => {
      const prefix = temporary("prefix");
      const binary = join(prefix, "bin", "skopeo");
      mkdirSync(dirname(binary));
      writeFileSync(binary, "another");
      const refused = await run(["sh", script, "--prefix", prefix]);
      expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining("--force replaces it")]);
      expect(readFileSync(binary, "utf8")).toBe("another");
      await mustRun(["sh", script, "--prefix", prefix, "--force"]);
      expect(await mustRun([binary, "--version"])).toBe(version);
    });

    test("reads the checksums of other releases, and says where there is none", async () => {
      const url = served().url;
      const other = await run(["sh", script, "--version", "9.9.9", "--prefix", temporary("prefix")]);
      expect([other.exitCode, other.stderr]).toEqual([
        1,
        expect.stringContaining(`${url}/9.9.9/SHA256SUMS cannot be fetched`),
      ]);
      const words = ["--target", "plan9-x64", "--prefix", temporary("prefix")];
      const nowhere = await run(["sh", script, ...words]);
      expect([nowhere.exitCode, nowhere.stderr]).toEqual([
        1,
        expect.stringContaining("has nothing for plan9-x64"),
      ]);
    });

    test("takes the binary for musl where that is the C library", async () => {
      const programs = temporary("programs");
      writeFileSync(join(programs, "ldd"), "#!/bin/sh\necho 'musl libc (x86_64)' >&2\nexit 1\n", {
        mode: 0o755,
      });
      const env = { PATH: `${programs}:${process.env.PATH}` };
      const { stderr } = await run(["sh", script, "--prefix", temporary("prefix")], { env });
      // This release was made without one.
      expect(stderr).toContain("has nothing for linux-x64-musl");
    });

    test("removes nothing that its list should not name", async () => {
      const prefix = join(temporary("prefix"), "inner");
      const victim = join(prefix, "..", "victim");
      mkdirSync(join(prefix, "share", "skopeo"), { recursive: true });
      writeFileSync(victim, "");
      writeFileSync(join(prefix, "share", "skopeo", "installed"), "../victim\n");
      expect((await run(["sh", script, "--uninstall", "--prefix", prefix])).exitCode).toBe(1);
      expect(existsSync(victim)).toBe(true);
    });

    peerTest("is clean, says shellcheck", ["shellcheck"], async ([shellcheck = ""]) => {
      await mustRun([shellcheck, script]);
    });
  });

  describe("the action of GitHub", () => {
    test("puts the command on the path of the steps that follow", async () => {
      const folder = join(release, "github-action");
      const { inputs, runs } = v.parse(Action, parse(readFileSync(join(folder, "action.yml"), "utf8")));
      expect(inputs.version?.default).toBe(VERSION);
      const runner = temporary("runner");
      const env: Record<string, string> = {
        GITHUB_ACTION_PATH: folder,
        GITHUB_PATH: join(runner, "path"),
        GITHUB_OUTPUT: join(runner, "output"),
      };
      for (const step of runs.steps) {
        for (const [name, value] of Object.entries(step.env)) env[name] = filledIn(value, inputs, runner);
        await mustRun(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step.run], { env });
      }
      const added = readFileSync(join(runner, "path"), "utf8").trim();
      const path = `${added}:${process.env.PATH}`;
      expect(await mustRun(["sh", "-c", "skopeo --version"], { env: { PATH: path } })).toBe(version);
      expect(readFileSync(join(runner, "output"), "utf8")).toBe(`path=${added}/skopeo\n`);
    });
  });

  describe("the preset of Mooncake", () => {
    test("installs, finds nothing to do, and removes", async () => {
      const { parameters, steps } = v.parse(
        Preset,
        parse(readFileSync(join(release, "mooncake", "skopeo", "preset.yml"), "utf8")),
      );
      expect(parameters.state).toMatchObject({ default: "present", enum: ["present", "absent"] });
      const prefix = temporary("prefix");
      /** What Mooncake does with these steps: `when`, then the shell. */
      const apply = async (state: string): Promise<string> => {
        const chosen = steps.filter(({ when }) => when === `parameters.state == "${state}"`);
        expect(chosen).toHaveLength(1);
        const text = (chosen[0]?.shell ?? "").replaceAll("{{ parameters.prefix }}", prefix);
        return await mustRun(["bash", "-c", text]);
      };
      expect(await apply("present")).toContain(`installed skopeo version ${VERSION}`);
      expect(await mustRun([join(prefix, "bin", "skopeo"), "--version"])).toBe(version);
      expect(await apply("present")).toBe(`skopeo ${VERSION} is there\n`);
      await apply("absent");
      expect(treeOf(prefix)).toEqual([]);
      expect(await apply("absent")).toBe("skopeo is not there\n");
    });
  });
}

/** Leaves a prefix as an older release would, with a page that there is no more. */
function installOlder(prefix: string): void {
  const files = ["bin/skopeo", "share/man/man1/skopeo-old.1", "share/skopeo/installed"];
  for (const file of files) mkdirSync(join(prefix, dirname(file)), { recursive: true });
  const list = ["share/", "share/man/", "share/man/man1/", "share/skopeo/", ...files];
  for (const file of files) writeFileSync(join(prefix, file), `${list.join("\n")}\n`);
}

/** What stands between `${{` and `}}`, as Actions has it. */
function filledIn(
  value: string,
  inputs: Readonly<Record<string, { readonly default: string }>>,
  runner: string,
): string {
  return value.replace(/\$\{\{ (.*?) \}\}/g, (_, expression: string) =>
    expression === "runner.temp" ? runner : (inputs[expression.replace("inputs.", "")]?.default ?? ""),
  );
}
