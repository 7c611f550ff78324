import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type DockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import {
  buildImage,
  buildMultiArch,
  temporary,
  treeOf,
  writeDirectory,
  writeLayout,
} from "../support/images.ts";
import { findProgram, peerPath, peerTest } from "../support/peers.ts";
import { podmanWithOwnStorage } from "../support/podman.ts";
import { fatalMessage, mustRun, type Outcome, run, runOurs, runReal, startOurs } from "../support/run.ts";

const skopeo = peerPath("skopeo 1.16");
const hasPeers = skopeo !== undefined && findProgram("docker-registry") !== undefined;
if (!hasPeers)
  console.error("LEFT OUT for want of skopeo 1.16, docker-registry: archives compared with real skopeo");

const TLS = ["--src-tls-verify=false", "--dest-tls-verify=false"];
const images = {
  oci: buildImage({ seed: "archive", layers: [1000, 300_000, 70], labels: { a: "<b>" } }),
  docker: buildImage({
    seed: "archive docker",
    format: "docker",
    layers: [10, 2000],
    config: {
      docker_version: "20.10",
      container: "abc",
      container_config: { Cmd: ["a&b"], Hostname: "ä\u2028" },
      config: { Healthcheck: { Test: ["NONE"] }, User: "me", Volumes: { "/b": {}, "/a": {} } },
      "10": 1.0,
      os: "linux",
    },
  }),
  repeated: buildImage({ seed: "x", layers: [0, 5, 0] }),
};

let registry: DockerRegistry;
const sources: Record<string, string> = {};

beforeAll(async () => {
  if (!hasPeers) return;
  registry = await startDockerRegistry();
  const layout = writeLayout({ ...images, multi: buildMultiArch("multi") });
  sources.oci = `oci:${layout}:oci`;
  sources.repeated = `oci:${layout}:repeated`;
  sources.multi = `oci:${layout}:multi`;
  sources.docker = `dir:${writeDirectory(images.docker)}`;
});

afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
});

type Tool = (words: readonly string[]) => Promise<Outcome>;
const ours: Tool = (words) => runOurs(["--insecure-policy", ...words]);

async function must(tool: Tool, words: readonly string[]): Promise<void> {
  const outcome = await tool(["copy", ...TLS, ...words]);
  if (outcome.exitCode !== 0) throw new Error(`${words.join(" ")}\n${outcome.stderr}`);
}

/** All files of an archive, by name. */
async function unpacked(archive: string): Promise<unknown> {
  const directory = temporary("unpacked");
  await mustRun(["tar", "-xf", archive, "-C", directory]);
  return treeOf(directory);
}

function archiveIn(label: string): string {
  return join(temporary(label), "image.tar");
}

describe("a docker-archive is byte for byte that of real skopeo", () => {
  const flags: readonly (readonly string[])[] = [
    [],
    ["--additional-tag", "second:2,example.com/third:3"],
    ["--format=v2s2"],
  ];
  for (const name of Object.keys(images)) {
    for (const words of flags) {
      for (const suffix of ["", ":name:tag", ":example.com/deep/name"]) {
        test.skipIf(!hasPeers)(`${name} ${words.join(" ")} as "${suffix}"`, async () => {
          const [theirs, mine] = [archiveIn("theirs"), archiveIn("ours")];
          await must(runReal, [...words, sources[name] ?? "", `docker-archive:${theirs}${suffix}`]);
          await must(ours, [...words, sources[name] ?? "", `docker-archive:${mine}${suffix}`]);
          expect(readFileSync(mine).equals(readFileSync(theirs))).toBe(true);
          expect(readdirSync(join(mine, ".."))).toEqual(["image.tar"]);
        });
      }
    }
  }

  test.skipIf(!hasPeers)("also when it goes into a pipe, and progress elsewhere", async () => {
    const words = ["copy", sources.oci ?? "", "docker-archive:/dev/stdout:name:tag"];
    const file = archiveIn("theirs");
    await must(runReal, [sources.oci ?? "", `docker-archive:${file}:name:tag`]);
    const piped = archiveIn("ours");
    const command = `"$@" | cat > ${piped}`;
    const program = process.env.SKOPEO_BINARY
      ? [process.env.SKOPEO_BINARY]
      : [process.execPath, join(import.meta.dir, "../../src/cli/bin.ts")];
    const outcome = await run(["sh", "-c", command, "sh", ...program, "--insecure-policy", ...words]);
    expect(outcome.stderr).toContain("Copying blob");
    expect(readFileSync(piped).equals(readFileSync(file))).toBe(true);
  });
});

