import { describe, expect, test } from "bun:test";
import { parse } from "yaml";
import {
  type ConvertOptions,
  convertSyncFile,
  type ForeignFileKind,
} from "../../../src/sync/files/convert.ts";
import { parseMirrorFile } from "../../../src/sync/files/mirror-file.ts";
import { expandVariables } from "../../../src/sync/files/variables.ts";
import { escapeVariables } from "../../../src/sync/files/written-mirror-file.ts";
import { configurationError } from "./failure.ts";

const VARIABLES = { HUB_USER: "u", HUB_PASS: "p", REG: "reg.example", PW: "p" };
const DIGEST = `sha256:${"a".repeat(64)}`;

/** What a file becomes, as data; it must be a mirror file that can be read. */
async function convert(
  text: string,
  kind?: ForeignFileKind,
  options: ConvertOptions = {},
): Promise<{ data: unknown; notes: readonly string[] }> {
  const { yaml, notes } = await convertSyncFile(text, kind, { file: "f.yml", ...options });
  await parseMirrorFile(yaml, { file: "new.yaml", variables: VARIABLES });
  return { data: parse(yaml), notes };
}

test("no text is taken for a variable that was none", () => {
  for (const text of [`a\${b}`, `$\${b}`, `$$\${`, `\${\${`, "$$", "plain"]) {
    expect(expandVariables(escapeVariables(text), {}, "f:1")).toBe(text);
  }
});

