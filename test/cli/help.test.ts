import { describe, expect, test } from "bun:test";
import { type Command, defineCommand } from "../../src/cli/command.ts";
import { commandTable } from "../../src/cli/command-table.ts";
import { copyFlags } from "../../src/cli/flags/copy-flags.ts";
import { globalFlags } from "../../src/cli/flags/global-flags.ts";
import { commandHelp, rootHelp, shortHelp } from "../../src/cli/help.ts";
import { entryOf } from "./capture.ts";

const copy: Command = defineCommand({
  name: "copy",
  synopsis: "SOURCE-IMAGE DESTINATION-IMAGE",
  summary: "Copy an image",
  description:
    "A first paragraph, which is so long that it has to be broken into more than one line.\n\nA second.",
  examples: [
    {
      purpose: "a long one",
      command: "copy --multi-arch linux/amd64,linux/arm64 docker://registry.example.com/source:1 oci:dir:1",
    },
  ],
  flags: copyFlags,
  async run() {},
});

const help = commandHelp(copy);

test("no line of help is longer than a terminal of 80 columns", () => {
  const lines = `${help}${rootHelp([entryOf(copy)])}`.split("\n");
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
});

test("help has every flag that is not hidden, once", () => {
  const flags = { ...copyFlags, ...globalFlags };
  const shown = [...help.matchAll(/^ {2}(?:-., | {4})--(\S+)/gm)].map(([, name]) => name);
  const visible = Object.entries(flags).filter(([, flag]) => flag.hidden !== true);
  expect(shown.toSorted()).toEqual(visible.map(([name]) => name).toSorted());
});

test("help shows neither hidden flags nor old names", () => {
  for (const text of ["--tls-verify", "--screds", "--dcreds", "--registries-conf"]) {
    expect(help).not.toContain(`  ${text}`);
  }
});

test("flags stand in groups, the command's own first and the global ones last", () => {
  const groups = [...help.matchAll(/^(.+) flags:$/gm)].map(([, group]) => group);
  expect(groups[0]).toBe("Copying");
  expect(groups.slice(1, 4)).toEqual(["Source", "Destination", "Registry access"]);
  expect(groups.at(-1)).toBe("Global");
  expect(new Set(groups).size).toBe(groups.length);
});

test("a long example goes on behind a backslash, and can be pasted", () => {
  const [, example = ""] = /# a long one\n((?:.*\\\n)*.*\n)/.exec(help) ?? [];
  const pasted = example.replaceAll(" \\\n", " ").trim().split(/\s+/);
  expect(pasted).toEqual(["skopeo", ...(copy.examples?.[0]?.command.split(" ") ?? [])]);
});

test("a flag shows its letter and what stands for its value", () => {
  expect(help).toMatch(/^ {2}-f, --format FORMAT {2,}manifest format/m);
  expect(help).toMatch(/^ {6}--retry-times N /m);
  expect(help).toMatch(/^ {6}--src-tls-verify {2,}\S/m);
});

describe("short help fits a screen of 50 lines, and leaves no flag out", () => {
  test("for the program", () => {
    const lines = rootHelp(commandTable).trimEnd().split("\n");
    expect(lines.length).toBeLessThanOrEqual(50);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });

  for (const { name, load, hidden } of commandTable) {
    if (hidden === true) continue;
    test(`for ${name}`, async () => {
      const { command } = await load();
      const text = shortHelp(command);
      const lines = text.trimEnd().split("\n");
      expect(lines.length).toBeLessThanOrEqual(50);
      expect(lines.filter((line) => line.length > 80)).toEqual([]);
      expect(text).toContain(`skopeo ${name} --help=all`);
      const named = new Set([...text.matchAll(/(?<=[\s,])--([\w-]+)/g)].map(([, flag]) => flag));
      const missing = Object.entries(command.flags).filter(
        ([flag, { hidden: isHidden }]) =>
          isHidden !== true && !named.has(flag.replace(/^dest-/, "src-")) && !named.has(flag),
      );
      expect(missing.map(([flag]) => flag)).toEqual([]);
    });
  }
});
