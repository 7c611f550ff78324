import { type Cipheriv, createCipheriv, createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** Makes images without any of our own code, so that they can judge it. The same request gives the same bytes. */
const OCI = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  index: "application/vnd.oci.image.index.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
};
const DOCKER = {
  manifest: "application/vnd.docker.distribution.manifest.v2+json",
  index: "application/vnd.docker.distribution.manifest.list.v2+json",
  config: "application/vnd.docker.container.image.v1+json",
  layer: "application/vnd.docker.image.rootfs.diff.tar.gzip",
};

export interface TestDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Blobs by digest, and the descriptor of what they make. */
export interface TestImage {
  readonly top: TestDescriptor;
  readonly blobs: ReadonlyMap<string, Buffer>;
}

export interface ImageRequest {
  readonly format?: "oci" | "docker";
  /** Bytes of random content in each layer. */
  readonly layers?: readonly number[];
  /** Distinguishes images that are otherwise alike. */
  readonly seed?: string;
  readonly architecture?: string;
  readonly os?: string;
  readonly variant?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** More members of the config. */
  readonly config?: Readonly<Record<string, unknown>>;
}

export function buildImage(request: ImageRequest = {}): TestImage {
  const types = request.format === "docker" ? DOCKER : OCI;
  const blobs = new Map<string, Buffer>();
  const seed = request.seed ?? "image";
  const layers = (request.layers ?? [1000, 2000]).map((size, i) =>
    tar(`file-${i}`, pseudoRandom(`${seed}/${i}`, size)),
  );
  const descriptors = layers.map((bytes) => put(blobs, types.layer, gzipSync(bytes, { level: 6 })));
  const config = put(blobs, types.config, {
    created: "2024-05-06T07:08:09.123456789Z",
    architecture: request.architecture ?? "amd64",
    os: request.os ?? "linux",
    ...(request.variant === undefined ? {} : { variant: request.variant }),
    config: { Env: ["PATH=/bin"], Cmd: ["/bin/sh"], ...(request.labels ? { Labels: request.labels } : {}) },
    rootfs: { type: "layers", diff_ids: layers.map(sha256) },
    history: layers.map((_, i) => ({ created: "2024-05-06T07:08:09Z", created_by: `step ${i}` })),
    ...request.config,
  });
  const manifest = { schemaVersion: 2, mediaType: types.manifest, config, layers: descriptors };
  return { top: put(blobs, types.manifest, manifest), blobs };
}

/** An index of images by platform, such as `linux/arm/v7`; an index among them is nested. */
export function buildIndex(
  entries: Readonly<Record<string, TestImage>>,
  format: "oci" | "docker" = "oci",
): TestImage {
  const blobs = new Map<string, Buffer>();
  const manifests = Object.entries(entries).map(([name, image]) => {
    for (const [digest, bytes] of image.blobs) blobs.set(digest, bytes);
    const [os = "", architecture = "", variant] = name.split("/");
    return { ...image.top, platform: { architecture, os, ...(variant === undefined ? {} : { variant }) } };
  });
  const mediaType = format === "docker" ? DOCKER.index : OCI.index;
  return { top: put(blobs, mediaType, { schemaVersion: 2, mediaType, manifests }), blobs };
}

/** Images for three platforms in one index. */
export function buildMultiArch(seed: string, format: "oci" | "docker" = "oci"): TestImage {
  const image = (architecture: string, variant?: string): TestImage =>
    buildImage({
      seed: `${seed}/${architecture}`,
      format,
      architecture,
      ...(variant === undefined ? {} : { variant }),
    });
  return buildIndex(
    {
      "linux/amd64": image("amd64"),
      "linux/arm64/v8": image("arm64", "v8"),
      "linux/arm/v7": image("arm", "v7"),
    },
    format,
  );
}

/** An artifact that is about `subject`: an OCI manifest with an empty config. OCI image spec 1.1, manifest.md. */
export function buildArtifact(subject: TestDescriptor, artifactType: string): TestImage {
  const blobs = new Map<string, Buffer>();
  const config = put(blobs, "application/vnd.oci.empty.v1+json", {});
  const layer = put(blobs, "text/plain", Buffer.from(`about ${subject.digest}`));
  const { mediaType, digest, size } = subject;
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI.manifest,
    artifactType,
    config,
    layers: [layer],
    subject: { mediaType, digest, size },
    annotations: { "org.example.kind": "note" },
  };
  return { top: put(blobs, OCI.manifest, manifest), blobs };
}

