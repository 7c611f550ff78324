import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { type DockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import { buildImage, sha256, temporary, writeDirectory, writeLayout } from "../support/images.ts";
import { findProgram, peerPath } from "../support/peers.ts";
import { fatalMessage, mustRun, type Outcome, runOurs, runReal } from "../support/run.ts";

/** Compressed bytes differ from program to program: what is compared is what they hold, and all that is said of them. */
const skopeo = peerPath("skopeo 1.16");
const hasPeers = skopeo !== undefined && findProgram("docker-registry") !== undefined;
if (!hasPeers) console.error("LEFT OUT for want of skopeo 1.16, docker-registry: compression of layers");

const TLS = ["--src-tls-verify=false", "--dest-tls-verify=false"];
const image = buildImage({ seed: "compression", layers: [1000, 3_000_000] });
const dockerImage = buildImage({ seed: "compression", layers: [1000, 3_000_000], format: "docker" });

let registry: DockerRegistry;
const sources: Record<string, string> = {};

beforeAll(async () => {
  if (!hasPeers) return;
  registry = await startDockerRegistry();
  sources.gzip = `oci:${writeLayout({ image })}:image`;
  sources.docker = `dir:${writeDirectory(dockerImage)}`;
  sources.uncompressed = await madeBy(["--dest-decompress"], sources.gzip);
  sources["docker uncompressed"] = await madeBy(["--dest-decompress"], sources.docker);
  sources.zstd = await madeBy(["--dest-compress", "--dest-compress-format=zstd"], sources.gzip);
  // Its media types say gzip and its data is not compressed, as that of an archive is.
  sources.mislabelled = await mislabelled();
});

afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
});

async function madeBy(flags: readonly string[], source: string): Promise<string> {
  const directory = join(temporary("source"), "image");
  await mustReal(["copy", ...flags, source, `dir:${directory}`]);
  return `dir:${directory}`;
}

async function mislabelled(): Promise<string> {
  const archive = join(temporary("source"), "image.tar");
  await mustReal(["copy", sources.gzip ?? "", `docker-archive:${archive}`]);
  return await madeBy([], `docker-archive:${archive}`);
}

async function mustReal(words: readonly string[]): Promise<string> {
  return await mustRun([skopeo ?? "", "--insecure-policy", ...words]);
}

async function ours(words: readonly string[]): Promise<Outcome> {
  return await runOurs(["--insecure-policy", ...words]);
}

/** A manifest in which each layer is told by its content. */
async function shapeOf(name: string): Promise<unknown> {
  const directory = join(temporary("shape"), "image");
  await mustReal(["copy", "--preserve-digests", "--src-tls-verify=false", name, `dir:${directory}`]);
  const manifest = JSON.parse(readFileSync(join(directory, "manifest.json"), "utf8"));
  const layers = manifest.layers.map((layer: { digest: string; size: number; annotations?: object }) => {
    const bytes = readFileSync(join(directory, layer.digest.replace("sha256:", "")));
    expect(sha256(bytes)).toBe(layer.digest);
    expect(bytes.length).toBe(layer.size);
    const { annotations = {}, ...others } = layer;
    const plain = decompress(bytes);
    return {
      ...{ ...others, digest: plain.digest, size: 0, compression: plain.compression },
      annotations: Object.keys(annotations).toSorted(),
    };
  });
  return { ...manifest, layers };
}

function decompress(bytes: Buffer): { digest: string; compression: string } {
  if (bytes[0] === 0x1f) return { digest: sha256(gunzipSync(bytes)), compression: "gzip" };
  if (bytes[0] === 0x28) return { digest: sha256(zstdDecompressSync(bytes)), compression: "zstd" };
  return { digest: sha256(bytes), compression: "none" };
}

type Tool = (words: readonly string[]) => Promise<Outcome>;

async function copyBy(
  tool: Tool,
  flags: readonly string[],
  source: string,
  transport: string,
): Promise<unknown> {
  // A registry of its own: in one that it knows, either tool finds layers that it has compressed before.
  await using fresh = transport === "docker" ? await startDockerRegistry() : undefined;
  const destination =
    fresh === undefined ? `${transport}:${join(temporary("d"), "image")}` : `docker://${fresh.host}/image:1`;
  const outcome = await tool(["copy", ...TLS, ...flags, source, destination]);
  if (outcome.exitCode !== 0) return { exitCode: outcome.exitCode };
  return await shapeOf(destination);
}

