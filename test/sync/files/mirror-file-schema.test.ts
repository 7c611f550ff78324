import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { MirrorEntry } from "../../../src/sync/files/mirror-entry.ts";
import { parseMirrorFile } from "../../../src/sync/files/mirror-file.ts";
import { configurationError } from "./failure.ts";
import { isValid } from "./json-schema.ts";

const VARIABLES = { TOKEN: "s3cret", REGISTRY: "reg.example:5000", EMPTY: "" };
const SCHEMA: unknown = JSON.parse(
  readFileSync(join(import.meta.dir, "..", "..", "..", "docs", "mirror-file.schema.json"), "utf8"),
);

const read = (text: string): Promise<readonly MirrorEntry[]> =>
  parseMirrorFile(text, { file: "m.yaml", variables: VARIABLES });

/** A file with one entry, whose lines these are. */
const entry = (...lines: string[]): string =>
  `version: 1\nmirrors:\n- from: nginx\n${lines.map((line) => `  ${line}\n`).join("")}`;
/** Files that are good, for parser and schema alike. */
const GOOD: readonly string[] = [
  "version: 1\nmirrors: []",
  "version: 1\ndefaults: {}\nregistries: {}\nmirrors: []",
  entry("tags: latest"),
  entry("tags: [latest, 1.20, 3, true]"),
  entry(`tags: [sha256:${"a".repeat(64)}]`),
  entry("tags: {newest: 3}"),
  entry("tags: {semver: 1.20, also: latest}"),
  entry("tags: {include: 1.20, exclude: [2, x]}"),
  entry("to: docker.io/me/{{name}}"),
  entry("to: registry.local:5000/{{registry}}/{{ repository }}:v{{tag}}"),
  entry(`to: "\${REGISTRY}/{{name}}"`),
  entry("to: dir:/backup/{{repository}}"),
  entry("rewrite: []"),
  entry("protect: []"),
  entry("immutable: false"),
  entry("immutable: /^v/"),
  entry("credentials: {username: 1, password: 2}"),
  entry("prune: True"),
  '{"version": 1, "mirrors": [{"from": "nginx", "tags": ["1.20"]}]}',
];