describe("an oci-archive holds what real skopeo puts into one", () => {
  for (const name of ["oci", "docker", "repeated", "multi"]) {
    for (const suffix of ["", ":name"]) {
      test.skipIf(!hasPeers)(`${name} as "${suffix}"`, async () => {
        const all = name === "multi" ? ["--all"] : [];
        const [theirs, mine] = [archiveIn("theirs"), archiveIn("ours")];
        await must(runReal, [...all, sources[name] ?? "", `oci-archive:${theirs}${suffix}`]);
        await must(ours, [...all, sources[name] ?? "", `oci-archive:${mine}${suffix}`]);
        expect(await unpacked(mine)).toEqual(await unpacked(theirs));
        expect(readdirSync(join(mine, ".."))).toEqual(["image.tar"]);
      });
    }
  }

  test.skipIf(!hasPeers)("and replaces a file, unless told to add to it", async () => {
    const file = archiveIn("ours");
    await must(ours, [sources.oci ?? "", `oci-archive:${file}:one`]);
    await must(ours, ["--dest-append", sources.docker ?? "", `oci-archive:${file}:two`]);
    await must(ours, ["--dest-append", sources.docker ?? "", `oci-archive:${file}:two`]);
    for (const [name, source] of [
      ["one", sources.oci],
      ["two", sources.docker],
    ] as const) {
      const back = join(temporary("back"), "image");
      const expected = join(temporary("expected"), "image");
      await must(runReal, [`oci-archive:${file}:${name}`, `oci:${back}:x`]);
      await must(runReal, [source ?? "", `oci:${expected}:x`]);
      expect(treeOf(back)).toEqual(treeOf(expected));
    }
    await must(ours, [sources.repeated ?? "", `oci-archive:${file}:three`]);
    expect((await runReal(["inspect", `oci-archive:${file}:one`])).exitCode).toBe(2);
    await must(runReal, [`oci-archive:${file}:three`, `dir:${join(temporary("back"), "image")}`]);
  });
});

describe("an archive of real skopeo is read as real skopeo reads it", () => {
  const kinds = ["docker-archive", "oci-archive"] as const;
  const targets = ["dir", "oci", "oci-archive", "docker-archive", "docker"] as const;
  for (const kind of kinds) {
    for (const to of targets) {
      test.skipIf(!hasPeers)(`${kind} to ${to}`, async () => {
        const archive = archiveIn("source");
        await must(runReal, [sources.oci ?? "", `${kind}:${archive}:name:tag`]);
        expect(await copied(ours, `${kind}:${archive}:name:tag`, to)).toEqual(
          await copied(runReal, `${kind}:${archive}:name:tag`, to),
        );
      });
    }
    for (const program of ["gzip", "zstd", "bzip2", "xz"]) {
      peerTest(`${kind} compressed with ${program}`, ["skopeo 1.16", program], async () => {
        const archive = archiveIn("source");
        await must(runReal, [sources.oci ?? "", `${kind}:${archive}:name:tag`]);
        const compressed = `${archive}.${program}`;
        await mustRun(["sh", "-c", `${program} -c ${archive} > ${compressed}`]);
        const scratch = temporary("scratch");
        const [plain, outcome] = [
          await ours(["inspect", `${kind}:${archive}:name:tag`]),
          await ours(["--tmpdir", scratch, "inspect", `${kind}:${compressed}:name:tag`]),
        ];
        expect(outcome).toEqual(plain);
        expect(plain.exitCode).toBe(0);
        expect(readdirSync(scratch)).toEqual([]);
      });
    }
  }

  for (const words of [
    ["inspect"],
    ["inspect", "--raw"],
    ["inspect", "--config"],
    ["inspect", "--config", "--raw"],
  ]) {
    test.skipIf(!hasPeers)(words.join(" "), async () => {
      for (const kind of kinds) {
        const archive = archiveIn("source");
        await must(runReal, [sources.docker ?? "", `${kind}:${archive}:name:tag`]);
        const name = `${kind}:${archive}:name:tag`;
        expect(await ours([...words, name])).toEqual(await runReal([...words, name]));
      }
    });
  }

  test.skipIf(!hasPeers)("from standard input", async () => {
    const archive = archiveIn("source");
    await must(runReal, [sources.docker ?? "", `docker-archive:${archive}:name:tag`]);
    const input = { stdin: readFileSync(archive) };
    const outcome = await runOurs(["inspect", "docker-archive:/dev/stdin:name:tag"], input);
    expect(outcome).toEqual(await runReal(["inspect", `docker-archive:${archive}:name:tag`]));
  });
});

/** What a copy makes, in comparable form; layers compressed by either tool are compared as they are decompressed. */
async function copied(tool: Tool, source: string, to: string): Promise<unknown> {
  const file = join(temporary("copied"), "image");
  const destination =
    to === "docker" ? `docker://${registry.host}/${crypto.randomUUID()}:1` : `${to}:${file}`;
  await must(tool, [source, destination]);
  const plain = join(temporary("plain"), "image");
  await must(runReal, ["--dest-decompress", destination, `dir:${plain}`]);
  return treeOf(plain);
}

