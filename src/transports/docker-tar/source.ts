import { decompressed } from "../../compression/decompress.ts";
import { type CompressionFormat, detectCompression } from "../../compression/format.ts";
import type { InflationLimit } from "../../compression/inflation-limit.ts";
import { type OperationOptions, streamOf } from "../../core/byte-stream.ts";
import type { RawManifest } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import { ImageError } from "../../core/errors.ts";
import type { BlobPointer, BlobReader, ImageReference, ImageSource } from "../../core/image.ts";
import { DOCKER_CONFIG, DOCKER_MANIFEST } from "../../core/media-type.ts";
import { formatImageManifest } from "../../format/rewrite-manifest.ts";
import type { TarArchiveFile } from "../../tar/archive-file.ts";
import type { TarEntry } from "../../tar/index.ts";
import type { OpenTarArchive } from "../../tar/open-archive.ts";
import { type ArchiveConfig, readArchiveConfig } from "./archive-config.ts";
import { type ItemChoice, type ManifestItem, readManifestItems, selectItem } from "./manifest-items.ts";

/** What manifests made for archives say of every layer, though they are stored without compression. transports.md 4.3. */
const LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/** A layer in an archive. `size` is that of its decompressed data, in bytes. */
interface StoredLayer {
  readonly entry: TarEntry;
  readonly format: CompressionFormat | undefined;
  readonly size: number;
}

/**
 * One image of a `docker save` archive, in a manifest made for it: its layers are named by their diffIDs and offered
 * decompressed. Owns the archive. transports.md 4.3.
 * @throws {ImageError} MANIFEST_INVALID, INVALID_REFERENCE, NOT_FOUND
 */
export async function openDockerTarSource(
  reference: ImageReference,
  open: OpenTarArchive,
  choice: ItemChoice,
  limit: InflationLimit,
  options: OperationOptions = {},
): Promise<ImageSource> {
  const { archive } = open;
  try {
    const item = selectItem(await readManifestItems(archive), choice);
    const config = await readArchiveConfig(archive, item);
    const layers = await findLayers(archive, item, config.diffIds, limit, options);
    const manifest = describe(config, layers);
    return {
      reference,
      concurrentBlobs: true,
      readManifest: async (instance) => checkInstance(manifest, instance, reference),
      openBlob: async (blob) =>
        blob.digest === config.digest
          ? inMemory(config.bytes)
          : await openLayer(archive, layers, blob, limit),
      readSignatures: async () => [],
      [Symbol.asyncDispose]: () => open[Symbol.asyncDispose](),
    };
  } catch (error) {
    await open[Symbol.asyncDispose]();
    throw error;
  }
}

async function findLayers(
  archive: TarArchiveFile,
  { Layers }: ManifestItem,
  diffIds: readonly Digest[],
  limit: InflationLimit,
  options: OperationOptions,
): Promise<ReadonlyMap<Digest, StoredLayer>> {
  if (Layers.length !== diffIds.length) {
    throw new ImageError(
      "MANIFEST_INVALID",
      `Inconsistent layer count: ${Layers.length} in manifest, ${diffIds.length} in config`,
    );
  }
  const layers = new Map<Digest, StoredLayer>();
  const owners = new Map<string, Digest>();
  for (const [i, diffId] of diffIds.entries()) {
    const name = Layers[i] ?? "";
    if (layers.has(diffId)) continue;
    const entry = archive.find(name);
    if (entry === undefined) {
      throw new ImageError(
        "MANIFEST_INVALID",
        `Some layer tarfiles are missing in the tarball: ${JSON.stringify(name)}`,
      );
    }
    if ((owners.get(entry.name) ?? diffId) !== diffId) {
      throw new ImageError(
        "MANIFEST_INVALID",
        `Layer tarfile "${name}" used for two different DiffID values`,
      );
    }
    owners.set(entry.name, diffId);
    layers.set(diffId, await measureLayer(archive, entry, limit, options));
  }
  return layers;
}

/** The size of a compressed layer can only be found out by decompressing it. */
async function measureLayer(
  archive: TarArchiveFile,
  entry: TarEntry,
  limit: InflationLimit,
  options: OperationOptions,
): Promise<StoredLayer> {
  const format = detectCompression(await archive.readStart(entry, 6));
  if (format === undefined) return { entry, format, size: entry.size };
  await using file = await archive.open(entry);
  let size = 0;
  for await (const chunk of decompressed(file.bytes, format, entry.name, limit)) {
    options.signal?.throwIfAborted();
    size += chunk.length;
  }
  return { entry, format, size };
}

function describe(
  { bytes, digest, diffIds }: ArchiveConfig,
  layers: ReadonlyMap<Digest, StoredLayer>,
): RawManifest {
  return formatImageManifest({
    kind: "image",
    mediaType: DOCKER_MANIFEST,
    config: { mediaType: DOCKER_CONFIG, size: bytes.length, digest },
    layers: diffIds.map((diffId) => ({
      mediaType: LAYER_TYPE,
      size: layers.get(diffId)?.size ?? 0,
      digest: diffId,
    })),
  });
}

function checkInstance(
  manifest: RawManifest,
  instance: Digest | undefined,
  { transport }: ImageReference,
): RawManifest {
  if (instance === undefined || instance === manifest.digest) return manifest;
  throw new ImageError("NOT_FOUND", `Manifest lists are not supported by "${transport.name}:"`);
}

async function openLayer(
  archive: TarArchiveFile,
  layers: ReadonlyMap<Digest, StoredLayer>,
  { digest }: BlobPointer,
  limit: InflationLimit,
): Promise<BlobReader> {
  const layer = layers.get(digest);
  if (layer === undefined) throw new ImageError("NOT_FOUND", `Unknown blob ${digest}`);
  const { entry, format, size } = layer;
  const file = await archive.open(entry);
  const bytes = format === undefined ? file.bytes : decompressed(file.bytes, format, entry.name, limit);
  return { bytes, size, [Symbol.asyncDispose]: () => file[Symbol.asyncDispose]() };
}

function inMemory(bytes: Uint8Array): BlobReader {
  return { bytes: streamOf(bytes), size: bytes.length, async [Symbol.asyncDispose]() {} };
}