/** Writes images as an OCI layout, by name. Gives its path. */
export function writeLayout(
  images: Readonly<Record<string, TestImage>>,
  directory: string = temporary("layout"),
): string {
  mkdirSync(join(directory, "blobs", "sha256"), { recursive: true });
  const manifests = Object.entries(images).map(([name, { top, blobs }]) => {
    for (const [digest, bytes] of blobs)
      writeFileSync(join(directory, "blobs", digest.replace(":", "/")), bytes);
    return { ...top, annotations: { "org.opencontainers.image.ref.name": name } };
  });
  writeFileSync(join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  const index = { schemaVersion: 2, mediaType: OCI.index, manifests };
  writeFileSync(join(directory, "index.json"), JSON.stringify(index));
  return directory;
}

/** Writes one image as `dir:` keeps it. Gives its path. */
export function writeDirectory(image: TestImage, directory: string = temporary("dir")): string {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "version"), "Directory Transport Version: 1.1\n");
  const top = image.blobs.get(image.top.digest) ?? Buffer.alloc(0);
  writeFileSync(join(directory, "manifest.json"), top);
  const isIndex = image.top.mediaType === OCI.index || image.top.mediaType === DOCKER.index;
  const instances = new Set(isIndex ? childrenOf(top).map(({ digest }) => digest) : []);
  for (const [digest, bytes] of image.blobs) {
    if (digest === image.top.digest) continue;
    const hex = digest.slice("sha256:".length);
    writeFileSync(join(directory, instances.has(digest) ? `${hex}.manifest.json` : hex), bytes);
  }
  return directory;
}

/** Every file below a directory, by relative path, with the SHA-256 of its content. */
export function treeOf(directory: string, below: string = ""): Readonly<Record<string, string>> {
  const entries = readdirSync(join(directory, below)).toSorted();
  return Object.assign(
    {},
    ...entries.map((name) => {
      const path = join(below, name);
      const isDirectory = statSync(join(directory, path)).isDirectory();
      return isDirectory ? treeOf(directory, path) : { [path]: sha256(readFileSync(join(directory, path))) };
    }),
  );
}

/**
 * Checks each blob of a layout against its name, and that all that index.json leads to is there, with the sizes that it
 * is said to have. Gives how many blobs there are.
 */
export function checkLayoutBlobs(directory: string): number {
  const blobs = join(directory, "blobs", "sha256");
  const names = readdirSync(blobs);
  for (const name of names) {
    const actual = sha256(readFileSync(join(blobs, name)));
    if (actual !== `sha256:${name}`) throw new Error(`blob ${name} has the digest ${actual}`);
  }
  for (const entry of childrenOf(readFileSync(join(directory, "index.json")))) checkReachable(blobs, entry);
  return names.length;
}

function checkReachable(blobs: string, { digest, size, mediaType }: TestDescriptor): void {
  const path = join(blobs, digest.slice("sha256:".length));
  const actual = statSync(path, { throwIfNoEntry: false })?.size;
  if (actual === undefined) throw new Error(`blob ${digest} is missing`);
  if (actual !== size) throw new Error(`blob ${digest} has ${actual} bytes in place of ${size}`);
  if (!isManifest(mediaType)) return;
  for (const child of childrenOf(readFileSync(path))) checkReachable(blobs, child);
}

function isManifest(mediaType: string): boolean {
  return [OCI, DOCKER].some(({ manifest, index }) => mediaType === manifest || mediaType === index);
}

export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

export function temporary(name: string): string {
  return mkdtempSync(join(tmpdir(), `skopeo-test-${name}-`));
}

function put(blobs: Map<string, Buffer>, mediaType: string, content: Buffer | object): TestDescriptor {
  const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
  const digest = sha256(bytes);
  blobs.set(digest, bytes);
  return { mediaType, digest, size: bytes.length };
}

/** What a manifest or an index lists. */
function childrenOf(bytes: Buffer): readonly TestDescriptor[] {
  const document: {
    readonly manifests?: readonly TestDescriptor[];
    readonly config?: TestDescriptor;
    readonly layers?: readonly TestDescriptor[];
  } = JSON.parse(bytes.toString());
  const { manifests = [], config, layers = [] } = document;
  return [...manifests, ...(config === undefined ? [] : [config]), ...layers];
}

/** Bytes that no compression shrinks, and that are the same each time. */
function pseudoRandom(seed: string, size: number): Buffer {
  return randomBytesOf(seed).update(Buffer.alloc(size));
}

/** Encrypts zeros, chunk by chunk, to a stream of bytes that depends on nothing but the seed. */
export function randomBytesOf(seed: string): Cipheriv {
  return createCipheriv("aes-256-ctr", createHash("sha256").update(seed).digest(), Buffer.alloc(16));
}

/** A tar of one file. */
function tar(name: string, content: Buffer): Buffer {
  return Buffer.concat([tarHeader(name, content.length), content, tarEnd(content.length)]);
}

/** What stands before a file in a tar, as POSIX 1003.1-1988 wants it. `mode` is octal. */
export function tarHeader(name: string, size: number, mode: string = "0644"): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write(`${mode.padStart(7, "0")}\0`, 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  header.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  header.write("00000000000\0", 136);
  header.write("        ", 148);
  header.write("0", 156);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

/** What stands behind the last file, which has this many bytes. */
export function tarEnd(size: number): Buffer {
  return Buffer.alloc(((512 - (size % 512)) % 512) + 1024);
}
