import { type OperationOptions, streamOf } from "../core/byte-stream.ts";
import type { Descriptor, RawManifest } from "../core/descriptor.ts";
import { ImageError, inContext } from "../core/errors.ts";
import { DOCKER_MANIFEST, isSchema1Type } from "../core/media-type.ts";
import { convertImage } from "../format/convert.ts";
import { type ImageManifest, parseImageManifest } from "../format/manifest.ts";
import type { Schema1Manifest } from "../format/schema1.ts";
import { signSchema1 } from "../format/schema1-signature.ts";
import { type CopiedSchema1Layer, schema1ToSchema2 } from "../format/schema1-to-schema2.ts";
import {
  EMPTY_LAYER,
  EMPTY_LAYER_DIGEST,
  renameSchema1,
  schema2ToSchema1,
} from "../format/schema2-to-schema1.ts";
import type { InstancePlan } from "./copy-instance.ts";
import type { CopyContext, InstancePlace } from "./copy-request.ts";
import type { MovableLayer, MovedBlob } from "./layer-mover.ts";
import { type PreparedManifest, writeManifest } from "./write-manifest.ts";

/** All that is known of a schema 1 layer. */
const LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/** Copies an image in Docker's schema 1: as it is where the destination takes that, else in a newer format. */
export async function copySchema1(
  context: CopyContext,
  source: RawManifest,
  manifest: Schema1Manifest,
  plan: InstancePlan,
  place: InstancePlace,
  options: OperationOptions,
): Promise<RawManifest> {
  const keepsFormat = plan.types.every(isSchema1Type) || plan.types[0] === source.mediaType;
  if (keepsFormat) {
    const layers = manifest.layers.map((layer) => movable(layer, false));
    await context.blobs.moveAll(layers, options);
    const renamed = await withDestinationName(context, source, manifest, plan);
    return await writeManifest(
      context,
      [renamed.mediaType],
      async () => ({ manifest: renamed }),
      place,
      options,
    );
  }
  // Blobs of empty layers go along, as they do with skopeo, though nothing refers to them any more.
  const moved = await context.blobs.moveAll(
    manifest.layers.map((layer) => movable(layer, true)),
    options,
  );
  const full = moved.filter((_, i) => manifest.layers[i]?.isEmpty === false);
  const converted = schema1ToSchema2(manifest, full.map(requireDiffId));
  const prepare = async (type: string): Promise<PreparedManifest> => {
    const image =
      type === DOCKER_MANIFEST
        ? converted
        : convertImage(parseImageManifest(converted.manifest), type, converted.configBytes);
    return { manifest: image.manifest, config: { descriptor: image.config, content: image.configBytes } };
  };
  const newer = plan.types.filter((type) => !isSchema1Type(type));
  return await writeManifest(context, newer, prepare, place, options);
}

function movable({ digest }: Pick<Descriptor, "digest">, needsDiffId: boolean): MovableLayer {
  return {
    role: "layer",
    descriptor: { mediaType: LAYER_TYPE, digest, size: -1 },
    mayChange: needsDiffId,
    needsDiffId,
  };
}

function requireDiffId({ digest, size, diffId }: MovedBlob): CopiedSchema1Layer {
  if (diffId !== undefined) return { digest, size, diffId };
  throw new ImageError("MANIFEST_INVALID", `the diffID of layer ${digest} was not found out`);
}

/** Schema 1 says inside what the image is called, and a registry wants to read its own name there. images.md 5.2. */
async function withDestinationName(
  context: CopyContext,
  source: RawManifest,
  manifest: Schema1Manifest,
  { fixedBecause }: InstancePlan,
): Promise<RawManifest> {
  const { traits, reference } = context.destination;
  const name = reference.dockerName;
  if (traits.embeddedName !== "match-reference" || name === undefined) return source;
  const wanted = { name: name.repository, tag: name.tag ?? "" };
  if (manifest.name === wanted.name && manifest.tag === wanted.tag) return source;
  if (fixedBecause === undefined) return await signSchema1(renameSchema1(manifest, wanted));
  const embedded = `${manifest.name}:${manifest.tag}`;
  throw new ImageError(
    "DIGEST_NOT_PRESERVABLE",
    `Copying a schema1 image with an embedded Docker reference to ${reference.transport.name}:${reference.text} (Docker reference ${embedded}) would change the manifest, which we cannot do: "${fixedBecause}"`,
  );
}

/** An image as a signed schema 1 manifest, with the blob of empty layers stored where it has any. images.md 7.3. */
export async function convertToSchema1(
  context: CopyContext,
  manifest: ImageManifest,
  config: Uint8Array,
  options: OperationOptions,
): Promise<PreparedManifest> {
  const asDocker =
    manifest.mediaType === DOCKER_MANIFEST
      ? manifest
      : parseImageManifest(convertImage(manifest, DOCKER_MANIFEST, config).manifest);
  const { destination } = context;
  const name = destination.reference.dockerName;
  const document = schema2ToSchema1(
    config,
    asDocker.layers.map(({ digest }) => digest),
    { name: name?.repository ?? "", tag: name?.tag ?? "" },
  );
  if (document.usesEmptyLayer) await storeEmptyLayer(context, options);
  return { manifest: await signSchema1(document.text) };
}

async function storeEmptyLayer({ destination }: CopyContext, options: OperationOptions): Promise<void> {
  const placement = {
    role: "layer",
    mediaType: LAYER_TYPE,
    digest: EMPTY_LAYER_DIGEST,
    size: EMPTY_LAYER.length,
  } as const;
  await inContext("uploading empty layer", async () => {
    const reused = await destination.reuseBlob(placement, options);
    if (reused === undefined) await destination.writeBlob(streamOf(EMPTY_LAYER), placement, options);
  });
}