describe("several images in one docker-archive", () => {
  test.skipIf(!hasPeers)("are added by copy after copy, listed, and found by name and place", async () => {
    const file = archiveIn("several");
    await must(ours, [sources.oci ?? "", `docker-archive:${file}:first:1`]);
    await must(ours, ["--additional-tag", "also:2", sources.docker ?? "", `docker-archive:${file}:second:1`]);
    await must(ours, [sources.repeated ?? "", `docker-archive:${file}`]);
    await must(ours, [sources.oci ?? "", `docker-archive:${file}:again:1`]);
    const expected = ["first:1", "again:1", "second:1", "also:2"].map((name) => `docker.io/library/${name}`);
    const listed = await ours(["list-tags", `docker-archive:${file}`]);
    expect(JSON.parse(listed.stdout)).toEqual({ Tags: [...expected, "@2"] });
    expect(listed).toEqual(await runReal(["list-tags", `docker-archive:${file}`]));
    for (const [name, source] of [
      [":first:1", sources.oci],
      [":@0", sources.oci],
      [":second:1", sources.docker],
      [":also:2", sources.docker],
      [":@2", sources.repeated],
    ] as const) {
      for (const tool of [ours, runReal]) {
        const [back, want] = [join(temporary("back"), "image"), join(temporary("want"), "image")];
        await must(tool, [`docker-archive:${file}${name}`, `dir:${back}`]);
        await must(runReal, ["--dest-decompress", "--format=v2s2", source ?? "", `dir:${want}`]);
        const { "manifest.json": _, ...blobs } = treeOf(back);
        const { "manifest.json": __, ...wanted } = treeOf(want);
        expect(blobs).toEqual(wanted);
      }
    }
  });

  test.skipIf(!hasPeers)("what a killed copy has left is cleared by the next one", async () => {
    const file = archiveIn("killed");
    for (const kind of ["docker-archive", "oci-archive"]) {
      await Bun.write(join(file, "..", ".image.tar.part-0123456789ab"), "half an image");
      await Bun.write(join(file, "..", ".other.tar.part-0123456789ab"), "not ours");
      const killed = startOurs(["--insecure-policy", "copy", sources.oci ?? "", `${kind}:${file}:name:1`]);
      await Bun.sleep(30);
      killed.kill("SIGKILL");
      await killed.exited;
      await must(ours, [sources.oci ?? "", `${kind}:${file}:name:1`]);
      expect(readdirSync(join(file, "..")).toSorted()).toEqual([".other.tar.part-0123456789ab", "image.tar"]);
      await must(runReal, [`${kind}:${file}:name:1`, `dir:${join(temporary("back"), "image")}`]);
      await Bun.file(file).delete();
    }
  });

  test.skipIf(!hasPeers)("a name moves to the image that takes it", async () => {
    const file = archiveIn("moving");
    await must(ours, [sources.oci ?? "", `docker-archive:${file}:name:1`]);
    await must(ours, [sources.docker ?? "", `docker-archive:${file}:name:1`]);
    const { Tags } = JSON.parse((await runReal(["list-tags", `docker-archive:${file}`])).stdout);
    expect(Tags).toEqual(["@0", "docker.io/library/name:1"]);
  });

  test.skipIf(!hasPeers)("two processes that add at the same time lose nothing", async () => {
    const file = archiveIn("together");
    const copies = ["a", "b", "c", "d"].map((name, i) =>
      must(ours, [sources[i % 2 === 0 ? "oci" : "docker"] ?? "", `docker-archive:${file}:${name}:1`]),
    );
    await Promise.all(copies);
    const { Tags } = JSON.parse((await runReal(["list-tags", `docker-archive:${file}`])).stdout);
    expect(Tags.toSorted()).toEqual(["a", "b", "c", "d"].map((name) => `docker.io/library/${name}:1`));
    expect(readdirSync(join(file, ".."))).toEqual(["image.tar"]);
  });

  peerTest("podman loads all of them", ["skopeo 1.16", "podman"], async () => {
    const file = archiveIn("podman");
    await must(ours, [sources.oci ?? "", `docker-archive:${file}:first:1`]);
    await must(ours, [sources.docker ?? "", `docker-archive:${file}:second:1`]);
    const root = temporary("podman");
    const podman = podmanWithOwnStorage();
    const loaded = await mustRun([...podman, "load", "-i", file]);
    expect(loaded).toContain("docker.io/library/first:1");
    expect(loaded).toContain("docker.io/library/second:1");
    const saved = join(root, "saved.tar");
    await mustRun([...podman, "save", "--format=docker-archive", "-o", saved, "first:1"]);
    await must(ours, [`docker-archive:${saved}:first:1`, `dir:${join(root, "dir")}`]);
    const savedLayout = join(root, "saved-oci.tar");
    await mustRun([...podman, "save", "--format=oci-archive", "-o", savedLayout, "first:1"]);
    await must(ours, [`oci-archive:${savedLayout}`, `dir:${join(root, "dir2")}`]);
  });
});

