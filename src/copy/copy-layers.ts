import type { OperationOptions } from "../core/byte-stream.ts";
import type { Descriptor } from "../core/descriptor.ts";
import { OCI_MANIFEST } from "../core/media-type.ts";
import { declaredCompression, withLayerCompression } from "../format/layer-type.ts";
import { type ImageManifest, isArtifact } from "../format/manifest.ts";
import type { CopyContext } from "./copy-request.ts";
import type { InstanceConfig } from "./instance-config.ts";
import type { MovableLayer, MovedBlob } from "./layer-mover.ts";

/** The layers of an image as they are at the destination. */
export interface CopiedLayers {
  readonly layers: readonly Descriptor[];
  /** Whether any of them has other bytes than the source's, so that the manifest must change. */
  readonly isChanged: boolean;
}

/** What to move of an image's layers. Those of an artifact, and of an image that may not change, keep their bytes. */
export async function planLayers(
  context: CopyContext,
  manifest: ImageManifest,
  config: InstanceConfig,
  isFixed: boolean,
  options: OperationOptions,
): Promise<readonly MovableLayer[]> {
  const mayChange = !isFixed && !isArtifact(manifest);
  const { layers } = manifest;
  const needsDiffIds = mayChange && mayNeedTreatment(context, manifest);
  const diffIds = needsDiffIds ? await config.readDiffIds(layers.length, options) : undefined;
  return layers.map((descriptor, i) => ({ role: "layer", descriptor, diffId: diffIds?.[i], mayChange }));
}

/**
 * Whether a layer may have to be compressed or decompressed, as far as can be told beforehand: if not, the config, which
 * takes a request of its own, need not be there before the layers.
 */
function mayNeedTreatment({ source, compression }: CopyContext, { layers }: ImageManifest): boolean {
  if (compression.wants === "preserve") return false;
  if (compression.wants === "decompress" || compression.format !== undefined) return true;
  if (source.hasExactMediaTypes !== true) return true;
  return layers.some((layer) => declaredCompression(layer) === "uncompressed");
}

/** The descriptors of the layers after they were moved. */
export function copiedLayers(manifest: ImageManifest, moved: readonly MovedBlob[]): CopiedLayers {
  const pairs = manifest.layers.flatMap((layer, i) => {
    const result = moved[i];
    return result === undefined ? [] : [{ layer, result }];
  });
  return {
    layers: pairs.map(({ layer, result }) => describeCopy(manifest, layer, result)),
    isChanged: pairs.some(({ layer, result }) => layer.digest !== result.digest),
  };
}

/** URLs go when the data was stored, annotations when it changed: they were about something else. images.md 8.1. */
function describeCopy(manifest: ImageManifest, layer: Descriptor, result: MovedBlob): Descriptor {
  const { digest, size, compression } = result;
  const isSame = digest === layer.digest;
  const own = manifest.mediaType === OCI_MANIFEST ? layer.annotations : undefined;
  return {
    ...layer,
    mediaType:
      compression === undefined ? layer.mediaType : withLayerCompression(layer.mediaType, compression),
    digest,
    size,
    urls: result.outcome === "skipped" ? layer.urls : undefined,
    annotations: isSame ? own : result.annotations,
  };
}
