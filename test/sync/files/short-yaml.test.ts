import { describe, expect, test } from "bun:test";
import { parseShortYaml } from "../../../src/sync/files/short-yaml.ts";
import { configurationError } from "./failure.ts";

describe("a short file", () => {
  test("maps repositories to their tags", async () => {
    const text = `nginx:
  - latest
  - 1.20
  - 1.20
redis: [alpine, "6.2"]
quay.io/org/app: [sha256:${"a".repeat(64)}, on]
one: 1.10
all: []
every:
localhost:5000/team/app: [0x10]
`;
    const entries = await parseShortYaml(text, "s.yml");
    const rows = entries.map(({ place, source, selection }) => [
      place,
      `${source.registry}/${source.repository}`,
      selection.references.join(" "),
      selection.filter,
    ]);
    expect(rows).toEqual([
      ["s.yml:1", "docker.io/library/nginx", "latest 1.20", undefined],
      ["s.yml:5", "docker.io/library/redis", "alpine 6.2", undefined],
      ["s.yml:6", "quay.io/org/app", `sha256:${"a".repeat(64)} on`, undefined],
      ["s.yml:7", "docker.io/library/one", "1.10", undefined],
      ["s.yml:8", "docker.io/library/all", "", {}],
      ["s.yml:9", "docker.io/library/every", "", {}],
      ["s.yml:10", "localhost:5000/team/app", "0x10", undefined],
    ]);
  });

  test("may be empty", async () => {
    expect(await parseShortYaml("", "s.yml")).toEqual([]);
  });

  const bad: readonly (readonly [text: string, message: string])[] = [
    ["nginx: [a]\n\nnginx: [b]", 's.yml:3: the key "nginx" is there twice'],
    [
      "nginx: [a]\ndocker.io/library/nginx: [b]",
      "s.yml:2: docker.io/library/nginx is there already, at s.yml:1",
    ],
    ["nginx:1.0: [a]", 's.yml:1: "nginx:1.0" names an image; write its repository'],
    ["Nginx: [a]", 's.yml:1: "Nginx" is no repository'],
    ["nginx:\n- latest\n- 1.*", 's.yml:3: "1.*" is neither a tag nor a digest; patterns go under'],
    ["nginx: [a b]", 's.yml:1: "a b" is neither a tag nor a digest; a tag is at most 128 letters'],
    ["nginx: {tags: [a]}", "s.yml:1: the tags of nginx must be a list, and are a mapping"],
    ["nginx: [[a]]", "s.yml:1: each of the tags of nginx must be a text, and is a list"],
    ["- nginx", "s.yml:1: the file must be a mapping"],
  ];
  for (const [text, message] of bad) {
    test(`is refused: ${JSON.stringify(text)}`, async () => {
      expect(await configurationError(parseShortYaml(text, "s.yml"))).toStartWith(message);
    });
  }
});
