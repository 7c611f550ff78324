import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { ImageError } from "../../../src/core/errors.ts";
import { convertSyncFile } from "../../../src/sync/files/convert.ts";
import type { MirrorEntry } from "../../../src/sync/files/mirror-entry.ts";
import { detectSyncFile, parseMirrorFile } from "../../../src/sync/files/mirror-file.ts";
import { parseShortYaml } from "../../../src/sync/files/short-yaml.ts";
import { parseSkopeoYaml } from "../../../src/sync/files/skopeo-yaml.ts";
import { configurationError } from "./failure.ts";

describe("the kind of a file is told by what is in it", () => {
  const kinds: Readonly<Record<string, string>> = {
    "": "skopeo",
    "~": "skopeo",
    "registry.example:": "skopeo",
    "registry.example: {images: {a: [b]}}": "skopeo",
    "a: [1]\nregistry.example: {images: {a: [b]}}": "skopeo",
    "nginx: [latest]": "short",
    "nginx:\nredis: [6.2]": "short",
    "redis: alpine": "short",
    "version: 1\nmirrors: []": "mirror",
    "mirrors: [{from: a}]": "mirror",
    "version: 2": "mirror",
    "version: [1]\nmirrors: {a: b}": "skopeo",
    "[a]": "skopeo",
  };
  for (const [text, kind] of Object.entries(kinds)) {
    test(`${JSON.stringify(text)} is ${kind}`, async () => {
      expect(await detectSyncFile(text)).toBe(kind as never);
    });
  }

  test("files of others are to be converted", async () => {
    for (const text of ["version: 1\nsync: [{source: a}]", '{"auth": {}, "images": {"a/b": "c/d"}}']) {
      expect(await configurationError(detectSyncFile(text, "f.yml"))).toBe(
        "f.yml:1: this is a file of regsync or image-syncer; make a mirror file of it with: skopeo sync convert",
      );
    }
  });

  test("a list of mappings is meant to be mirrors", async () => {
    expect(await configurationError(detectSyncFile("mirror: [{from: a}]", "f.yml"))).toBe(
      'f.yml:1: "mirror" is a list of mappings; did you mean "mirrors"?',
    );
  });
});

describe("a file of any kind", () => {
  const readers = {
    skopeo: async (text: string) => (await parseSkopeoYaml(text, "f.yml")).entries,
    short: async (text: string) => await parseShortYaml(text, "f.yml"),
    mirror: async (text: string) => await parseMirrorFile(text, { file: "f.yml", variables: { TOKEN: "t" } }),
  };
  const readAny = async (text: string): Promise<readonly MirrorEntry[]> =>
    await readers[await detectSyncFile(text, "f.yml")](text);
  const files: Readonly<Record<string, string>> = {
    skopeo: "r.example: {images: {a: [1], A: [1]}}",
    short: "r.example/a: [1]",
    mirror: `version: 1\nmirrors:\n- from: \${TOKEN}.example/a:1`,
  };
  for (const [kind, text] of Object.entries(files)) {
    test(`is read: ${kind}`, async () => {
      const found = await readAny(text);
      expect(found.map(({ source, selection }) => [source.repository, selection.references])).toEqual([
        ["a", ["1"]],
      ]);
    });
  }

  const seeds = [
    ...Object.values(files),
    "version: 1\ndefaults: &d {to: m.local/{{name}}}\nmirrors:\n- from: nginx\n  tags: {include: [1.*, /a/], newest: 2}\n  <<: *d\n",
    "version: 1\ncreds: [{registry: a, user: b, pass: c}]\nsync:\n- {source: a/b, target: c.io/d, type: repository, tags: {allow: [a]}}\n",
    '{"auth": {"a.io": {"username": "b", "password": "c"}}, "images": {"a/b:1,2": ["c.io/d", "e.io/f:3,4"]}}',
  ];
  /** A file in which someone has cut, doubled or mistyped something. */
  const damaged = fc
    .tuple(
      fc.constantFrom(...seeds),
      fc.array(
        fc.record({
          at: fc.double({ min: 0, max: 1, noNaN: true }),
          cut: fc.nat({ max: 6 }),
          put: fc.oneof(
            fc.constantFrom(
              "\n",
              ": ",
              "- ",
              "{",
              "[",
              "]",
              "~",
              "*d",
              "&d ",
              "<<",
              "${",
              "{{",
              "/",
              "'",
              "!!x ",
              "|",
              "#",
            ),
            fc.string({ maxLength: 3 }),
          ),
        }),
        { minLength: 1, maxLength: 4 },
      ),
    )
    .map(([text, edits]) =>
      edits.reduce((result, { at, cut, put }) => {
        const start = Math.floor(at * result.length);
        return `${result.slice(0, start)}${put}${result.slice(start + cut)}`;
      }, text),
    );

  test("that is damaged is read, or refused with its line", async () => {
    const check = async (work: Promise<unknown>): Promise<void> => {
      try {
        await work;
      } catch (error) {
        expect(error).toBeInstanceOf(ImageError);
        expect(error).toMatchObject({ code: "CONFIG_INVALID" });
        expect(String(error)).toMatch(/f\.yml(?::\d+: |": yaml: unmarshal errors)/);
      }
    };
    await fc.assert(
      fc.asyncProperty(damaged, async (text) => {
        await check(readAny(text));
        await check(convertSyncFile(text, undefined, { file: "f.yml" }));
      }),
      { numRuns: 1500, seed: 7 },
    );
  });
});