describe("a file of regsync", () => {
  test("becomes a mirror file", async () => {
    const text = `version: 1
x-base: &base {type: repository, referrers: true, digestTags: true}
creds:
- {registry: "localhost:5000", tls: disabled}
- registry: docker.io
  user: '{{env "HUB_USER"}}'
  pass: "{{ env \\"HUB_PASS\\" }}"
- {registry: r.example, user: jo, pass: 'Pa$$\${w0rd', tls: insecure}
- {registry: s.example}
sync:
- {source: busybox, target: "localhost:5000/library/busybox", type: image}
- {source: "a/b:1.0", target: "localhost:5000/b:2.0", type: image, platforms: [linux/amd64, linux/arm64]}
- {source: "a/b@${DIGEST}", target: "localhost:5000/b:by-digest", type: image}
- <<: *base
  source: alpine
  target: 'localhost:5000/hub/{{ .Sync.Source }}'
  tags: {allow: [latest, 3, '3\\.\\d+'], deny: ['3.0']}
- source: quay.io/org/app
  target: '{{env "REG"}}/app'
  type: repository
  targetTag: '{{ .Source.Tag }}-mirror'
  tagSets:
  - semverRange: ['>=3.5.1 <4.0', '>=9']
    allow: ['v\\d.*']
  - allow: [edge]
- {source: all/tags, target: "localhost:5000/all/tags", type: repository}
`;
    const { data, notes } = await convert(text);
    expect(data).toEqual({
      version: 1,
      defaults: { referrers: false, "cosign-tags": false },
      registries: {
        "localhost:5000": { "tls-verify": false },
        "docker.io": { credentials: { username: `\${HUB_USER}`, password: `\${HUB_PASS}` } },
        "r.example": { credentials: { username: "jo", password: `Pa$$$\${w0rd` }, "tls-verify": false },
      },
      mirrors: [
        { from: "docker.io/library/busybox:latest", to: "localhost:5000/library/busybox:latest" },
        { from: "docker.io/a/b:1.0", to: "localhost:5000/b:2.0", platforms: ["linux/amd64", "linux/arm64"] },
        { from: `docker.io/a/b@${DIGEST}`, to: "localhost:5000/b:by-digest" },
        {
          from: "docker.io/library/alpine",
          to: "localhost:5000/hub/alpine",
          tags: { include: ["latest", "3", "/^(?:3\\.\\d+)$/"], exclude: ["/^(?:3.0)$/"] },
          referrers: true,
          "cosign-tags": true,
        },
        {
          from: "quay.io/org/app",
          to: `\${REG}/app:{{tag}}-mirror`,
          tags: { include: ["/^(?:v\\d.*)$/"], semver: ">=3.5.1 <4.0 || >=9", prerelease: "include" },
        },
        { from: "quay.io/org/app", to: `\${REG}/app:{{tag}}-mirror`, tags: { include: ["edge"] } },
        { from: "docker.io/all/tags", to: "localhost:5000/all/tags" },
      ],
    });
    expect(notes).toEqual([
      `f.yml:8: the password for r.example is in the new file, too; a variable such as \${PASSWORD} would keep it out`,
    ]);
  });

  test("leaves notes of what has no counterpart, with their lines", async () => {
    const text = `creds:
- registry: a.example
  user: jo
  pass: '{{file "/run/secret"}}'
  reqPerSec: 5
- {user: x}
defaults:
  interval: 60m
  ratelimit: {min: 100}
  newThing: 1
sync:
- {source: a.example, target: b.example, type: registry}
- source: a/b
  target: ocidir:///images/b
  type: image
- source: a/b
  target: 'b.example/{{ index (split .Sync.Source "/") 1 }}'
  type: image
- source: a/b
  target: b.example/b
  type: repository
  targetTag: '{{ .Source.Repository }}'
- source: a/b
  target: b.example/b
  type: image
  platform: linux/amd64
  backup: old-{{.Ref.Tag}}
  hooks: {}
- {source: A/b, target: b.example/b, type: image}
- {source: a/b, target: b.example/b}
`;
    const { data, notes } = await convert(text);
    expect(data).toMatchObject({
      mirrors: [{ from: "docker.io/a/b:latest", to: "b.example/b:latest", platforms: ["linux/amd64"] }],
    });
    const starts = [
      "f.yml:8: interval is left out",
      "f.yml:9: ratelimit is left out",
      "f.yml:10: newThing is left out: there is no counterpart",
      "f.yml:5: reqPerSec is left out",
      "f.yml:2: the credentials for a.example are left out",
      "f.yml:6: these credentials are left out",
      'f.yml:12: the step for "a.example" is left out: registry type',
      'f.yml:13: the step for "a/b" is left out: OCI layouts',
      'f.yml:16: the step for "a/b" is left out: "b.example/{{',
      'f.yml:19: the step for "a/b" is left out: targetTag is a template',
      "f.yml:27: backup is left out",
      "f.yml:28: hooks is left out",
      "f.yml:26: platform gives an index with this platform only",
      'f.yml:29: the step for "A/b" is left out: invalid reference format',
      'f.yml:30: the step for "a/b" is left out: no type',
    ];
    expect(notes.map((line, index) => line.slice(0, starts[index]?.length))).toEqual(starts);
    expect(notes.join("\n")).not.toContain("jo");
  });
});

