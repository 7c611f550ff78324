import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Descriptor } from "../../../src/core/descriptor.ts";
import { parseDigest } from "../../../src/core/digest.ts";

/** An image in a directory, for the `dir:` transport, and what there is to know of it. */
export interface DirectoryImage {
  readonly path: string;
  readonly kind: "oci" | "docker";
  readonly digest: string;
  readonly config: Uint8Array;
  readonly layers: readonly Descriptor[];
}

const TYPES = {
  oci: {
    manifest: "application/vnd.oci.image.manifest.v1+json",
    config: "application/vnd.oci.image.config.v1+json",
    layer: "application/vnd.oci.image.layer.v1.tar+gzip",
  },
  docker: {
    manifest: "application/vnd.docker.distribution.manifest.v2+json",
    config: "application/vnd.docker.container.image.v1+json",
    layer: "application/vnd.docker.image.rootfs.diff.tar.gzip",
  },
};

const written: string[] = [];

/** Removes all images of this file's making, for the end of the tests. */
export function removeDirectoryImages(): void {
  for (const path of written.splice(0)) rmSync(path, { recursive: true });
}

/** Writes an image with this config, as text or as a value, and a tiny layer per set of annotations. */
export function writeDirectoryImage(
  kind: "oci" | "docker",
  config: unknown,
  layers: readonly (Readonly<Record<string, string>> | undefined)[] = [],
): DirectoryImage {
  const path = mkdtempSync(join(tmpdir(), "inspect-template-"));
  written.push(path);
  const types = TYPES[kind];
  const put = (mediaType: string, text: string): Descriptor => {
    const bytes = Buffer.from(text);
    const hex = createHash("sha256").update(bytes).digest("hex");
    writeFileSync(join(path, hex), bytes);
    return { mediaType, size: bytes.length, digest: parseDigest(`sha256:${hex}`) };
  };
  const text = typeof config === "string" ? config : JSON.stringify(config);
  const descriptors = layers.map((annotations, index) => ({
    ...put(types.layer, `layer ${index}`),
    ...(annotations ? { annotations } : {}),
  }));
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: types.manifest,
    config: put(types.config, text),
    layers: descriptors,
  });
  writeFileSync(join(path, "manifest.json"), manifest);
  writeFileSync(join(path, "version"), "Directory Transport Version: 1.1\n");
  const digest = `sha256:${createHash("sha256").update(manifest).digest("hex")}`;
  return { path, kind, digest, config: Buffer.from(text), layers: descriptors };
}

const DIFF_IDS = ["a", "b"].map((text) => `sha256:${createHash("sha256").update(text).digest("hex")}`);

/** A config with something in every member. */
export const fullConfig: Readonly<Record<string, unknown>> = {
  created: "2024-05-06T07:08:09.123456789Z",
  author: "A <a@b>",
  architecture: "amd64",
  os: "linux",
  "os.version": "10.1",
  "os.features": ["f1", "f2"],
  variant: "v2",
  config: {
    User: "u",
    ExposedPorts: { "80/tcp": {}, "443/tcp": {} },
    Env: ["A=1", "PATH=/bin:/usr/bin", "X=é&<"],
    Entrypoint: ["/e"],
    Cmd: ["c", "d"],
    Volumes: { "/v": {} },
    WorkingDir: "/w",
    Labels: { z: "last", a: "first", html: "<b>&\"'=", uni: "é€\u2028", "10": "ten", "9": "nine" },
    StopSignal: "TERM",
    ArgsEscaped: true,
  },
  rootfs: { type: "layers", diff_ids: DIFF_IDS },
  history: [
    { created: "2024-05-06T07:08:09+02:00", created_by: "RUN x", author: "me", comment: "c" },
    { empty_layer: true },
  ],
};

/** A config with as little as can be. */
export const bareConfig: Readonly<Record<string, unknown>> = {
  architecture: "",
  os: "",
  rootfs: { type: "layers", diff_ids: null },
};
