import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { MirrorEntry } from "../../../src/sync/files/mirror-entry.ts";
import { parseMirrorFile } from "../../../src/sync/files/mirror-file.ts";
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
async function readOne(...lines: string[]): Promise<MirrorEntry> {
  const [first] = await read(entry(...lines));
  if (first === undefined) throw new Error("no entry");
  return first;
}

describe("a mirror file", () => {
  test("says everything of an entry", async () => {
    const text = `version: 1
mirrors:
- from: \${REGISTRY}/team/app
  to:
  - registry.local/{{repository}}:{{tag}}-m
  - name: dir:/backup/{{name}}
    rewrite: {match: a, replace: ""}
    cert-dir: /certs
  rewrite: [{match: ^x, replace: $1}, {match: y, replace: 1.5}]
  tags:
    include: [1.*, /^v\\d+$/]
    exclude: "*-rc*"
    semver: ">=1.20, <2"
    prerelease: include
    newest: 5
    newest-by: created
    newer-than: 90d
    older-than: 2026-01-31
    also: [latest, 1.20]
  platforms: [linux/amd64, linux/arm64/v8]
  referrers: false
  cosign-tags: true
  immutable: v*
  protect: [prod-*, /^keep/]
  prune: true
  credentials: {username: ci, password: "\${TOKEN}-$\${x}"}
  tls-verify: false
  cert-dir: /source-certs
`;
    expect(await read(text)).toEqual([
      {
        place: "m.yaml:3",
        source: { registry: "reg.example:5000", repository: "team/app" },
        access: {
          credentials: { username: "ci", password: `s3cret-\${x}` },
          tlsVerify: false,
          certDir: "/source-certs",
        },
        destinations: [
          {
            template: "registry.local/{{repository}}:{{tag}}-m",
            rewrite: [
              { match: "^x", replace: "$1" },
              { match: "y", replace: "1.5" },
            ],
            access: {},
          },
          {
            template: "dir:/backup/{{name}}",
            rewrite: [{ match: "a", replace: "" }],
            access: { certDir: "/certs" },
          },
        ],
        selection: {
          references: ["latest", "1.20"],
          filter: {
            include: [
              { kind: "glob", text: "1.*", place: "m.yaml:11" },
              { kind: "regex", text: "^v\\d+$", place: "m.yaml:11" },
            ],
            exclude: [{ kind: "glob", text: "*-rc*", place: "m.yaml:12" }],
            semver: { text: ">=1.20, <2", prerelease: "include", place: "m.yaml:13" },
            newerThan: { kind: "age", milliseconds: 90 * 864e5, text: "90d", place: "m.yaml:17" },
            olderThan: { kind: "date", date: new Date("2026-01-31"), text: "2026-01-31", place: "m.yaml:18" },
            newest: { count: 5, by: "created", place: "m.yaml:15" },
          },
        },
        platforms: ["linux/amd64", "linux/arm64/v8"],
        referrers: false,
        cosignTags: true,
        immutable: { kind: "glob", text: "v*", place: "m.yaml:23" },
        protect: [
          { kind: "glob", text: "prod-*", place: "m.yaml:24" },
          { kind: "regex", text: "^keep", place: "m.yaml:24" },
        ],
        prune: true,
      },
    ]);
    expect(isValid(parse(text), SCHEMA)).toBe(true);
  });

  test("says nothing but the repository: all tags, with what belongs to them", async () => {
    const one = await readOne();
    expect(one).toMatchObject({
      source: { registry: "docker.io", repository: "library/nginx" },
      referrers: true,
      cosignTags: true,
    });
    expect(one).toMatchObject({
      destinations: undefined,
      platforms: undefined,
      immutable: undefined,
      protect: [],
      prune: undefined,
    });
    expect(one.selection.references).toEqual([]);
    const exclude = one.selection.filter?.exclude?.map(({ text }) => text);
    expect(exclude).toEqual(["sha256-*.{sig,att,sbom}", `sha256-${"?".repeat(64)}`]);
  });

  test("has an entry for each of several repositories, each with its line", async () => {
    const found = await read("version: 1\nmirrors:\n- from:\n  - a/b\n  - quay.io/c\n- from: d:1\n");
    expect(found.map(({ place, source }) => `${place} ${source.registry}/${source.repository}`)).toEqual([
      "m.yaml:4 docker.io/a/b",
      "m.yaml:5 quay.io/c",
      "m.yaml:6 docker.io/library/d",
    ]);
    expect(found[2]?.selection).toEqual({ references: ["1"], filter: undefined });
  });

  test("keeps tags as they are written", async () => {
    const { selection } = await readOne("tags: [1.20, 1e3, 0x10, on, 2024-01-01, 1.20]");
    expect(selection).toEqual({ references: ["1.20", "1e3", "0x10", "on", "2024-01-01"], filter: undefined });
  });

  test("has defaults, which an entry replaces one by one", async () => {
    const text = `version: 1
defaults:
  to: registry.local/{{repository}}
  tags: [latest]
  platforms: all
  referrers: false
  immutable: true
  protect: [a]
  prune: true
  tls-verify: false
  credentials: {username: a, password: b}
mirrors:
- from: one
- from: two
  to: other.local/{{name}}
  tags: {include: "1.*"}
  platforms: linux/amd64
  referrers: true
  immutable: false
  protect: []
  prune: false
  credentials: {username: c, password: d}
- from: three:1.0
`;
    const [one, two, three] = await read(text);
    expect(one).toMatchObject({
      platforms: "all",
      referrers: false,
      cosignTags: false,
      immutable: { text: "*" },
      prune: true,
    });
    expect(one?.selection.references).toEqual(["latest"]);
    expect(one?.access).toEqual({ tlsVerify: false, credentials: { username: "a", password: "b" } });
    expect(two).toMatchObject({
      platforms: ["linux/amd64"],
      referrers: true,
      immutable: undefined,
      protect: [],
      prune: false,
    });
    expect(two?.destinations?.[0]?.template).toBe("other.local/{{name}}");
    expect(two?.selection.references).toEqual([]);
    expect(two?.access).toEqual({ tlsVerify: false, credentials: { username: "c", password: "d" } });
    expect(three?.selection).toEqual({ references: ["1.0"], filter: undefined });
    expect(isValid(parse(text), SCHEMA)).toBe(true);
  });

  test("says once how a registry is reached", async () => {
    const text = `version: 1
registries:
  \${REGISTRY}: {tls-verify: false}
  \${REGISTRY}/team: {credentials: {username: team, password: "\${TOKEN}"}}
  docker.io: {cert-dir: /certs}
mirrors:
- from: nginx
  to: ["\${REGISTRY}/hub/{{name}}", "\${REGISTRY}/team:{{tag}}", "reg.example/x/{{name}}"]
- from: \${REGISTRY}/team/app
  tls-verify: true
- from: \${REGISTRY}/teams/app
`;
    const [one, two, three] = await read(text);
    const team = { credentials: { username: "team", password: "s3cret" } };
    expect(one?.access).toEqual({ certDir: "/certs" });
    expect(one?.destinations?.map(({ access }) => access)).toEqual([{ tlsVerify: false }, team, {}]);
    expect(two?.access).toEqual({ ...team, tlsVerify: true });
    expect(three?.access).toEqual({ tlsVerify: false });
    expect(isValid(parse(text), SCHEMA)).toBe(true);
  });

  test("says more by an entry than by its registry, and by that than by the defaults", async () => {
    const text = `version: 1
defaults: {tls-verify: true, cert-dir: /defaults, to: "docker.io/{{name}}"}
registries:
  docker.io: {tls-verify: false}
mirrors:
- from: a
- from: b
  tls-verify: true
- from: quay.io/c
`;
    const found = await read(text);
    expect(found.map(({ access }) => [access.tlsVerify, access.certDir])).toEqual([
      [false, "/defaults"],
      [true, "/defaults"],
      [true, "/defaults"],
    ]);
    expect(found[0]?.destinations?.[0]?.access).toEqual({ tlsVerify: false });
  });

  test("takes prerelease without a range as one of all versions", async () => {
    const { selection } = await readOne("tags: {prerelease: exclude}");
    expect(selection.filter?.semver).toEqual({ text: "*", prerelease: "exclude", place: "m.yaml:4" });
  });
});