describe("files of image-syncer", () => {
  test("become a mirror file", async () => {
    const images = `quay.io/coreos/k: quay.io/ruohe/k
quay.io/coreos/k:v1.0: quay.io/ruohe/k
quay.io/coreos/k:v1.0,v2.0: [a.io/b/c, d.io/e/f]
quay.io/coreos/l:v1,v2: [a.io/b/l, "d.io/e/l:x,y"]
quay.io/coreos/k@${DIGEST}: quay.io/ruohe/k
quay.io/coreos/m@${DIGEST}: quay.io/ruohe/m:fixed
quay.io/coreos/k:/a+/: $REG/ruohe/k
library/nginx:1: nginx-mirror/nginx
`;
    const auth = `quay.io: {username: xxx, password: $PW, insecure: true}
quay.io/coreos: {username: "\${REG}", password: literal, identitytoken: t}
d.io: {insecure: false}
`;
    const { data, notes } = await convert(images, undefined, { auth: { text: auth, file: "auth.yml" } });
    expect(data).toEqual({
      version: 1,
      defaults: { referrers: false },
      registries: {
        "quay.io": { credentials: { username: "xxx", password: `\${PW}` }, "tls-verify": false },
        "quay.io/coreos": { credentials: { username: `\${REG}`, password: "literal" } },
        "d.io": {},
      },
      mirrors: [
        { from: "quay.io/coreos/k", to: "quay.io/ruohe/k" },
        { from: "quay.io/coreos/k", to: "quay.io/ruohe/k", tags: ["v1.0"] },
        { from: "quay.io/coreos/k", to: ["a.io/b/c", "d.io/e/f"], tags: ["v1.0", "v2.0"] },
        { from: "quay.io/coreos/l", to: "a.io/b/l", tags: ["v1", "v2"] },
        { from: "quay.io/coreos/l", to: "d.io/e/l:x", tags: ["v1"] },
        { from: "quay.io/coreos/l", to: "d.io/e/l:y", tags: ["v2"] },
        { from: "quay.io/coreos/k", to: "quay.io/ruohe/k", tags: [DIGEST] },
        { from: "quay.io/coreos/m", to: "quay.io/ruohe/m:fixed", tags: [DIGEST] },
        { from: "quay.io/coreos/k", to: `\${REG}/ruohe/k`, tags: { include: ["/a+/"] } },
        { from: "docker.io/library/nginx", to: "docker.io/nginx-mirror/nginx", tags: ["1"] },
      ],
    });
    expect(notes).toEqual([
      "auth.yml:2: identitytoken of quay.io/coreos has no counterpart",
      `auth.yml:2: the password of quay.io/coreos is in the new file, too; a variable such as \${PASSWORD} would keep it out`,
    ]);
  });

  test("may be one, in JSON", async () => {
    const text = `{
	"auth": {"quay.io": {"username": "a", "password": "\${PW}"}},
	"images": {"a/b": "quay.io/a/b"}
}`;
    const { data } = await convert(text);
    expect(data).toMatchObject({
      registries: { "quay.io": {} },
      mirrors: [{ from: "docker.io/a/b", to: "quay.io/a/b" }],
    });
  });

  test("may be the logins alone", async () => {
    const { data } = await convert("quay.io: {username: a, password: b}");
    expect(data).toMatchObject({
      registries: { "quay.io": { credentials: { username: "a", password: "b" } } },
      mirrors: [],
    });
  });

  test("leave notes of rules that cannot be", async () => {
    const text = `a/b: ""
a/c: []
a/d: quay.io/a/d:1
a/e:1,2: quay.io/a/e:1
a/f@${DIGEST}: quay.io/a/f@sha256:${"b".repeat(64)}
a/g: quay.io/$NAME
a/H: quay.io/a/h
a/i: quay.io/a/i
`;
    const { data, notes } = await convert(text);
    expect(data).toMatchObject({ mirrors: [{ from: "docker.io/a/i", to: "quay.io/a/i" }] });
    expect(notes).toEqual([
      'f.yml:1: the rule for "a/b" is left out: it has no destination: those of DEFAULT_REGISTRY and DEFAULT_NAMESPACE have to be written out',
      'f.yml:2: the rule for "a/c" is left out: it has no destination: those of DEFAULT_REGISTRY and DEFAULT_NAMESPACE have to be written out',
      'f.yml:3: the rule for "a/d" is left out: "quay.io/a/d" has 1 tags, and the source 0',
      'f.yml:4: the rule for "a/e:1,2" is left out: "quay.io/a/e" has 1 tags, and the source 2',
      `f.yml:5: the rule for "a/f@${DIGEST}" is left out: an image keeps its digest`,
      'f.yml:6: the rule for "a/g" is left out: a mirror file takes variables for registries only',
      'f.yml:7: the rule for "a/H" is left out: invalid reference format: repository name must be lowercase',
    ]);
  });
});

test("what is neither is refused", async () => {
  for (const text of ["a: b", "nginx: [latest]", "{}"]) {
    expect(await configurationError(convertSyncFile(text, undefined, { file: "f.yml" }))).toStartWith(
      "f.yml:1: this is neither a file of regsync",
    );
  }
  expect(await configurationError(convertSyncFile("[a]", "regsync", { file: "f.yml" }))).toStartWith(
    "f.yml:1: the file must be a mapping",
  );
});
