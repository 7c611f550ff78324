import { describe, expect, test } from "bun:test";
import { lookAtYaml, parseYamlTree, type YamlNode } from "../../../src/sync/files/yaml-tree.ts";
import { configurationError } from "./failure.ts";

const parse = (text: string): Promise<YamlNode | undefined> => parseYamlTree(text, { file: "f.yml" });

/** A node as plain data: scalars with a mark where they were quoted. */
function plain(node: YamlNode | undefined): unknown {
  if (node === undefined) return undefined;
  if (node.kind === "scalar") return node.isPlain ? node.text : `'${node.text}'`;
  if (node.kind === "list") return node.items.map(plain);
  return Object.fromEntries([...node.entries].map(([key, { value }]) => [key, plain(value)]));
}

describe("a YAML file is read as it is written", () => {
  const cases: Readonly<Record<string, unknown>> = {
    "[1.20, 1e3, 0x10, on, 2024-01-01, 1_000, .5, ~, null, true]":
      "1.20 1e3 0x10 on 2024-01-01 1_000 .5 ~ null true".split(" "),
    "a: '1.20'\nb: \"x\\ty\"\nc: |\n  text\n": { a: "'1.20'", b: "'x\ty'", c: "'text\n'" },
    "a: !!str 1.20": { a: "'1.20'" },
    "a:\nb: ": { a: "", b: "" },
    "1.0: x\nno: y": { "1.0": "x", no: "y" },
    '{"a": ["b", 1.50]}': { a: ["'b'", "1.50"] },
    "a: &x [1]\nb: *x": { a: ["1"], b: ["1"] },
    "x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}": { x: { a: "1", b: "2" }, y: { b: "3", a: "1" } },
    "x: &x {a: 1}\ny: &y {a: 2, b: 2}\nz: {<<: [*x, *y]}": {
      x: { a: "1" },
      y: { a: "2", b: "2" },
      z: { a: "1", b: "2" },
    },
    "? a\n: b": { a: "b" },
    "\uFEFFa: b\r\nc: d\r\n": { a: "b", c: "d" },
  };
  for (const [text, expected] of Object.entries(cases)) {
    test(JSON.stringify(text), async () => {
      expect(plain(await parse(text))).toEqual(expected);
    });
  }

  test("nothing, and comments", async () => {
    expect(await parse("")).toBeUndefined();
    expect(await parse("# nothing\n")).toBeUndefined();
  });
});

describe("what is wrong with a YAML file is told with its line, and none of its text", () => {
  const cases: Readonly<Record<string, string>> = {
    "a: 1\nb: 2\na: 3": 'f.yml:3: the key "a" is there twice',
    "a: [1\nb: 2": "f.yml:2: not valid YAML: ",
    "a: 1\n\tb: 2": "f.yml:2: not valid YAML: ",
    'a: "secret': "f.yml:1: not valid YAML: a quote, bracket, comma or colon is missing",
    "a: *x": "f.yml:1: this alias stands for nothing that ends before it",
    "a: &a [*a]": "f.yml:1: this alias stands for nothing that ends before it",
    "a: b\n---\nc: d": "f.yml:2: the file must be one YAML document, and here a second begins",
    "a: {<<: [b]}": "f.yml:1: only mappings can be merged with <<",
    "? [a]\n: b": "f.yml:1: a key must be a text",
    "a: *secret": "f.yml:1: this alias stands",
    "a: @secret": "f.yml:1: not valid YAML: a text that begins with this character needs quotes",
    "a: b: secret": "f.yml:1: not valid YAML: ",
    "a: secret\n b: c": "f.yml:",
  };
  for (const [text, expected] of Object.entries(cases)) {
    test(JSON.stringify(text), async () => {
      const message = await configurationError(parse(text));
      expect(message).toStartWith(expected);
      expect(message).not.toContain("secret");
    });
  }

  test("also where the file was looked at before", async () => {
    const text = "a: b\n---\nc: d";
    expect(plain(await lookAtYaml(text, "f.yml"))).toEqual({ a: "b" });
    expect(await configurationError(parse(text))).toStartWith("f.yml:2: the file must be one YAML document");
    await lookAtYaml("a: b", "f.yml");
    expect(plain(await parse("c: d"))).toEqual({ c: "d" });
    expect(plain(await parse("a: b"))).toEqual({ a: "b" });
  });

  test("aliases that would make too much of too little", async () => {
    const levels = Array.from({ length: 9 }, (_, level) => {
      const last = level === 0 ? "x" : `*a${level - 1}`;
      return `a${level}: &a${level} [${Array(10).fill(last).join(", ")}]`;
    });
    expect(await configurationError(parse(levels.join("\n")))).toMatch(
      /^f.yml:\d: aliases make more than 1000000/,
    );
  });

  test("merge keys that would make too much of too little", async () => {
    const keys = Array.from({ length: 2000 }, (_, index) => `k${index}: [1, 2, 3, 4, 5, 6, 7, 8, 9]`).join(
      ", ",
    );
    const merges = Array.from({ length: 100 }, (_, index) => `m${index}: {<<: *all}`).join("\n");
    expect(await configurationError(parse(`all: &all {${keys}}\n${merges}`))).toContain(
      "aliases make more than",
    );
  });

  test("lists in lists in lists", async () => {
    for (const depth of [60, 20_000]) {
      expect(await configurationError(parse("[".repeat(depth) + "]".repeat(depth)))).toMatch(
        /^f.yml:1: .*levels deep$/,
      );
    }
  });
});