describe("layers become what they become with real skopeo", () => {
  const zstd = "--dest-compress-format=zstd";
  const chunked = "--dest-compress-format=zstd:chunked";
  const gzip = "--dest-compress-format=gzip";
  const force = "--dest-force-compress-format";
  const cases: readonly (readonly [source: string, transport: string, ...flags: string[]])[] = [
    ["gzip", "dir"],
    ["gzip", "dir", "--dest-decompress"],
    ["zstd", "dir", "--dest-decompress"],
    ["docker", "dir", "--dest-decompress"],
    ["docker", "dir", "--dest-decompress", "--format=oci"],
    ["uncompressed", "dir", "--dest-compress"],
    ["docker uncompressed", "dir", "--dest-compress"],
    ["gzip", "dir", "--dest-compress"],
    ["gzip", "dir", "--dest-compress", zstd],
    ["zstd", "dir", "--dest-compress", gzip],
    ["uncompressed", "dir", "--dest-compress", zstd, "--dest-compress-level=1"],
    ["docker", "dir", "--dest-compress", zstd],
    ["gzip", "dir", "--dest-compress", chunked],
    ["gzip", "dir", zstd],
    ["uncompressed", "docker"],
    ["docker uncompressed", "docker"],
    ["mislabelled", "docker"],
    ["mislabelled", "oci"],
    ["mislabelled", "dir"],
    ["uncompressed", "docker", zstd],
    ["gzip", "docker", zstd],
    ["gzip", "docker", zstd, force],
    ["gzip", "docker", chunked, force],
    ["docker", "docker", zstd],
    ["zstd", "docker", gzip, force],
    ["zstd", "docker"],
    ["uncompressed", "docker", "--dest-precompute-digests"],
    ["uncompressed", "docker", "--dest-compress-level=4"],
    ["uncompressed", "docker", "--format=v2s2"],
    ["zstd", "docker", "--format=v2s2", gzip],
    ["uncompressed", "docker", "--preserve-digests", zstd],
    ["uncompressed", "oci"],
    ["uncompressed", "oci", "--dest-oci-accept-uncompressed-layers"],
    ["docker uncompressed", "oci"],
    ["gzip", "oci", zstd],
    ["zstd", "oci", gzip],
    ["gzip", "oci", chunked],
  ];
  for (const [source, transport, ...flags] of cases) {
    test.skipIf(!hasPeers)(`${source} to ${transport} ${flags.join(" ")}`, async () => {
      const from = sources[source] ?? "";
      const expected = await copyBy(runReal, flags, from, transport);
      expect(expected).toHaveProperty("layers");
      expect(await copyBy(ours, flags, from, transport)).toEqual(expected);
    });
  }
});

describe("what cannot be compressed so is refused in the same words", () => {
  const cases: readonly (readonly [source: string, transport: string, ...flags: string[]])[] = [
    ["zstd", "docker", "--format=v2s2"],
    ["gzip", "docker", "--format=v2s2", "--dest-compress-format=zstd"],
    ["gzip", "docker", "--format=v2s2", "--dest-compress-format=zstd:chunked"],
    ["gzip", "oci", "--dest-compress-format=bzip2"],
    ["gzip", "dir", "--dest-compress", "--dest-compress-format=bzip2"],
    ["gzip", "oci", "--dest-force-compress-format"],
  ];
  for (const [source, transport, ...flags] of cases) {
    test.skipIf(!hasPeers)(`${source} to ${transport} ${flags.join(" ")}`, async () => {
      await using fresh = await startDockerRegistry();
      const destination = (): string =>
        transport === "docker"
          ? `docker://${fresh.host}/${crypto.randomUUID()}:1`
          : `${transport}:${join(temporary("d"), "image")}`;
      const words = ["copy", ...TLS, ...flags, sources[source] ?? ""];
      const theirs = await runReal([...words, destination()]);
      const outcome = await ours([...words, destination()]);
      expect(outcome.exitCode).toBe(theirs.exitCode);
      expect(theirs.exitCode).not.toBe(0);
      expect(fatalMessage(outcome)).toBe(fatalMessage(theirs));
    });
  }
});

test.skipIf(!hasPeers)(
  "a layer that is not what its config says is not written in another form",
  async () => {
    const lying = buildImage({
      seed: "lying",
      config: { rootfs: { type: "layers", diff_ids: [1, 2].map((n) => `sha256:${`${n}`.repeat(64)}`) } },
    });
    const source = `oci:${writeLayout({ lying })}:lying`;
    const destination = join(temporary("d"), "image");
    const outcome = await ours(["copy", "--dest-decompress", source, `dir:${destination}`]);
    expect(outcome.exitCode).toBe(1);
    expect(fatalMessage(outcome)).toContain("does not match the image's config");
    expect(await Bun.file(join(destination, "manifest.json")).exists()).toBe(false);
  },
);

test.skipIf(!hasPeers)(
  "a layer that inflates beyond the limit is refused, and nothing is written",
  async () => {
    const source = sources.gzip ?? "";
    const destination = join(temporary("d"), "image");
    const words = ["copy", "--dest-decompress", "--max-layer-size=2M", source, `dir:${destination}`];
    const outcome = await ours(words);
    expect(outcome.exitCode).toBe(1);
    expect(fatalMessage(outcome)).toContain("more than the 2097152 bytes allowed (--max-layer-size");
    expect(await Bun.file(join(destination, "manifest.json")).exists()).toBe(false);
    expect((await ours(words.with(2, "--max-layer-size=4M"))).exitCode).toBe(0);
  },
);

test.skipIf(!hasPeers)(
  "a second push of uncompressed layers finds the compressed ones of the first",
  async () => {
    const source = sources.uncompressed ?? "";
    const repositories = [1, 2].map((n) => `${registry.host}/again/${crypto.randomUUID()}/${n}`);
    const environment = { env: { XDG_CACHE_HOME: temporary("cache") } };
    for (const repository of repositories) {
      const before = registry.requests().length;
      const words = ["--insecure-policy", "copy", ...TLS, source, `docker://${repository}:1`];
      expect((await runOurs(words, environment)).exitCode).toBe(0);
      const uploads = registry
        .requests()
        .slice(before)
        .filter(({ method, status }) => method === "PUT" && status === 201);
      // Two layers and a config the first time; then only the manifest, and the config that nobody remembers.
      expect(uploads.length).toBe(repository === repositories[0] ? 4 : 2);
    }
    const [first, second] = await Promise.all(repositories.map((name) => shapeOf(`docker://${name}:1`)));
    expect(second).toEqual(first);
  },
);
