import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { sha256, tarHeader, temporary } from "../support/images.ts";
import { peerTest } from "../support/peers.ts";
import { fatalMessage, mustRun, type Outcome, runOurs } from "../support/run.ts";
import { checked, type RawEntry, tarOf } from "../support/tar-files.ts";

const layer = tarOf([{ name: "etc/file", content: "content" }]);
const config = JSON.stringify({
  architecture: "amd64",
  os: "linux",
  rootfs: { type: "layers", diff_ids: [sha256(layer)] },
});
const manifest = (item: object = {}): RawEntry => ({
  name: "manifest.json",
  content: JSON.stringify([{ Config: "config.json", RepoTags: ["a:1"], Layers: ["layer.tar"], ...item }]),
});
const parts: readonly RawEntry[] = [
  { name: "layer.tar", content: layer },
  { name: "config.json", content: config },
  manifest(),
];

interface Attempt {
  readonly outcome: Outcome;
  /** Everything in the directory of the destination. */
  readonly left: readonly string[];
}

/** Copies an archive into a directory, which must be empty again if that fails. */
async function copyArchive(archive: Buffer, kind = "docker-archive", suffix = ""): Promise<Attempt> {
  const directory = temporary("broken");
  const [source, target] = [join(directory, "source"), join(directory, "target")];
  for (const path of [source, target]) mkdirSync(path);
  writeFileSync(join(source, "image.tar"), archive);
  const name = `${kind}:${join(source, "image.tar")}${suffix}`;
  const outcome = await runOurs([
    "--insecure-policy",
    "--tmpdir",
    directory,
    "copy",
    name,
    `oci:${join(target, "x")}:y`,
  ]);
  expect(readdirSync(directory).toSorted()).toEqual(["source", "target"]);
  return { outcome, left: readdirSync(target, { recursive: true, encoding: "utf8" }) };
}

async function expectRefusal(archive: Buffer, reason: string | RegExp, kind?: string): Promise<void> {
  const { outcome, left } = await copyArchive(archive, kind);
  expect(fatalMessage(outcome)).toMatch(reason);
  expect(outcome.stderr).not.toContain("internal error");
  expect(outcome.exitCode).toBeGreaterThan(0);
  expect(left.filter((name) => name.includes("index.json") || name.includes("oci-layout"))).toEqual([]);
}

test("an archive in order is copied, in any order and with ./ before its names", async () => {
  for (const entries of [
    parts,
    parts.toReversed(),
    parts.map((part) => ({ ...part, name: `./${part.name}` })),
  ]) {
    const { outcome } = await copyArchive(tarOf(entries));
    expect(outcome.stderr).not.toContain("level=fatal");
  }
});

