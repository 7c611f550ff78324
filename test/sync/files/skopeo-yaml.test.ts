import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { parseSkopeoYaml } from "../../../src/sync/files/skopeo-yaml.ts";
import { peerTest } from "../../support/peers.ts";
import { selectByOurs, selectByReal } from "./real-selection.ts";
import { startTagServer, type TagServer } from "./tag-server.ts";

const TAGS = [
  ...[
    "latest",
    "1.20",
    "1e3",
    "0x10",
    "on",
    "v1",
    "1",
    "1.0",
    "01.2.3",
    "v1.2.3",
    "1.2.3",
    "1.2.4-rc.1",
    "1.2.4",
  ],
  ...["1.3.0-alpine", "1.13.1", "1.13.2-alpine-perl", "2.0.0-rc1", "2.0.0", "2.1.0", "0.0.3", "0.2.3"],
  ...[
    "0.2.4",
    "0.3.0",
    "11.1.9",
    "11.2",
    "12.0.0-0",
    "1.0.0-01",
    "1.2.3.4",
    "20240131123000123",
    "v",
    "1.2-",
  ],
  ...["99999999999999999999999", "3.9-beta.11", "3.9-beta.2", "edge-20240131"],
];
const DIGEST = `sha256:${"09be97e0".repeat(8)}`;

let server: TagServer;
beforeAll(() => {
  server = startTagServer(TAGS);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

/** Files, with the running server in place of HOST. */
const FILES: Readonly<Record<string, string>> = {
  "tags keep their spelling": `HOST:
  images:
    a: [1.20, 1e3, 0x10, on, yes, 2024-01-01, 1_0, 0o7, "1.20", true, null, ~]`,
  "digests and tags that are none": `HOST: {images: {a: [${DIGEST}, latest, "bad tag", .5, "", sha256:abc, -x]}}`,
  "no list, an empty one and one of nulls mean all tags": `HOST: {images: {a: , b: [], c: [~], d: ~}}`,
  "repositories that are none": `HOST: {images: {"f:tag": [1], G: [1], "": [1], "a@${DIGEST}": [1], good: [1]}}`,
  "a registry with a path": `HOST/team: {images: {app: [v1]}}`,
  "a registry without anything": `HOST: {tls-verify: false}
other.invalid: ~`,
  "regular expressions match anywhere": `HOST:
  images-by-tag-regex:
    a: ^1\\.13\\.[12]
    b: alpine
    c: ""
    d:
    e: ^(?i)LATEST$
    f: nothing-like-that`,
  "one bad expression disables all of the registry's": `HOST:
  images: {z: [v1]}
  images-by-tag-regex: {a: ^1, b: "("}
HOST/other:
  images-by-tag-regex: {a: ^1}`,
  "one bad constraint disables all of the registry's": `HOST:
  images: {z: [v1]}
  images-by-semver: {a: ">= 1", b: "abc"}`,
  "bad names among expressions": `HOST:
  images-by-tag-regex: {A: x, "b:c": x}
  images-by-semver: {A: "1", "b:c": "1"}`,
  "all three for one repository": `HOST:
  images: {a: [v1]}
  images-by-tag-regex: {a: ^1.2}
  images-by-semver: {a: ">= 11"}`,
  "anchors and merge keys": `HOST/x: &base
  images: &images {a: [v1], b: [latest]}
HOST/y:
  <<: *base
  images-by-semver: {c: ~1.2}
HOST/z:
  images: {<<: *images, b: [1]}`,
  "credentials and the like": `HOST:
  credentials: {username: jo, password: 1.50}
  tls-verify: no
  cert-dir: /nowhere
  images: {a: [v1]}`,
  "only the first document": `HOST: {images: {a: [v1]}}
---
HOST: {images: {b: [v1]}}`,
  JSON: `{"HOST": {"images": {"a": ["v1", 1.20]}}}`,
  nothing: "",
  "a comment": "# nothing",
  null: "~",
};

describe("real skopeo selects the same images, and says the same", () => {
  for (const [name, text] of Object.entries(FILES)) {
    peerTest(name, ["skopeo 1.22"], async ([skopeo = ""]) => {
      const file = text.replaceAll("HOST", server.host);
      const theirs = await selectByReal(skopeo, file);
      expect(await selectByOurs(file, TAGS)).toEqual(theirs);
    });
  }
});

/** One group, in which a fault stays, for each expression. */
function groups(key: string, expressions: readonly string[]): string {
  return JSON.stringify(
    Object.fromEntries(
      expressions.map((text, index) => [`${server.host}/g${index}`, { [key]: { a: text } }]),
    ),
  );
}

const CONSTRAINTS = [
  ...[
    "",
    " ",
    "=v1.2",
    "1.2||",
    "1||2",
    ">=1, ,2",
    ">=1,2",
    "1.2 - 2.3 4",
    ">1.x.3",
    "x.1",
    "01.2",
    "1.2.3-01",
  ],
  ...[
    ">= 1.1-0",
    "*",
    "~*",
    "^*",
    ">*",
    "<*",
    "!=*",
    "<=*",
    ">=*",
    "=*",
    "1.*.2",
    "1 2",
    "> 1 < 3",
    "1.2-3",
    "1.2 -3",
  ],
  ...[
    "1.2 - 3",
    "=1.2-a.b+c",
    "v1",
    "vv1",
    "|",
    "1|2",
    "1.0.0,",
    " >1 ",
    "!1",
    "99999999999999999999",
    "1.2.3.4",
  ],
  ...[
    "^1.2.3",
    "^0.2.3",
    "^0.0.3",
    "^0.0",
    "^0",
    "~1.2.3",
    "~1",
    "~0.0.0",
    "~>1.2",
    ">11",
    ">11.1",
    "<=11.1",
    "<=11",
  ],
  ...[
    "!=1.2",
    "!=1.2.4-rc.1",
    "!=1",
    "!=1.2-rc.1",
    "<2",
    "<2-0",
    "=>1.2",
    "=<1.2",
    "1.2.3 - 2.0.0-rc1",
    "~3.9-beta",
  ],
  ...[
    ">=1.2.4-rc.1 <2",
    "^1.2.4-rc.1",
    "1.2.x",
    "X",
    "1.2.3+b",
    "xx",
    "1x",
    "1.2.3 || >= 12-0",
    "~0",
    "~0.0",
    "^v0.2.x",
  ],
];

const number = fc.constantFrom("0", "1", "2", "3", "11", "12", "x", "*", "13", "01");
const version = fc
  .tuple(
    fc.constantFrom("", "", "v"),
    fc.array(number, { minLength: 1, maxLength: 3 }),
    fc.constantFrom("", "", "", "-0", "-rc1", "-rc.1", "-beta.2", "+b"),
  )
  .map(([v, numbers, rest]) => `${v}${numbers.join(".")}${rest}`);
const operator = fc.constantFrom(
  "",
  "=",
  "!=",
  ">",
  "<",
  ">=",
  "=>",
  "<=",
  "=<",
  "~",
  "~>",
  "^",
  ">= ",
  "< ",
);
const condition = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(operator, version).map((parts) => parts.join("")) },
  { weight: 1, arbitrary: fc.tuple(version, version).map((parts) => parts.join(" - ")) },
);
const constraint = fc
  .array(fc.tuple(condition, fc.constantFrom(" ", ",", ", ", " || ", "||", " , ")), {
    minLength: 1,
    maxLength: 3,
  })
  .map((parts) =>
    parts.map(([text, separator], index) => (index === 0 ? text : `${separator}${text}`)).join(""),
  );

