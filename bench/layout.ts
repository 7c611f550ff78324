import { createHash, type Hash } from "node:crypto";
import {
  createReadStream,
  createWriteStream,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { randomBytesOf, sha256, type TestDescriptor, tarEnd, tarHeader } from "../test/support/images.ts";
import type { ImageRecipe } from "./cases.ts";

/** The name that the image has in a layout. */
export const IMAGE_NAME = "latest";

/** Bytes of the layer that each of many images has for itself. */
const OWN_LAYER = 20_000;
const CHUNK = Buffer.alloc(1 << 20);
const TYPES = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
};

/** Writes an OCI layout with one image; a layer of each size, in bytes, goes to disk as it is made. */
export async function writeLargeLayout(
  directory: string,
  seed: string,
  { layers: sizes, isCompressible = false, tags, isDistinct = false }: ImageRecipe,
): Promise<void> {
  mkdirSync(join(directory, "blobs", "sha256"), { recursive: true });
  const layers: TestDescriptor[] = [];
  const diffIds: string[] = [];
  for (const [i, size] of sizes.entries()) {
    const { layer, diffId } = await writeLayer(directory, `${seed}/${i}`, size, isCompressible);
    layers.push(layer);
    diffIds.push(diffId);
  }
  const manifests: object[] = [];
  for (let i = 0; i < (isDistinct ? tags : 1); i++) {
    const own = isDistinct
      ? await writeLayer(directory, `${seed}/own/${i}`, OWN_LAYER, isCompressible)
      : undefined;
    const config = writeJson(directory, TYPES.config, {
      architecture: "amd64",
      os: "linux",
      config: {},
      rootfs: { type: "layers", diff_ids: own === undefined ? diffIds : [...diffIds, own.diffId] },
    });
    const all = own === undefined ? layers : [...layers, own.layer];
    const manifest = { schemaVersion: 2, mediaType: TYPES.manifest, config, layers: all };
    manifests.push({
      ...writeJson(directory, TYPES.manifest, manifest),
      annotations: { "org.opencontainers.image.ref.name": i === 0 ? IMAGE_NAME : `${IMAGE_NAME}-${i}` },
    });
  }
  writeFileSync(join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(directory, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
}

/** Pushes what `writeLargeLayout` wrote, under these tags: one image under all, or each of as many under its own. */
export async function pushLayout(
  directory: string,
  url: string,
  repository: string,
  tags: readonly string[],
): Promise<void> {
  const index = readFileSync(join(directory, "index.json"), "utf8");
  const { manifests }: { manifests: readonly TestDescriptor[] } = JSON.parse(index);
  for (const [i, { digest, mediaType }] of manifests.entries()) {
    const body = readFileSync(blobPath(directory, digest), "utf8");
    const manifest: { config: TestDescriptor; layers: readonly TestDescriptor[] } = JSON.parse(body);
    for (const blob of [manifest.config, ...manifest.layers]) {
      const started = await fetch(`${url}/v2/${repository}/blobs/uploads/`, { method: "POST" });
      const location = `${started.headers.get("location")}&digest=${encodeURIComponent(blob.digest)}`;
      await mustPut(location, Bun.file(blobPath(directory, blob.digest)), "application/octet-stream");
    }
    const names = manifests.length === 1 ? tags : tags.slice(i, i + 1);
    for (const tag of names) await mustPut(`${url}/v2/${repository}/manifests/${tag}`, body, mediaType);
  }
}

async function mustPut(url: string, body: string | Blob, type: string): Promise<void> {
  const { status } = await fetch(url, { method: "PUT", body, headers: { "Content-Type": type } });
  if (status !== 201) throw new Error(`PUT ${url} answers ${status}`);
}

async function writeLayer(
  directory: string,
  seed: string,
  size: number,
  isCompressible: boolean,
): Promise<{ readonly layer: TestDescriptor; readonly diffId: string }> {
  const path = join(directory, "layer");
  const diffId = createHash("sha256");
  await pipeline(
    passing(tarOfFile(seed, size, isCompressible), diffId),
    // Random bytes do not get smaller.
    createGzip({ level: isCompressible ? 6 : 0 }),
    createWriteStream(path),
  );
  const hash = createHash("sha256");
  let written = 0;
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk);
    written += chunk.length;
  }
  const digest = `sha256:${hash.digest("hex")}`;
  renameSync(path, blobPath(directory, digest));
  return {
    layer: { mediaType: TYPES.layer, digest, size: written },
    diffId: `sha256:${diffId.digest("hex")}`,
  };
}

function* tarOfFile(seed: string, size: number, isCompressible: boolean): Generator<Buffer> {
  yield tarHeader("file", size);
  const random = randomBytesOf(seed);
  for (let left = size, i = 0; left > 0; left -= CHUNK.length, i++) {
    const bytes = random.update(CHUNK.subarray(0, Math.min(left, CHUNK.length)));
    yield isCompressible && i % 2 === 0 ? asText(bytes) : bytes;
  }
  yield tarEnd(size);
}

const WORDS =
  "the of and to in is you that it he was for on are as with his they at be this have from or one had by".split(
    " ",
  );

/** Words in the place of bytes, which shrink as program text does. */
function asText(bytes: Buffer): Buffer {
  let text = "";
  for (let i = 0; text.length < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    text += byte < 230 ? `${WORDS[byte % WORDS.length]} ` : byte.toString(36).repeat(3);
  }
  return Buffer.from(text.slice(0, bytes.length));
}

function* passing(chunks: Iterable<Buffer>, hash: Hash): Generator<Buffer> {
  for (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}

function writeJson(directory: string, mediaType: string, content: object): TestDescriptor {
  const bytes = Buffer.from(JSON.stringify(content));
  const digest = sha256(bytes);
  writeFileSync(blobPath(directory, digest), bytes);
  return { mediaType, digest, size: bytes.length };
}

function blobPath(directory: string, digest: string): string {
  return join(directory, "blobs", digest.replace(":", "/"));
}