describe("a docker-archive that is refused", () => {
  const broken: Readonly<Record<string, readonly [archive: Buffer, reason: string | RegExp]>> = {
    "empty file": [Buffer.alloc(0), /loading tar component "manifest.json": file does not exist/],
    "no tar": [Buffer.from("<html>not found</html>".repeat(100)), "it begins with no tar header"],
    "a few bytes": [Buffer.from("short"), "it is too short"],
    zeros: [Buffer.alloc(4096), "it begins with zeros"],
    "cut in a content": [
      tarOf(parts).subarray(0, 1200),
      /it is truncated: its entry "layer.tar" should have \d+ bytes/,
    ],
    "cut in a header": [tarOf(parts).subarray(0, tarOf(parts).length - 1024 - 512 - 100), /is truncated/],
    "a corrupt header": [corrupt(tarOf(parts), 512 + layer.length + 10), /its header at byte \d+ is corrupt/],
    "no manifest.json": [
      tarOf(parts.slice(0, 2)),
      'loading tar component "manifest.json": file does not exist',
    ],
    "no config": [tarOf(parts.toSpliced(1, 1)), 'loading tar component "config.json": file does not exist'],
    "no layer": [tarOf(parts.slice(1)), "Some layer tarfiles are missing in the tarball"],
    "manifest.json that is no JSON": [
      tarOf([...parts.slice(0, 2), { name: "manifest.json", content: "{" }]),
      "manifest.json is not valid JSON",
    ],
    "manifest.json of another shape": [
      tarOf([...parts.slice(0, 2), { name: "manifest.json", content: '{"Config":1}' }]),
      "manifest.json: ",
    ],
    "no image": [
      tarOf([...parts.slice(0, 2), { name: "manifest.json", content: "[]" }]),
      "expected 1 item, got 0",
    ],
    "a config without rootfs": [
      tarOf([parts[0] ?? manifest(), { name: "config.json", content: "{}" }, manifest()]),
      'Invalid image config (rootFS is not set): "config.json"',
    ],
    "more layers than diffIDs": [
      tarOf([...parts.slice(0, 2), manifest({ Layers: ["layer.tar", "layer.tar"] })]),
      "Inconsistent layer count: 2 in manifest, 1 in config",
    ],
    "a layer that is not what the config says": [
      tarOf([{ name: "layer.tar", content: tarOf([{ name: "evil" }]) }, ...parts.slice(1)]),
      /did not match/,
    ],
    "a name twice": [
      tarOf([...parts, { name: "./config.json", content: config.replace("linux", "minix") }]),
      'it holds "config.json" twice',
    ],
    "a layer outside": [
      tarOf([{ name: "layer.tar", type: "2", target: "../../../etc/passwd" }, ...parts.slice(1)]),
      'links to "../../../etc/passwd", which is not in it',
    ],
    "a layer at an absolute path": [
      tarOf([{ name: "layer.tar", type: "2", target: "/etc/passwd" }, ...parts.slice(1)]),
      'links to "/etc/passwd", which is not in it',
    ],
    "a path outside in manifest.json": [
      tarOf([...parts.slice(0, 2), manifest({ Layers: ["../../../../etc/passwd"] })]),
      "Some layer tarfiles are missing in the tarball",
    ],
    "links in a circle": [
      tarOf([
        { name: "layer.tar", type: "2", target: "other" },
        { name: "other", type: "2", target: "layer.tar" },
        ...parts.slice(1),
      ]),
      "which is not in it",
    ],
    "a device for a layer": [
      tarOf([{ name: "layer.tar", type: "3" }, ...parts.slice(1)]),
      'its entry "layer.tar" is no regular file',
    ],
    "a directory for a config": [
      tarOf([...parts.toSpliced(1, 1), { name: "config.json", type: "5" }]),
      'its entry "config.json" is no regular file',
    ],
    "a size beyond the end": [
      tarOf([{ name: "layer.tar", content: layer, size: 1e9 }, ...parts.slice(1)]),
      "is truncated",
    ],
    "a size of 9 GiB": [Buffer.concat([binarySize(9n * 1024n ** 3n), tarOf(parts)]), "is truncated"],
    "a size that no file has": [
      Buffer.concat([binarySize(2n ** 62n), tarOf(parts)]),
      "it begins with no tar header",
    ],
    "a sparse entry": [
      tarOf([{ name: "layer.tar", type: "S", content: layer }, ...parts.slice(1)]),
      "sparse entries",
    ],
    "compressed data that ends early": [
      gzipSync(tarOf(parts)).subarray(0, 200),
      "corrupt gzip data: unexpected end of file",
    ],
    "a name that is none": [
      tarOf([...parts.slice(0, 2), manifest({ RepoTags: ["UPPER:1"] })]),
      'Invalid tag "UPPER:1" in manifest.json item @0',
    ],
  };
  for (const [title, [archive, reason]] of Object.entries(broken)) {
    test(title, async () => {
      if (title === "a name that is none") {
        const { outcome } = await copyArchive(archive, "docker-archive", ":a:1");
        expect(fatalMessage(outcome)).toContain(String(reason));
      } else await expectRefusal(archive, typeof reason === "string" ? literal(reason) : reason);
    });
  }

  test("a manifest.json or config that fills the memory", async () => {
    const large = (name: string): Buffer =>
      tarOf([...parts.filter((part) => part.name !== name), { name, content: " ".repeat(5_000_000) }]);
    await expectRefusal(large("manifest.json"), /exceeded maximum allowed size of 1048576 bytes/);
    await expectRefusal(large("config.json"), /exceeded maximum allowed size of 4194304 bytes/);
  });

  test("a compressed archive that inflates too far", async () => {
    const archive = join(temporary("bomb"), "image.tar.gz");
    writeFileSync(archive, gzipSync(tarOf([{ name: "zeros", content: Buffer.alloc(8_000_000) }, ...parts])));
    const words = ["copy", "--max-layer-size=4M", `docker-archive:${archive}`, `oci:${temporary("x")}:y`];
    const outcome = await runOurs(["--insecure-policy", ...words]);
    expect(fatalMessage(outcome)).toContain("more than the 4194304 bytes allowed");
  });
});

describe("links in a docker-archive lead to files of it", () => {
  for (const [title, link] of [
    ["a symlink", { name: "layer.tar", type: "2", target: "sub/../sub/real.tar" }],
    ["a hard link", { name: "layer.tar", type: "1", target: "sub/real.tar" }],
  ] as const) {
    test(title, async () => {
      const real = { name: "sub/real.tar", content: layer };
      const { outcome } = await copyArchive(tarOf([link, real, ...parts.slice(1)]));
      expect(outcome.stderr).not.toContain("level=fatal");
    });
  }
});

