import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type DockerDaemon, startDockerd, startPodman } from "../support/docker-daemon.ts";
import { type DockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import { buildImage, temporary, treeOf, writeLayout } from "../support/images.ts";
import { findProgram, peerPath } from "../support/peers.ts";
import { mustRun, runOurs, runReal } from "../support/run.ts";

/** Every way of storing images to every other, read back by real skopeo and by other programs. */
const skopeo = peerPath("skopeo 1.16");
const hasPeers = skopeo !== undefined && findProgram("docker-registry") !== undefined;
if (!hasPeers)
  console.error("LEFT OUT for want of skopeo 1.16, docker-registry: every transport to every other");

const TLS = ["--src-tls-verify=false", "--dest-tls-verify=false"];
const TRANSPORTS = ["docker", "oci", "oci-archive", "dir", "docker-archive", "docker-daemon"] as const;
type Kind = (typeof TRANSPORTS)[number];
/** Those that keep an OCI manifest and compressed layers, byte for byte. */
const FAITHFUL: ReadonlySet<Kind> = new Set(["docker", "oci", "oci-archive", "dir"]);

const image = buildImage({ seed: "pairs", layers: [1000, 1_500_000] });
let registry: DockerRegistry;
let daemons: readonly DockerDaemon[] = [];
let layout: string;
const sources = new Map<Kind, string>();

beforeAll(async () => {
  if (!hasPeers) return;
  const [started, dockerd, podman] = await Promise.all([
    startDockerRegistry(),
    startDockerd(),
    startPodman(),
  ]);
  registry = started;
  daemons = [dockerd, podman].filter((daemon) => daemon !== undefined);
  layout = `oci:${writeLayout({ image })}:image`;
  for (const kind of TRANSPORTS) {
    if (kind === "docker-daemon" && daemons.length === 0) continue;
    const place = newPlace(kind);
    await mustRun([skopeo, "--insecure-policy", "copy", ...TLS, ...hostFlags("dest", place), layout, place]);
    sources.set(kind, place);
  }
}, 60_000);

afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
  for (const daemon of daemons) await daemon[Symbol.asyncDispose]();
});

function newPlace(kind: Kind): string {
  const name = crypto.randomUUID();
  if (kind === "docker") return `docker://${registry.host}/${name}:1`;
  if (kind === "docker-daemon") return `docker-daemon:example.com/${name}:1`;
  const path = join(temporary("pairs"), "image");
  return kind === "dir" ? `dir:${path}` : `${kind}:${path}:name:1`;
}

function hostFlags(side: "src" | "dest", place: string, daemon = daemons[0]): readonly string[] {
  return place.startsWith("docker-daemon:") && daemon ? [`--${side}-daemon-host`, daemon.host] : [];
}

/** The image in one form that all places can be brought to. */
async function plainOf(place: string, daemon?: DockerDaemon): Promise<unknown> {
  const directory = join(temporary("plain"), "image");
  const words = ["copy", ...TLS, ...hostFlags("src", place, daemon), "--dest-decompress", "--format=v2s2"];
  const outcome = await runReal([...words, place, `dir:${directory}`]);
  if (outcome.exitCode !== 0) throw new Error(outcome.stderr);
  const { "manifest.json": _, ...blobs } = treeOf(directory);
  return blobs;
}

async function manifestOf(place: string): Promise<string> {
  const outcome = await runReal(["inspect", "--raw", "--tls-verify=false", place]);
  expect(outcome.exitCode).toBe(0);
  return outcome.stdout;
}

describe("the same image arrives", () => {
  for (const from of TRANSPORTS) {
    for (const to of TRANSPORTS) {
      test.skipIf(!hasPeers)(
        `from ${from} in ${to}`,
        async () => {
          const source = sources.get(from);
          if (source === undefined || (to === "docker-daemon" && daemons.length === 0)) return;
          for (const daemon of to === "docker-daemon" ? daemons : [undefined]) {
            const place = newPlace(to);
            const flags = [...hostFlags("src", source), ...hostFlags("dest", place, daemon)];
            const outcome = await runOurs(["--insecure-policy", "copy", ...TLS, ...flags, source, place]);
            expect(outcome.stderr).not.toContain("level=fatal");
            expect(await plainOf(place, daemon)).toEqual(await plainOf(layout));
            if (FAITHFUL.has(from) && FAITHFUL.has(to)) {
              expect(await manifestOf(place)).toBe(image.blobs.get(image.top.digest)?.toString() ?? "");
            }
          }
        },
        60_000,
      );
    }
  }
});

describe("other programs take what we write", () => {
  const needs = (program: string): boolean => !hasPeers || findProgram(program) === undefined;

  test.skipIf(needs("umoci"))("umoci unpacks a layout made of an archive", async () => {
    const place = join(temporary("umoci"), "layout");
    const source = sources.get("docker-archive") ?? "";
    expect((await runOurs(["--insecure-policy", "copy", source, `oci:${place}:name`])).exitCode).toBe(0);
    const bundle = join(temporary("umoci"), "bundle");
    await mustRun(["umoci", "unpack", "--rootless", "--image", `${place}:name`, bundle]);
    expect(readFileSync(join(bundle, "rootfs", "file-1")).length).toBe(1_500_000);
  });

  const crane = findProgram("crane");
  test.skipIf(!hasPeers || crane === undefined)(
    "crane finds a pushed archive valid, in gzip and zstd",
    async () => {
      for (const format of [[], ["--dest-compress-format=gzip", "--dest-force-compress-format"]]) {
        const name = `${registry.host}/crane/${crypto.randomUUID()}:1`;
        const words = ["--insecure-policy", "copy", ...TLS, ...format, sources.get("docker-archive") ?? ""];
        expect((await runOurs([...words, `docker://${name}`])).exitCode).toBe(0);
        await mustRun([crane ?? "", "validate", "--insecure", "--remote", name]);
      }
      const archive = join(temporary("crane"), "image.tar");
      const words = ["--insecure-policy", "copy", layout, `docker-archive:${archive}:name:1`];
      expect((await runOurs(words)).exitCode).toBe(0);
      await mustRun([crane ?? "", "validate", "--tarball", archive]);
    },
  );

  test.skipIf(needs("docker"))("docker runs its course: load, save, and back", async () => {
    const daemon = daemons.find(({ program }) => program === "dockerd");
    if (daemon === undefined) return;
    const archive = join(temporary("docker"), "image.tar");
    const words = ["--insecure-policy", "copy", layout, `docker-archive:${archive}:example.com/name:1`];
    expect((await runOurs(words)).exitCode).toBe(0);
    const docker = ["docker", "-H", daemon.host];
    expect(await mustRun([...docker, "load", "-i", archive])).toContain("example.com/name:1");
    const saved = join(temporary("docker"), "saved.tar");
    await mustRun([...docker, "save", "-o", saved, "example.com/name:1"]);
    const back = `dir:${join(temporary("docker"), "back")}`;
    expect((await runOurs(["--insecure-policy", "copy", `docker-archive:${saved}`, back])).exitCode).toBe(0);
    expect(await plainOf(back)).toEqual(await plainOf(layout));
  });
});