/** Files that are bad, for parser and schema alike, and what the parser says. */
const BAD: readonly (readonly [text: string, message: string])[] = [
  ["[]", "m.yaml:1: a mirror file must be a mapping (key: value), and is a list"],
  ["mirrors: []", 'm.yaml:1: a mirror file needs the key "version"'],
  ["version: 1", 'm.yaml:1: a mirror file needs the key "mirrors"'],
  ["version: 2\nmirrors: []", "m.yaml:1: version must be 1"],
  ["version: '1'\nmirrors: []", "m.yaml:1: version must be 1"],
  ["version: 1\nmirrors: {}", "m.yaml:2: mirrors must be a list"],
  ["version: 1\nmirrors:", "m.yaml:2: mirrors has no value"],
  [
    "version: 1\nmirors: []\nmirrors: []",
    'm.yaml:2: unknown key "mirors" in a mirror file; did you mean "mirrors"?',
  ],
  [
    "version: 1\nmirrors:\n- nginx",
    "m.yaml:3: an entry of mirrors must be a mapping (key: value), and is a single value",
  ],
  ["version: 1\nmirrors:\n- to: a/b", 'm.yaml:3: an entry of mirrors needs the key "from"'],
  ["version: 1\nmirrors:\n- from: []", "m.yaml:3: from is an empty list"],
  ["version: 1\nmirrors:\n- from: a/*", "m.yaml:3: from names one repository, without patterns"],
  ["version: 1\nmirrors:\n- from: [a, {b: c}]", "m.yaml:3: from must be a text, and is a mapping"],
  ["version: 1\ndefaults: {from: a}\nmirrors: []", 'm.yaml:2: unknown key "from" in defaults'],
  [
    entry("platform: linux/amd64"),
    'm.yaml:4: unknown key "platform" in an entry of mirrors; did you mean "platforms"?',
  ],
  [
    entry("tls_verify: false"),
    'm.yaml:4: unknown key "tls_verify" in an entry of mirrors; did you mean "tls-verify"?',
  ],
  [
    entry("wholly-different: 1"),
    'm.yaml:4: unknown key "wholly-different" in an entry of mirrors; possible are from, to,',
  ],
  [entry("tags: []"), "m.yaml:4: tags is an empty list"],
  [entry("tags: {}"), "m.yaml:4: tags has no filter (include, semver, newest …); leave it out for all tags"],
  [
    entry("tags: {also: a}"),
    "m.yaml:4: tags has no filter (include, semver, newest …); write tags: [latest]",
  ],
  [
    entry("tags: [1.*]"),
    'm.yaml:4: "1.*" is neither a tag nor a digest; patterns go under tags: {include: […]}',
  ],
  [entry("tags: [sha256:abc]"), 'm.yaml:4: "sha256:abc" is neither a tag nor a digest; a digest is'],
  [entry("tags: ['']"), "m.yaml:4: each of tags must be a text, and is empty"],
  [entry("tags: [~]"), "m.yaml:4: each of tags must be a text"],
  [entry("tags: {includes: a}"), 'm.yaml:4: unknown key "includes" in tags; did you mean "include"?'],
  [entry("tags: {include: []}"), "m.yaml:4: include is an empty list"],
  [entry("tags: {newest: 0}"), "m.yaml:4: newest must be a whole number from 1"],
  [entry("tags: {newest: '3'}"), "m.yaml:4: newest must be a whole number from 1"],
  [entry("tags: {newest: many}"), "m.yaml:4: newest must be a whole number from 1"],
  [entry("tags: {newest: 1, newest-by: date}"), "m.yaml:4: newest-by must be one of semver, created"],
  [entry("tags: {include: a, newest-by: semver}"), "m.yaml:4: newest-by needs newest"],
  [
    entry("tags: {semver: 1, prerelease: maybe}"),
    "m.yaml:4: prerelease must be one of in-range, include, exclude",
  ],
  [entry("tags: {newer-than: 3 months}"), "m.yaml:4: newer-than must be an age such as 90d"],
  [entry("to: []"), "m.yaml:4: to is an empty list"],
  [
    entry("to: registry.local/"),
    "m.yaml:4: to: nothing stands behind the last /; write registry.local/{{repository}}",
  ],
  [entry("to: registry.local/{{repo}}"), 'm.yaml:4: to: unknown {{repo}}; did you mean "repository"?'],
  [entry("to: registry.local/{{name}"), "m.yaml:4: to: a {{ or }} lacks its other half"],
  [entry("to: {template: registry.local/a}"), 'm.yaml:4: unknown key "template" in to'],
  [entry("to: {rewrite: []}"), 'm.yaml:4: a destination needs the key "name"'],
  [entry("rewrite: {match: a}"), 'm.yaml:4: rewrite needs the key "replace"'],
  [entry("rewrite: {replace: a}"), 'm.yaml:4: rewrite needs the key "match"'],
  [entry("platforms: []"), "m.yaml:4: platforms is an empty list"],
  [entry("platforms: amd64"), 'm.yaml:4: "amd64" is no platform'],
  [entry("platforms: [linux/amd64, all]"), 'm.yaml:4: "all" is no platform'],
  [entry("prune: yes"), "m.yaml:4: prune must be true or false"],
  [entry("referrers: 'true'"), "m.yaml:4: referrers must be true or false"],
  [entry("cosign-tags: 1"), "m.yaml:4: cosign-tags must be true or false"],
  [entry("immutable: [a, b]"), "m.yaml:4: immutable must be a text, and is a list"],
  [entry("credentials: {username: a}"), 'm.yaml:4: credentials needs the key "password"'],
  [
    entry("credentials: {user: a, password: b}"),
    'm.yaml:4: unknown key "user" in credentials; did you mean "username"?',
  ],
  [entry("cert-dir: ''"), "m.yaml:4: cert-dir must be a text, and is empty"],
  ["version: 1\nregistries: {a: {tls: false}}\nmirrors: []", 'm.yaml:2: unknown key "tls" in registries.a'],
  ["version: 1\nregistries: {https://a: {}}\nmirrors: []", 'm.yaml:2: "https://a" is no registry'],
];