describe("an oci-archive that is refused", () => {
  const index = (digest: string): RawEntry => ({
    name: "index.json",
    content: JSON.stringify({
      schemaVersion: 2,
      manifests: [{ mediaType: "application/vnd.oci.image.manifest.v1+json", digest, size: 2 }],
    }),
  });
  const missing = `sha256:${"a".repeat(64)}`;
  const broken: Readonly<Record<string, readonly [archive: Buffer, reason: string]>> = {
    "no index.json": [tarOf([{ name: "oci-layout" }]), "holds no index.json"],
    "an index.json that is no JSON": [
      tarOf([{ name: "index.json", content: "x" }]),
      "index.json is not valid JSON",
    ],
    "a manifest that is not there": [tarOf([index(missing)]), `holds no blob ${missing}`],
    "another manifest than it says": [
      tarOf([index(missing), { name: `blobs/sha256/${"a".repeat(64)}`, content: "{}" }]),
      "does not match",
    ],
    "two of one name": [tarOf([index(missing), index(missing)]), 'it holds "index.json" twice'],
    "a blob outside": [
      tarOf([index(missing), { name: `blobs/sha256/${"a".repeat(64)}`, type: "2", target: "/etc/passwd" }]),
      "which is not in it",
    ],
  };
  for (const [title, [archive, reason]] of Object.entries(broken)) {
    test(title, async () => await expectRefusal(archive, literal(reason), "oci-archive"));
  }
});

describe("archives of other programs are read", () => {
  const cases: readonly (readonly [title: string, command: readonly string[]])[] = [
    ["GNU tar", ["tar", "--format=gnu"]],
    ["GNU tar, pax", ["tar", "--format=pax"]],
    ["GNU tar, old", ["tar", "--format=v7"]],
    ["GNU tar, ustar", ["tar", "--format=ustar"]],
  ];
  for (const [title, command] of cases) {
    peerTest(title, ["tar"], async () => {
      const directory = temporary("made");
      const long = title.includes("old") || title.includes("ustar") ? "folder" : "long-".repeat(40);
      mkdirSync(join(directory, long));
      writeFileSync(join(directory, long, "layer.tar"), layer);
      writeFileSync(join(directory, "config.json"), config);
      writeFileSync(
        join(directory, "manifest.json"),
        String(manifest({ Layers: [`${long}/layer.tar`] }).content),
      );
      const archive = join(temporary("made"), "image.tar");
      await mustRun([...command, "-cf", archive, "-C", directory, "."]);
      const { outcome } = await copyArchive(readFileSync(archive));
      expect(outcome.stderr).not.toContain("level=fatal");
    });
  }

  peerTest("Python's tarfile", ["python3"], async () => {
    const directory = temporary("made");
    for (const [name, content] of [
      ["layer.tar", layer],
      ["config.json", config],
      ["manifest.json", String(manifest().content)],
    ] as const) {
      writeFileSync(join(directory, name), content);
    }
    const program =
      "import tarfile,sys; t=tarfile.open(sys.argv[1],'w'); t.add(sys.argv[2],arcname='.'); t.close()";
    const archive = join(temporary("made"), "image.tar");
    await mustRun(["python3", "-c", program, archive, directory]);
    const { outcome } = await copyArchive(readFileSync(archive));
    expect(outcome.stderr).not.toContain("level=fatal");
  });

  peerTest("and sparse ones are refused", ["tar", "truncate"], async () => {
    const directory = temporary("sparse");
    await mustRun(["truncate", "-s", "10M", join(directory, "layer.tar")]);
    for (const format of ["gnu", "pax"]) {
      const archive = join(temporary("made"), "image.tar");
      await mustRun(["tar", `--format=${format}`, "-S", "-cf", archive, "-C", directory, "layer.tar"]);
      await expectRefusal(readFileSync(archive), /sparse entries/);
    }
  });
});

function literal(text: string): RegExp {
  return new RegExp(RegExp.escape(text));
}

function corrupt(archive: Buffer, position: number): Buffer {
  const copy = Buffer.from(archive);
  copy[position] = 0x7f;
  return copy;
}

/** A header of a file with a size that takes more than octal digits. */
function binarySize(size: bigint): Buffer {
  const header = tarHeader("huge", 0);
  header.writeBigUInt64BE(size, 128);
  header.writeUInt32BE(0x80000000, 124);
  return checked(header);
}
