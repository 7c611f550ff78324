import type { Descriptor, RawManifest } from "../core/descriptor.ts";
import { computeDigest } from "../core/digest.ts";
import { ImageError } from "../core/errors.ts";
import {
  DOCKER_CONFIG,
  DOCKER_LIST,
  DOCKER_MANIFEST,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_MANIFEST,
} from "../core/media-type.ts";
import { formatGoJson } from "./go-json.ts";
import { parseImageConfig, reserializeConfig } from "./image-config.ts";
import { equivalentLayerType } from "./layer-type.ts";
import { artifactTypeOf, type ImageManifest, type IndexManifest, isArtifact } from "./manifest.ts";
import {
  dockerDescriptor,
  encodeManifest,
  formatImageManifest,
  ociDescriptor,
  sorted,
} from "./rewrite-manifest.ts";

/** An image in another format. `config` is to be stored in place of the source's; its bytes may be the same. */
export interface ConvertedImage {
  readonly manifest: RawManifest;
  readonly config: Descriptor;
  readonly configBytes: Uint8Array;
}

/**
 * Rewrites an image manifest in the other format. Layers keep their bytes; going to OCI the config is written anew
 * without what OCI does not know, going to Docker it stays as it is.
 * @throws {ImageError} MANIFEST_INVALID when a part has no equivalent
 */
export function convertImage(
  manifest: ImageManifest,
  targetType: string,
  configBytes: Uint8Array,
): ConvertedImage {
  if (isArtifact(manifest)) {
    throw new ImageError(
      "MANIFEST_INVALID",
      `unsupported image-specific operation on artifact with type "${artifactTypeOf(manifest)}"`,
    );
  }
  return targetType === OCI_MANIFEST ? toOci(manifest, configBytes) : toDocker(manifest, configBytes);
}

/** Rewrites an index as the other kind of index. `manifests` are the entries to list, already in their final form. */
export function convertIndex(
  index: IndexManifest,
  targetType: string,
  manifests: readonly Descriptor[],
  host: { readonly os: string; readonly architecture: string },
): RawManifest {
  const document =
    targetType === DOCKER_LIST
      ? {
          schemaVersion: 2,
          mediaType: DOCKER_LIST,
          manifests: manifests.map((entry) => dockerEntry(entry, host)),
        }
      : {
          schemaVersion: 2,
          mediaType: OCI_INDEX,
          artifactType: index.artifactType,
          manifests: manifests.map(ociDescriptor),
          subject: index.subject,
          annotations: sorted(index.annotations),
        };
  return encodeManifest(document, targetType);
}

function toOci({ layers }: ImageManifest, source: Uint8Array): ConvertedImage {
  const configBytes = new TextEncoder().encode(formatGoJson(reserializeConfig(parseImageConfig(source))));
  const config = { mediaType: OCI_CONFIG, digest: computeDigest(configBytes), size: configBytes.length };
  return converted(OCI_MANIFEST, config, configBytes, layers, ociLayerType);
}

function toDocker({ config, layers }: ImageManifest, configBytes: Uint8Array): ConvertedImage {
  const { digest, size } = config;
  const dockerConfig = { mediaType: DOCKER_CONFIG, digest, size };
  return converted(DOCKER_MANIFEST, dockerConfig, configBytes, layers, dockerLayerType);
}

/** Of the layers only what both formats know is kept; annotations are those of data that was compressed just now. */
function converted(
  mediaType: string,
  config: Descriptor,
  configBytes: Uint8Array,
  layers: readonly Descriptor[],
  layerType: (mediaType: string) => string,
): ConvertedImage {
  const convertedLayers = layers.map(({ mediaType: type, digest, size, urls, annotations }) => ({
    mediaType: layerType(type),
    ...{ digest, size, urls, annotations },
  }));
  const manifest = formatImageManifest({ kind: "image", mediaType, config, layers: convertedLayers });
  return { manifest, config, configBytes };
}

function ociLayerType(mediaType: string): string {
  const equivalent = equivalentLayerType(mediaType, "oci");
  if (equivalent !== undefined) return equivalent;
  throw new ImageError("MANIFEST_INVALID", `Unknown media type during manifest conversion: "${mediaType}"`);
}

function dockerLayerType(mediaType: string): string {
  const isZstd = mediaType.endsWith("+zstd");
  const equivalent = isZstd ? undefined : equivalentLayerType(mediaType, "docker");
  if (equivalent !== undefined) return equivalent;
  const reason = mediaType.endsWith("+encrypted")
    ? `encrypted layers ("${mediaType}") are not supported in docker images`
    : isZstd
      ? `"${mediaType}": zstd compression is not officially supported for docker images`
      : `unknown media type "${mediaType}"`;
  throw new ImageError("MANIFEST_INVALID", `Error during manifest conversion: ${reason}`);
}

function dockerEntry(
  entry: Descriptor,
  host: { readonly os: string; readonly architecture: string },
): unknown {
  return {
    ...dockerDescriptor(entry),
    platform: entry.platform ?? { architecture: host.architecture, os: host.os },
  };
}