describe("names of archives that mean nothing are refused as by real skopeo", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  const names = [
    ...[
      "",
      "FILE:",
      "FILE:@x",
      "FILE:@-1",
      "FILE:@9",
      "FILE:none:1",
      "FILE:UPPER",
      "/none.tar",
      "/none.tar:x:1",
    ],
    ...[`FILE:a@${digest}`, `FILE:a:1@${digest}`],
  ];
  for (const name of names) {
    test.skipIf(!hasPeers)(`docker-archive:${name}`, async () => {
      const file = archiveIn("names");
      await must(runReal, [sources.oci ?? "", `docker-archive:${file}:name:tag`]);
      const words = ["inspect", `docker-archive:${name.replace("FILE", file)}`];
      const [outcome, theirs] = [await ours(words), await runReal(words)];
      // What an archive lacks is found out when it is opened, not when its manifest is read.
      const reason = fatalMessage(theirs).replace(/^Error retrieving manifest for image: /, "");
      expect(fatalMessage(outcome).split("\nHint")[0]).toEndWith(reason);
      expect(outcome.exitCode).toBe(theirs.exitCode);
    });
  }

  for (const name of ["/none.tar", "FILE:none", "FILE:a~b"]) {
    test.skipIf(!hasPeers)(`oci-archive:${name}`, async () => {
      const file = archiveIn("names");
      await must(runReal, [sources.oci ?? "", `oci-archive:${file}:name`]);
      const words = ["inspect", `oci-archive:${name.replace("FILE", file)}`];
      const [outcome, theirs] = [await ours(words), await runReal(words)];
      expect(outcome.exitCode).toBe(theirs.exitCode);
      expect(theirs.exitCode).not.toBe(0);
    });
  }

  test.skipIf(!hasPeers)("an index goes into no archive of Docker's", async () => {
    const words = (file: string): string[] => [
      "copy",
      "--all",
      sources.multi ?? "",
      `docker-archive:${file}`,
    ];
    const [file, other] = [archiveIn("index"), archiveIn("index")];
    const [outcome, theirs] = [await ours(words(file)), await runReal(words(other))];
    expect(fatalMessage(outcome)).toBe(fatalMessage(theirs));
    expect(existsSync(file)).toBe(false);
  });

  test.skipIf(!hasPeers)("a file that is something else stays as it is", async () => {
    const file = archiveIn("other");
    mkdirSync(join(file, ".."), { recursive: true });
    await Bun.write(file, "my thesis");
    const outcome = await ours(["copy", sources.oci ?? "", `docker-archive:${file}`]);
    expect(outcome.exitCode).toBe(1);
    expect(fatalMessage(outcome)).toContain("docker-archive doesn't support modifying existing images");
    expect(readFileSync(file, "utf8")).toBe("my thesis");
    expect(readdirSync(join(file, ".."))).toEqual(["image.tar"]);
  });
});

describe("a tarball is an image as with real skopeo", () => {
  for (const program of [undefined, "gzip", "zstd", "xz"]) {
    peerTest(program ?? "not compressed", ["skopeo 1.16", "tar", program ?? "tar"], async () => {
      const directory = temporary("tarball");
      await Bun.write(join(directory, "file"), "content");
      const tar = join(directory, "one.tar");
      await mustRun(["tar", "-cf", tar, "-C", directory, "file"]);
      const file = program === undefined ? tar : `${tar}.${program}`;
      if (program !== undefined) await mustRun(["sh", "-c", `${program} -c ${tar} > ${file}`]);
      for (const words of [
        ["inspect", "--raw"],
        ["inspect", "--config", "--raw"],
      ]) {
        for (const name of [`tarball:${file}`, `tarball:${tar}:${file}`]) {
          expect(await ours([...words, name])).toEqual(await runReal([...words, name]));
        }
      }
      const input = { stdin: new Uint8Array(readFileSync(file)) };
      const piped = await runOurs(["inspect", "--raw", "tarball:-"], input);
      expect(JSON.parse(piped.stdout).layers).toEqual(
        JSON.parse((await runReal(["inspect", "--raw", `tarball:${file}`])).stdout).layers,
      );
    });
  }

  test.skipIf(!hasPeers)("that is not there, or is a destination, is refused in the same words", async () => {
    for (const words of [
      ["inspect", "tarball:/none.tar"],
      ["copy", sources.oci ?? "", "tarball:/none.tar"],
    ]) {
      expect(fatalMessage(await ours(words))).toBe(fatalMessage(await runReal(words)));
    }
  });
});
