import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { isDigest } from "../../../src/core/digest.ts";
import type { DestinationPlace } from "../../../src/sync/destination-name.ts";
import { destinationFor } from "../../../src/sync/files/destinations.ts";
import type { RewriteRule } from "../../../src/sync/files/mirror-entry.ts";
import { entryFromReference } from "../../../src/sync/files/reference-entry.ts";
import { temporary } from "../../support/images.ts";
import { peerTest } from "../../support/peers.ts";
import { run } from "../../support/run.ts";
import { configurationError } from "./failure.ts";
import { startTagServer, type TagServer } from "./tag-server.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

/** The name that a template gives an image of reg.example:5000/team/sub/app. */
async function nameBy(template: string, reference: string, ...rewrite: RewriteRule[]): Promise<string> {
  const source = entryFromReference("reg.example:5000/team/sub/app");
  const entry = { ...source, place: "m.yaml:3", destinations: [{ template, rewrite, access: {} }] };
  const [only] = await destinationFor(entry, reference, undefined);
  return only?.name ?? "";
}

describe("a template", () => {
  const cases: readonly (readonly [template: string, reference: string, name: string])[] = [
    ["m.local/{{repository}}", "1.0", "docker://m.local/team/sub/app:1.0"],
    ["m.local/{{name}}", "1.0", "docker://m.local/app:1.0"],
    ["m.local:5000/{{registry}}/{{ name }}", "1.0", "docker://m.local:5000/reg.example-5000/app:1.0"],
    ["{{registry}}/mirror/{{name}}", "1.0", "docker://reg.example:5000/mirror/app:1.0"],
    ["m.local/app:{{tag}}-mirror", "1.0", "docker://m.local/app:1.0-mirror"],
    ["m.local:5000/app:fixed", "1.0", "docker://m.local:5000/app:fixed"],
    ["m.local/{{name}}/{{tag}}:x", "1.0", "docker://m.local/app/1.0:x"],
    ["m.local/{{repository}}", DIGEST, `docker://m.local/team/sub/app@${DIGEST}`],
    ["m.local/app:{{tag}}-mirror", DIGEST, `docker://m.local/app@${DIGEST}`],
    ["m.local/app:fixed", DIGEST, "docker://m.local/app:fixed"],
    ["dir:/backup/{{registry}}/{{repository}}", "1.0", "dir:/backup/reg.example:5000/team/sub/app:1.0"],
    ["dir:backup-{{name}}", DIGEST, `dir:backup-app@${DIGEST}`],
  ];
  for (const [template, reference, name] of cases) {
    test(`${template} of ${reference.slice(0, 8)}`, async () => {
      expect(await nameBy(template, reference)).toBe(name);
    });
  }

  test("needs a tag where its path has one", async () => {
    expect(await configurationError(nameBy("m.local/app/{{tag}}", DIGEST))).toStartWith("m.yaml:3: ");
  });
});

describe("rewriting", () => {
  const cases: readonly (readonly [match: string, replace: string, name: string])[] = [
    ["team/", "", "docker://m.local/sub/app:v1.0"],
    ["/(\\w+)/(\\w+)/", "/$2-$1/", "docker://m.local/sub-team/app:v1.0"],
    ["(?P<path>team/sub)/", `\${path}_$$_`, "docker://m.local/team/sub_$_app:v1.0"],
    [":v([0-9.]+)$", `:\${1}x$9`, "docker://m.local/team/sub/app:1.0x"],
    ["no such thing", "x", "docker://m.local/team/sub/app:v1.0"],
    ["[st]", "<$0>", "docker://m.local/<t>eam/<s>ub/app:v1.0"],
  ];
  for (const [match, replace, name] of cases) {
    test(`${match} by ${replace}`, async () => {
      expect(await nameBy("m.local/{{repository}}", "v1.0", { match, replace })).toBe(name);
    });
  }

  test("goes rule by rule, and leaves digests alone", async () => {
    const rules = [
      { match: "team", replace: "one" },
      { match: "one/sub", replace: "two" },
      { match: "a{64}", replace: "b" },
    ];
    expect(await nameBy("m.local/{{repository}}", DIGEST, ...rules)).toBe(
      `docker://m.local/two/app@${DIGEST}`,
    );
  });
});