/** Files of which only the parser can tell that they are bad. */
const WORSE: readonly (readonly [text: string, message: string])[] = [
  [entry("tags: {include: /(/}"), "m.yaml:4: include: error parsing regexp: missing closing ): `(`"],
  [entry("tags: {exclude: [a, '[b']}"), "m.yaml:4: exclude: the glob has a [ without its other half"],
  [entry("tags: {semver: newest}"), "m.yaml:4: semver: improper constraint: newest; a range looks like"],
  [entry("tags: {newer-than: 2026-13-31}"), "m.yaml:4: newer-than must be an age"],
  [
    entry("to: mirror/{{name}}"),
    "m.yaml:4: to: a destination begins with its registry; for Docker Hub write docker.io/mirror/{{name}}",
  ],
  [
    entry("to: registry.local"),
    'm.yaml:4: to: "registry.local" names no repository; write registry.local/{{repository}}',
  ],
  [
    entry("to: registry.local/UPPER"),
    'm.yaml:4: to: it makes names such as "registry.local/UPPER:latest", and these are not valid',
  ],
  [
    entry(`to: registry.local/a@sha256:${"a".repeat(64)}`),
    "m.yaml:4: to: a destination has a tag, if anything",
  ],
  [entry("rewrite: {match: '(', replace: a}"), "m.yaml:4: match: error parsing regexp"],
  [
    entry(`credentials: {username: a, password: '\${MISSING}'}`),
    "m.yaml:4: the environment variable MISSING is not set",
  ],
  [
    entry(`credentials: {username: a, password: '\${EMPTY}'}`),
    "m.yaml:4: the environment variable EMPTY is not set, but empty",
  ],
  [entry(`credentials: {username: a, password: 'x\${TOKEN'}`), `m.yaml:4: \${ must begin a variable`],
  [
    entry(`to: registry.local/\${TOKEN}`),
    "m.yaml:4: only the registry of a name and credentials may have variables",
  ],
  [`version: 1\nmirrors:\n- from: \${NOWHERE}/a`, "m.yaml:3: the environment variable NOWHERE is not set"],
  ["version: 1\nmirrors:\n- from: UPPER", 'm.yaml:3: from: "UPPER" is no repository'],
  ["version: 1\nmirrors:\n- from: a:1\n  tags: [2]", "m.yaml:3: from names the image 1, and tags others"],
  ["version: 1\nversion: 1\nmirrors: []", 'm.yaml:2: the key "version" is there twice'],
  ["version: 1\nmirrors: []\n---\n{}", "m.yaml:3: the file must be one YAML document"],
  ["", "m.yaml:1: the file is empty"],
];

describe("parser and schema agree", () => {
  for (const text of GOOD) {
    test(`that ${JSON.stringify(text)} is good`, async () => {
      await read(text);
      expect(isValid(parse(text), SCHEMA)).toBe(true);
    });
  }
  for (const [text, message] of BAD) {
    test(`that ${JSON.stringify(text)} is bad`, async () => {
      expect(await configurationError(read(text))).toStartWith(message);
      expect(isValid(parse(text), SCHEMA)).toBe(false);
    });
  }
});

describe("the parser alone finds out", () => {
  for (const [text, message] of WORSE) {
    test(`that ${JSON.stringify(text)} is bad`, async () => {
      expect(await configurationError(read(text))).toStartWith(message);
    });
  }

  test("and never tells a secret", async () => {
    const lines = [
      "credentials: {username: hunter2, password: [hunter2]}",
      "credentials: hunter2",
      "credentials: [hunter2]",
      `credentials: {username: a, password: 'hunter2\${'}`,
      `credentials: {username: a, password: '\${TOKEN}\${hunter}'}`,
      'credentials: {username: a, password: "hunter2}',
      "credentials: {username: a, password: hunter2: b}",
    ];
    for (const line of lines) {
      const message = await configurationError(read(entry(line)));
      expect(message).not.toContain("hunter2");
      expect(message).not.toContain(VARIABLES.TOKEN);
    }
  });
});
