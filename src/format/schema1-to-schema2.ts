import { computeDigest, type Digest } from "../core/digest.ts";
import { ImageError } from "../core/errors.ts";
import { DOCKER_CONFIG, DOCKER_MANIFEST } from "../core/media-type.ts";
import type { ConvertedImage } from "./convert.ts";
import { formatGoJson } from "./go-json.ts";
import { ZERO_TIME } from "./go-time.ts";
import { reencodeOldConfig } from "./old-docker-config.ts";
import { formatRawMembers, rawMembers } from "./raw-json.ts";
import { formatImageManifest } from "./rewrite-manifest.ts";
import type { Schema1Manifest } from "./schema1.ts";

const LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip";
/** Known only to schema 1, or made anew. */
const DROPPED: readonly string[] = ["id", "parent", "parent_id", "layer_id", "throwaway", "Size"];

/** A layer that is not empty, as it was copied. */
export interface CopiedSchema1Layer {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly diffId: Digest;
}

/** The image in Docker's schema 2; `layers` are those that are not empty, base first. images.md 7.4. @throws {ImageError} */
export function schema1ToSchema2(
  manifest: Schema1Manifest,
  layers: readonly CopiedSchema1Layer[],
): ConvertedImage {
  const configBytes = buildSchema1Config(
    manifest,
    layers.map(({ diffId }) => diffId),
  );
  const config = { mediaType: DOCKER_CONFIG, digest: computeDigest(configBytes), size: configBytes.length };
  const converted = formatImageManifest({
    kind: "image",
    mediaType: DOCKER_MANIFEST,
    config,
    layers: layers.map(({ digest, size }) => ({ mediaType: LAYER_TYPE, size, digest })),
  });
  return { manifest: converted, config, configBytes };
}

/** The config of a schema 1 image: what its newest layer tells, with the diffIDs, which may be "" to be shown only. */
export function buildSchema1Config(
  { layers }: Schema1Manifest,
  diffIds: readonly (Digest | "")[],
): Uint8Array {
  const top = layers.at(-1);
  if (top === undefined) throw new ImageError("MANIFEST_INVALID", "no FSLayers in manifest");
  const members = new Map(rawMembers(reencodeOldConfig(top.v1Compatibility), "v1Compatibility"));
  for (const key of DROPPED) members.delete(key);
  members.set("rootfs", formatGoJson({ type: "layers", diff_ids: diffIds }));
  members.set("history", formatGoJson(layers.map(describeHistory)));
  return new TextEncoder().encode(formatRawMembers(members));
}

function describeHistory(layer: Schema1Manifest["layers"][number]): unknown {
  const { created, author, command, comment, isEmpty } = layer;
  return {
    created: created ?? ZERO_TIME,
    author: author || undefined,
    created_by: command.join(" ") || undefined,
    comment: comment || undefined,
    empty_layer: isEmpty || undefined,
  };
}
