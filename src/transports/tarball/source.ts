import { stat } from "node:fs/promises";
import { sep } from "node:path";
import { decompressed } from "../../compression/decompress.ts";
import { type CompressionFormat, detectStream } from "../../compression/format.ts";
import { type ByteStream, digested, type OperationOptions, streamOf } from "../../core/byte-stream.ts";
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
import { bounded, interruptible } from "../../tar/guards.ts";
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
  const name = isInput ? "standard input" : path;
  const file = isInput ? (await spoolInput(name, spool, temporaries, options)).path : path;
  const { format, digest, size, diffId } = await hashFile(file, name, spool, options);
  return {
    path: file,
    descriptor: { mediaType: withLayerCompression(LAYER_TYPE, nearestCompression(format)), digest, size },
    diffId,
    modified: isInput ? new Date().toISOString() : await modificationTime(path),
  };
}

/** The digests of a file as it is and of what it decompresses to, found in one reading. */
async function hashFile(
  path: string,
  name: string,
  { inflationLimit }: SpoolOptions,
  options: OperationOptions,
): Promise<{ format: CompressionFormat | undefined; digest: Digest; size: number; diffId: Digest }> {
  await using file = await openFile(path);
  const [digester, plain] = [createDigester(), createDigester()];
  let read = 0;
  const whole = counted(digested(file.bytes, digester), (total) => {
    read = total;
  });
  const { format, bytes } = await detectStream(whole);
  const data = format === undefined ? bytes : decompressed(bytes, format, name, inflationLimit);
  for await (const chunk of interruptible(data, options)) plain.update(chunk);
  // Padding behind the compressed data is part of the file, though its decompressor may stop before it.
  await using rest = await openFile(path, read);
  for await (const chunk of interruptible(rest.bytes, options)) digester.update(chunk);
  return { format, digest: digester.digest(), size: file.size, diffId: plain.digest() };
}

/** Passes chunks on, telling how many bytes there were before each of them is used. */
async function* counted(stream: ByteStream, onBytes: (total: number) => void): ByteStream {
  let total = 0;
  for await (const chunk of stream) {
    total += chunk.length;
    onBytes(total);
    yield chunk;
  }
}

async function spoolInput(
  name: string,
  { temporaryDirectory, inflationLimit }: SpoolOptions,
  temporaries: Disposables,
  options: OperationOptions,
): Promise<{ readonly path: string }> {
  const input = readStream(process.platform === "win32" ? "\\\\.\\CONIN$" : "/dev/stdin");
  const guarded = bounded(interruptible(input, options), inflationLimit, name);
  return temporaries.use(await writeTemporaryFile(guarded, temporaryDirectory, "tarball"));
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
