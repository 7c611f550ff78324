import { stat } from "node:fs/promises";
import { sep } from "node:path";
import { decompressed } from "../../compression/decompress.ts";
import { type CompressionFormat, detectStream } from "../../compression/format.ts";
import { digested, type OperationOptions, streamOf } from "../../core/byte-stream.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import { computeDigest, createDigester, type Digest, digestHex } from "../../core/digest.ts";
import { Disposables } from "../../core/disposables.ts";
import { ImageError } from "../../core/errors.ts";
import type { ImageReference, ImageSource } from "../../core/image.ts";
import { OCI_CONFIG, OCI_MANIFEST } from "../../core/media-type.ts";
import { formatGoJson } from "../../format/go-json.ts";
import { withLayerCompression } from "../../format/layer-type.ts";
import { formatImageManifest } from "../../format/rewrite-manifest.ts";
import { openFile, readStream } from "../../runtime/files.ts";
import { hostPlatform } from "../../runtime/host-platform.ts";
import { writeTemporaryFile } from "../../runtime/temporary-file.ts";
import type { SpoolOptions } from "../../tar/open-archive.ts";
import { STANDARD_INPUT } from "./transport.ts";

const LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar";

/** A file as a layer. */
interface FileLayer {
  readonly path: string;
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
  /** RFC 3339 with nanoseconds. */
  readonly modified: string;
}

/** Reads the files once to make a config and a manifest for them. transports.md 8. @throws {ImageError} */
export async function openTarballSource(
  reference: ImageReference,
  paths: readonly string[],
  spool: SpoolOptions,
  options: OperationOptions = {},
): Promise<ImageSource> {
  const temporaries = new Disposables();
  try {
    const layers: FileLayer[] = [];
    for (const path of paths) layers.push(await describeFile(path, spool, temporaries, options));
    return await describeImage(reference, layers, temporaries);
  } catch (error) {
    await temporaries[Symbol.asyncDispose]();
    throw error;
  }
}

async function describeFile(
  path: string,
  spool: SpoolOptions,
  temporaries: Disposables,
  options: OperationOptions,
): Promise<FileLayer> {
  const isInput = path === STANDARD_INPUT;
  const file = isInput ? (await spoolInput(spool, temporaries)).path : path;
  await using reader = await openFile(file);
  const digester = createDigester();
  const { format, bytes } = await detectStream(digested(reader.bytes, digester));
  const plain = createDigester();
  const name = isInput ? "standard input" : path;
  const data = format === undefined ? bytes : decompressed(bytes, format, name, spool.inflationLimit);
  for await (const chunk of data) {
    options.signal?.throwIfAborted();
    plain.update(chunk);
  }
  const mediaType = withLayerCompression(LAYER_TYPE, nearestCompression(format));
  return {
    path: file,
    descriptor: { mediaType, digest: digester.digest(), size: reader.size },
    diffId: plain.digest(),
    modified: isInput ? new Date().toISOString() : await modificationTime(path),
  };
}

async function spoolInput(
  { temporaryDirectory }: SpoolOptions,
  temporaries: Disposables,
): Promise<{ readonly path: string }> {
  const input = readStream(process.platform === "win32" ? "\\\\.\\CONIN$" : "/dev/stdin");
  return temporaries.use(await writeTemporaryFile(input, temporaryDirectory, "tarball"));
}

/** Formats that have no media type of their own count as gzip, as with skopeo: the data is looked at, not its type. */
function nearestCompression(format: CompressionFormat | undefined): "uncompressed" | "gzip" | "zstd" {
  if (format === undefined) return "uncompressed";
  return format === "zstd" ? "zstd" : "gzip";
}

async function modificationTime(path: string): Promise<string> {
  const { mtimeNs } = await stat(path, { bigint: true });
  const nanoseconds = `${mtimeNs % 1_000_000_000n}`.padStart(9, "0").replace(/0+$/, "");
  const seconds = new Date(Number(mtimeNs / 1_000_000n)).toISOString().slice(0, 19);
  return nanoseconds === "" ? `${seconds}Z` : `${seconds}.${nanoseconds}Z`;
}

async function describeImage(
  reference: ImageReference,
  layers: readonly FileLayer[],
  temporaries: Disposables,
): Promise<ImageSource> {
  const configBytes = await buildConfig(layers);
  const config = { mediaType: OCI_CONFIG, digest: computeDigest(configBytes), size: configBytes.length };
  const manifest = formatImageManifest({
    kind: "image",
    mediaType: OCI_MANIFEST,
    config,
    layers: layers.map(({ descriptor }) => descriptor),
  });
  return {
    reference,
    concurrentBlobs: true,
    readManifest: async () => manifest,
    async openBlob({ digest }) {
      if (digest === config.digest) {
        return { bytes: streamOf(configBytes), size: configBytes.length, async [Symbol.asyncDispose]() {} };
      }
      const layer = layers.find(({ descriptor }) => descriptor.digest === digest);
      if (layer === undefined) throw new ImageError("NOT_FOUND", `no blob with digest ${digest} found`);
      return await openFile(layer.path);
    },
    readSignatures: async () => [],
    [Symbol.asyncDispose]: () => temporaries[Symbol.asyncDispose](),
  };
}

async function buildConfig(layers: readonly FileLayer[]): Promise<Uint8Array> {
  const { os, architecture } = await hostPlatform();
  const created = layers
    .map(({ modified }) => modified)
    .toSorted(compareTimes)
    .at(-1);
  const config = {
    created,
    architecture,
    os,
    config: {},
    rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(({ diffId, modified }) => ({
      created: modified,
      created_by: `/bin/sh -c #(nop) ADD file:${digestHex(diffId)} in ${sep}`,
      comment: "imported from tarball",
    })),
  };
  return new TextEncoder().encode(formatGoJson(config));
}

/** By time, though the fractions of seconds have different lengths. */
function compareTimes(left: string, right: string): number {
  const comparable = (time: string): string => time.replace(/Z$/, "").replace(/^([^.]*)$/, "$1.");
  return comparable(left) < comparable(right) ? -1 : 1;
}