describe("an entry", () => {
  test("has a name and access for each of its destinations", async () => {
    const access = { tlsVerify: false };
    const destinations = ["a.local/x", "b.local/y"].map((template) => ({ template, rewrite: [], access }));
    const entry = { ...entryFromReference("nginx"), destinations };
    expect(await destinationFor(entry, "1", undefined)).toEqual([
      { name: "docker://a.local/x:1", access },
      { name: "docker://b.local/y:1", access },
    ]);
  });

  test("needs a destination from somewhere", async () => {
    expect(await configurationError(destinationFor(entryFromReference("nginx"), "1", undefined))).toStartWith(
      "nginx: names no destination",
    );
  });
});

describe("a source on the command line", () => {
  const cases: readonly (readonly [typed: string, repository: string, ...references: string[]])[] = [
    ["nginx:latest", "docker.io/library/nginx", "latest"],
    ["nginx", "docker.io/library/nginx"],
    ["reg.example:5000/team/app", "reg.example:5000/team/app"],
    [`team/app@${DIGEST}`, "docker.io/team/app", DIGEST],
    [`team/app:1@${DIGEST}`, "docker.io/team/app", DIGEST],
  ];
  for (const [typed, repository, ...references] of cases) {
    test(`is an entry: ${typed.slice(0, 30)}`, () => {
      const { source, selection, place } = entryFromReference(typed);
      expect(`${source.registry}/${source.repository}`).toBe(repository);
      expect(selection).toEqual({ references, filter: references.length === 0 ? {} : undefined });
      expect(place).toBe(typed);
    });
  }

  test("has no transport", () => {
    expect(() => entryFromReference("docker://nginx")).toThrow(
      'Cannot obtain a valid image reference for transport "docker" and reference "docker://nginx": invalid reference format',
    );
  });
});

describe("real skopeo gives the same names", () => {
  let server: TagServer;
  beforeAll(() => {
    server = startTagServer(["1.0"]);
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  const places: Readonly<Record<string, Omit<DestinationPlace, "transport">>> = {
    "the last part of the path": { base: "BASE", isScoped: false, suffix: "" },
    "below a path with a slash behind it": { base: "BASE/x/", isScoped: false, suffix: "" },
    "the whole path": { base: "BASE/x", isScoped: true, suffix: "" },
    "with a suffix": { base: "BASE", isScoped: false, suffix: "-m" },
    "the whole path with a suffix": { base: "BASE//y/../z", isScoped: true, suffix: "-m" },
  };
  for (const [name, place] of Object.entries(places)) {
    for (const transport of ["docker", "dir"] as const) {
      for (const reference of ["1.0", DIGEST]) {
        peerTest(
          `${name}, to ${transport}, ${reference.slice(0, 6)}`,
          ["skopeo 1.22"],
          async ([skopeo = ""]) => {
            const base = place.base.replace("BASE", transport === "dir" ? temporary("names") : "m.local");
            const typed = `${server.host}/team/app${isDigest(reference) ? "@" : ":"}${reference}`;
            const flags = [...(place.isScoped ? ["--scoped"] : []), `--append-suffix=${place.suffix}`];
            const words = ["sync", "--dry-run", "--src=docker", `--dest=${transport}`, ...flags, typed, base];
            const outcome = await run([skopeo, "--insecure-policy", ...words]);
            const entry = entryFromReference(typed);
            const [ours] = await destinationFor(entry, reference, { ...place, base, transport });
            const theirs = /to="([^"]*)"/.exec(outcome.stderr)?.[1];
            if (outcome.exitCode === 0) expect(ours?.name).toBe(theirs ?? "");
            // A port inside a path, or a text behind a digest: skopeo names what is no reference.
            else expect(outcome.stderr).toContain(`reference \\"${ours?.name.replace(/^docker:/, "")}\\"`);
          },
        );
      }
    }
  }
});
