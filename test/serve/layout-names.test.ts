import { describe, expect, test } from "bun:test";
import type { Descriptor } from "../../src/core/descriptor.ts";
import { computeDigest } from "../../src/core/digest.ts";
import { REPOSITORY, toDescriptor, toEntry, toRepositoryName } from "../../src/serve/layout-names.ts";
import { isRepositoryName } from "../../src/serve/repository-name.ts";

const NAME = "org.opencontainers.image.ref.name";
const OWN = "images";

function described(annotations?: Readonly<Record<string, string>>): Descriptor {
  const base = { mediaType: "application/x", digest: computeDigest(Buffer.from("x")), size: 1 };
  return annotations === undefined ? base : { ...base, annotations };
}

describe("an entry of index.json", () => {
  const names: readonly [string, string, string | undefined][] = [
    ["v1", OWN, "v1"],
    ["latest", OWN, "latest"],
    ["V1.2_3-rc", OWN, "V1.2_3-rc"],
    ["1.0+build.5", OWN, "1.0_build.5"],
    ["busybox:1.36", "busybox", "1.36"],
    ["repo/name:tag", "repo/name", "tag"],
    ["library/busybox", "library/busybox", "latest"],
    ["docker.io/library/x:1", "docker.io/library/x", "1"],
    ["registry.example.com:5000/team/app:2", "registry.example.com/team/app", "2"],
    ["localhost:5000/app", "localhost/app", "latest"],
    ["Team/App:V1", "team/app", "V1"],
    ["a..b/c:1", "a-b/c", "1"],
    [`repo@sha256:${"0".repeat(64)}`, "repo", undefined],
    [`repo/name:1@sha256:${"0".repeat(64)}`, "repo/name", "1"],
  ];
  for (const [name, repository, tag] of names) {
    test(`named ${name.slice(0, 40)} is ${tag ?? "a manifest without a tag"} of ${repository}`, () => {
      const entry = toEntry(described({ [NAME]: name }), OWN);
      expect([entry.repository, entry.tag]).toEqual([repository, tag]);
      expect(isRepositoryName(entry.repository)).toBe(true);
    });

    test(`named ${name.slice(0, 40)} is left as it is`, () => {
      const descriptor = described({ [NAME]: name, other: "kept" });
      expect(toDescriptor(toEntry(descriptor, OWN), OWN)).toBe(descriptor);
    });
  }

  test("without a name belongs to the layout's own repository", () => {
    const entry = toEntry(described(), OWN);
    expect([entry.repository, entry.tag]).toEqual([OWN, undefined]);
  });

  test("that says its repository is there without a tag, unless it says nonsense", () => {
    expect(toEntry(described({ [REPOSITORY]: "team/app" }), OWN).repository).toBe("team/app");
    expect(toEntry(described({ [REPOSITORY]: "../etc" }), OWN).repository).toBe(OWN);
  });

  const written: readonly [string, string | undefined, Readonly<Record<string, string>> | undefined][] = [
    [OWN, "v1", { [NAME]: "v1" }],
    [OWN, undefined, undefined],
    ["repo/name", "v1", { [NAME]: "repo/name:v1" }],
    ["repo/name", undefined, { [REPOSITORY]: "repo/name" }],
  ];
  for (const [repository, tag, annotations] of written) {
    test(`is written for ${tag ?? "no tag"} of ${repository} so that it is read back the same`, () => {
      const descriptor = toDescriptor({ repository, tag, descriptor: described({ [NAME]: "old:1" }) }, OWN);
      expect(descriptor.annotations).toEqual(annotations as Record<string, string>);
      const { repository: read, tag: readTag } = toEntry(descriptor, OWN);
      expect([read, readTag]).toEqual([repository, tag]);
    });
  }

  test("keeps annotations of others when its tag changes", () => {
    const descriptor = described({ [NAME]: "a:1", "org.example.note": "kept" });
    const changed = toDescriptor({ repository: "a", tag: "2", descriptor }, OWN);
    expect(changed.annotations).toEqual({ [NAME]: "a:2", "org.example.note": "kept" });
  });
});

describe("a repository called as a directory", () => {
  for (const [directory, repository] of [
    ["images", "images"],
    ["My Images", "my-images"],
    ["v1.0_final", "v1.0_final"],
    ["__x__", "x"],
    ["a___b", "a-b"],
    ["a._b", "a-b"],
    ["日本", "images"],
    ["", "images"],
  ] as const) {
    test(`${JSON.stringify(directory)} is ${repository}`, () => {
      expect(toRepositoryName(directory)).toBe(repository);
      expect(isRepositoryName(repository)).toBe(true);
    });
  }
});