describe("real skopeo reads the same out of", () => {
  peerTest("constraints of all kinds", ["skopeo 1.22"], async ([skopeo = ""]) => {
    const file = groups("images-by-semver", CONSTRAINTS);
    const theirs = await selectByReal(skopeo, file);
    expect(await selectByOurs(file, TAGS)).toEqual(theirs);
    expect(theirs.images.length).toBeGreaterThan(300);
  });

  peerTest("random constraints", ["skopeo 1.22"], async ([skopeo = ""]) => {
    const file = groups("images-by-semver", fc.sample(constraint, { numRuns: 600, seed: 1 }));
    const theirs = await selectByReal(skopeo, file);
    expect(await selectByOurs(file, TAGS)).toEqual(theirs);
    expect(theirs.images.length).toBeGreaterThan(1000);
  });

  peerTest("regular expressions", ["skopeo 1.22"], async ([skopeo = ""]) => {
    const expressions = [
      ...[
        "^v?\\d+$",
        "a|e",
        "(?i)LATEST",
        "\\d{2,}",
        "[[:alpha:]]+",
        "\\pL",
        "(?P<n>1)",
        "(?<n>1)",
        "\\bon\\b",
        "^$",
      ],
      ...[
        "\\Q1.2\\E",
        "[^0-9.]",
        "x*",
        "(?s).",
        "(?:rc|beta)\\.?\\d$",
        "\\x31",
        "1{1,1000}",
        "^(a+)+$",
        "[a-\\d]",
      ],
      ...["(", ")", "[", "a**", "*", "\\8", "(?=a)", "(?<!a)b", "[z-a]", "a{1001}", "\\", "(?z)"],
    ];
    const file = groups("images-by-tag-regex", expressions);
    const theirs = await selectByReal(skopeo, file);
    expect(await selectByOurs(file, TAGS)).toEqual(theirs);
  });
});

describe("a file of skopeo's", () => {
  test("tells how a registry is reached", async () => {
    const text = `r.example:
  credentials: {username: jo, password: 1.50, identitytoken: token}
  cert-dir: /certs
  images: {a: [b]}
s.example:
  credentials: {username: "", password: ~}
  images: {a: [b]}`;
    const [one, two] = (await parseSkopeoYaml(text, "f")).entries;
    expect(one?.access).toEqual({
      credentials: { username: "jo", password: "1.50", identityToken: "token" },
      tlsVerify: undefined,
      certDir: "/certs",
    });
    expect(two?.access).toEqual({ tlsVerify: undefined, certDir: "" });
  });

  test("names the line of each repository", async () => {
    const text = "r.example:\n  images:\n    a:\n    - b\n    c: [d]\n";
    const { entries } = await parseSkopeoYaml(text, "sync.yml");
    expect(entries.map(({ place }) => place)).toEqual(["sync.yml:3", "sync.yml:5"]);
  });

  test("gets a warning for a key that is near a right one", async () => {
    const { problems } = await parseSkopeoYaml("r.example:\n  image: {a: [b]}\n", "sync.yml");
    expect(problems.map(({ message }) => message)).toEqual([
      'sync.yml:2: unknown key "image"; did you mean "images"?',
      "No images specified for registry",
    ]);
  });

  test("never quotes credentials", async () => {
    for (const text of [
      "r: {credentials: hunter2}",
      "r: {credentials: {password: [hunter2]}}",
      "r: {credentials: [hunter2]}",
    ]) {
      const error: unknown = await parseSkopeoYaml(text, "f").catch((reason) => reason);
      expect(String(error)).toContain("cannot unmarshal");
      expect(String(error)).not.toContain("hunter2");
    }
  });
});
