import { sha256 } from "./images.ts";
import { type RawEntry, tarOf } from "./tar-files.ts";

/** An image by its parts: a config, and layers without compression. */
export interface PlainImage {
  readonly config: Buffer;
  readonly layers: readonly Buffer[];
}

/** An image with a layer of one file for each text. */
export function plainImage(...texts: readonly string[]): PlainImage {
  const layers = texts.map((text) => tarOf([{ name: "file", content: text }]));
  const config = JSON.stringify({
    architecture: "amd64",
    os: "linux",
    config: {},
    rootfs: { type: "layers", diff_ids: layers.map(sha256) },
    history: layers.map(() => ({ created_by: "test" })),
  });
  return { config: Buffer.from(config), layers };
}

/** The hex digits of a SHA-256 digest. */
export function hexOf(bytes: Uint8Array): string {
  return sha256(bytes).slice("sha256:".length);
}

function manifestOf(config: string, tags: readonly string[], layers: readonly string[]): RawEntry {
  return {
    name: "manifest.json",
    content: JSON.stringify([{ Config: config, RepoTags: tags, Layers: layers }]),
  };
}

/**
 * What `docker save` wrote up to release 24: a folder for each layer, named by an ID that is not its digest. A layer
 * that is like an earlier one is a symlink to it.
 */
export function oldDockerSave({ config, layers }: PlainImage, tags: readonly string[]): Buffer {
  const ids = layers.map((_, i) => `${i + 1}`.repeat(64));
  const folders = layers.flatMap((layer, i): readonly RawEntry[] => {
    const id = ids[i] ?? "";
    const first = layers.findIndex((other) => other.equals(layer));
    const name = `${id}/layer.tar`;
    return [
      { name: `${id}/`, type: "5" },
      { name: `${id}/VERSION`, content: "1.0" },
      { name: `${id}/json`, content: JSON.stringify({ id }) },
      first < i ? { name, type: "2", target: `../${ids[first]}/layer.tar` } : { name, content: layer },
    ];
  });
  const file = `${hexOf(config)}.json`;
  const repositories = Object.fromEntries(
    tags.map((tag) => [tag.split(":")[0], { [tag.split(":")[1] ?? ""]: ids.at(-1) }]),
  );
  return tarOf([
    ...folders,
    { name: file, content: config },
    manifestOf(
      file,
      tags,
      ids.map((id) => `${id}/layer.tar`),
    ),
    { name: "repositories", content: JSON.stringify(repositories) },
  ]);
}

/** What `docker save` writes since release 25: an OCI layout with manifest.json beside index.json. */
export function newDockerSave(
  { config, layers }: PlainImage,
  tags: readonly string[],
  compress: (layer: Buffer) => Buffer = (layer) => layer,
): Buffer {
  const stored = layers.map(compress);
  const describe = (mediaType: string, bytes: Buffer) => ({
    mediaType,
    digest: sha256(bytes),
    size: bytes.length,
  });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: describe("application/vnd.oci.image.config.v1+json", config),
      layers: stored.map((layer) => describe("application/vnd.oci.image.layer.v1.tar", layer)),
    }),
  );
  const index = {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: [describe("application/vnd.oci.image.manifest.v1+json", manifest)],
  };
  const name = (bytes: Buffer): string => `blobs/sha256/${hexOf(bytes)}`;
  const blobs = new Map([...stored, config, manifest].map((bytes) => [name(bytes), bytes]));
  return tarOf([
    { name: "blobs/", type: "5" },
    { name: "blobs/sha256/", type: "5" },
    ...Array.from(blobs, ([path, content]) => ({ name: path, content })),
    { name: "index.json", content: JSON.stringify(index) },
    manifestOf(name(config), tags, stored.map(name)),
    { name: "oci-layout", content: '{"imageLayoutVersion":"1.0.0"}' },
  ]);
}
