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
import { formatGoJson, sortedRecord } from "./go-json.ts";
import { parseImageConfig, reserializeConfig } from "./image-config.ts";
import {
  artifactTypeOf,
  type ImageManifest,
  type IndexManifest,
  isArtifact,
  rawManifest,
} from "./manifest.ts";

const DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar";
const DOCKER_FOREIGN_LAYER = "application/vnd.docker.image.rootfs.foreign.diff.tar";
const OCI_LAYER = "application/vnd.oci.image.layer.v1.tar";
const OCI_FOREIGN_LAYER = "application/vnd.oci.image.layer.nondistributable.v1.tar";

const TO_OCI: Readonly<Record<string, string>> = {
  [DOCKER_LAYER]: OCI_LAYER,
  [`${DOCKER_LAYER}.gzip`]: `${OCI_LAYER}+gzip`,
  [`${DOCKER_LAYER}.zstd`]: `${OCI_LAYER}+zstd`,
  [DOCKER_FOREIGN_LAYER]: OCI_FOREIGN_LAYER,
  [`${DOCKER_FOREIGN_LAYER}.gzip`]: `${OCI_FOREIGN_LAYER}+gzip`,
};
const TO_DOCKER: Readonly<Record<string, string>> = {
  [OCI_LAYER]: DOCKER_LAYER,
  [`${OCI_LAYER}+gzip`]: `${DOCKER_LAYER}.gzip`,
  [OCI_FOREIGN_LAYER]: DOCKER_FOREIGN_LAYER,
  [`${OCI_FOREIGN_LAYER}+gzip`]: `${DOCKER_FOREIGN_LAYER}.gzip`,
};

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
      `creating an updated image manifest: unsupported image-specific operation on artifact with type "${artifactTypeOf(manifest)}"`,
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
  return encode(document, targetType);
}

function toOci(manifest: ImageManifest, source: Uint8Array): ConvertedImage {
  const configBytes = new TextEncoder().encode(formatGoJson(reserializeConfig(parseImageConfig(source))));
  const config = { mediaType: OCI_CONFIG, digest: computeDigest(configBytes), size: configBytes.length };
  const layers = manifest.layers.map(({ mediaType, digest, size, urls }) => ({
    mediaType: ociLayerType(mediaType),
    digest,
    size,
    urls,
  }));
  return {
    manifest: encode({ schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers }, OCI_MANIFEST),
    config,
    configBytes,
  };
}

function toDocker(manifest: ImageManifest, configBytes: Uint8Array): ConvertedImage {
  const { digest, size } = manifest.config;
  const layers = manifest.layers.map((layer) => ({
    mediaType: dockerLayerType(layer.mediaType),
    size: layer.size,
    digest: layer.digest,
    urls: layer.urls,
  }));
  const document = {
    schemaVersion: 2,
    mediaType: DOCKER_MANIFEST,
    config: { mediaType: DOCKER_CONFIG, size, digest },
    layers,
  };
  return {
    manifest: encode(document, DOCKER_MANIFEST),
    config: { mediaType: DOCKER_CONFIG, digest, size },
    configBytes,
  };
}

function ociLayerType(mediaType: string): string {
  const converted = TO_OCI[mediaType];
  if (converted !== undefined) return converted;
  throw new ImageError("MANIFEST_INVALID", `Unknown media type during manifest conversion: "${mediaType}"`);
}

function dockerLayerType(mediaType: string): string {
  const converted = TO_DOCKER[mediaType];
  if (converted !== undefined) return converted;
  const reason = mediaType.endsWith("+encrypted")
    ? `encrypted layers ("${mediaType}") are not supported in docker images`
    : mediaType.endsWith("+zstd")
      ? `"${mediaType}": zstd compression is not officially supported for docker images`
      : `unknown media type "${mediaType}"`;
  throw new ImageError("MANIFEST_INVALID", `Error during manifest conversion: ${reason}`);
}

function dockerEntry(
  entry: Descriptor,
  host: { readonly os: string; readonly architecture: string },
): unknown {
  const { mediaType, size, digest, urls, platform } = entry;
  return {
    mediaType,
    size,
    digest,
    urls,
    platform: platform ?? { architecture: host.architecture, os: host.os },
  };
}

function ociDescriptor(entry: Descriptor): unknown {
  const { mediaType, digest, size, urls, annotations, data, platform, artifactType } = entry;
  return { mediaType, digest, size, urls, annotations: sorted(annotations), data, platform, artifactType };
}

/** Annotations in the order in which Go writes maps. */
function sorted(
  annotations: Readonly<Record<string, string>> | undefined,
): ReadonlyMap<string, string> | undefined {
  return annotations === undefined ? undefined : sortedRecord(annotations);
}

function encode(document: unknown, mediaType: string): RawManifest {
  return rawManifest(new TextEncoder().encode(formatGoJson(document)), mediaType);
}
