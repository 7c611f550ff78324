import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { tarEnd, tarHeader } from "../test/support/images.ts";

const HEADER_BYTES = 512;
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };
const TYPES = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
};

/** The image that was made, by digests; sizes are in bytes. */
export interface DemoImage {
  readonly manifestDigest: string;
  readonly layerDigest: string;
  readonly layerSize: number;
}

/** Writes an OCI layout with one image, `latest`, whose one layer has one program. */
export function writeProgramLayout(directory: string, program: string, version: string): DemoImage {
  mkdirSync(join(directory, "blobs", "sha256"), { recursive: true });
  const put = (mediaType: string, content: Buffer | object): Descriptor => {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
    const digest = digestOf(bytes);
    writeFileSync(join(directory, "blobs", digest.replace(":", "/")), bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const content = readFileSync(program);
  const tar = Buffer.concat([tarHeader("skopeo", content.length, "0755"), content, tarEnd(content.length)]);
  const layer = put(TYPES.layer, gzipSync(tar));
  const config = put(TYPES.config, {
    created: new Date().toISOString(),
    architecture: ARCHITECTURES[process.arch] ?? process.arch,
    os: process.platform,
    config: {
      Entrypoint: ["/skopeo"],
      Labels: { "org.opencontainers.image.title": "skopeo", "org.opencontainers.image.version": version },
    },
    rootfs: { type: "layers", diff_ids: [digestOf(tar)] },
    history: [{ created: new Date().toISOString(), created_by: "npm run demo" }],
  });
  const manifest = put(TYPES.manifest, {
    schemaVersion: 2,
    mediaType: TYPES.manifest,
    config,
    layers: [layer],
  });
  const entry = { ...manifest, annotations: { "org.opencontainers.image.ref.name": "latest" } };
  writeFileSync(join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(directory, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
  return { manifestDigest: manifest.digest, layerDigest: layer.digest, layerSize: layer.size };
}

/** The program in a layer that `writeProgramLayout` made. */
export function programOf(layer: Buffer, size: number): Buffer {
  return gunzipSync(layer).subarray(HEADER_BYTES, HEADER_BYTES + size);
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}
