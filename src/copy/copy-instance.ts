import { collect, type OperationOptions, streamOf, verified } from "../core/byte-stream.ts";
import type { Descriptor, RawManifest } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { ImageError, inContext } from "../core/errors.ts";
import { isIndexType } from "../core/media-type.ts";
import type { Signature } from "../core/signature.ts";
import { DOCUMENT_LIMIT } from "../format/json.ts";
import { type ImageManifest, parseManifest } from "../format/manifest.ts";
import type { MovableBlob } from "./blob-mover.ts";
import type { CopyContext, CopyResult, InstancePlace } from "./copy-request.ts";
import { planManifestTypes } from "./manifest-plan.ts";
import { isPresent } from "./presence.ts";
import { readSignatures } from "./read-signatures.ts";

/**
 * Copies one image: what is there already is found out first, then its blobs move, then its manifest is written.
 * `signedAs` is the digest that its signatures are kept under, for an instance of an index.
 */
export async function copyInstance(
  context: CopyContext,
  source: RawManifest,
  signedAs: Digest | undefined,
  options: OperationOptions,
  place: InstancePlace = { isPartOfIndex: false },
): Promise<CopyResult> {
  const manifest = parseManifest(source);
  if (manifest.kind === "index") {
    throw new ImageError(
      "MANIFEST_INVALID",
      "Unexpectedly received a manifest list instead of a manifest for a single image",
    );
  }
  if (manifest.kind === "schema1") {
    throw new ImageError("UNSUPPORTED_OPERATION", "copying Docker schema 1 images is not supported");
  }
  const signatures = await readSignatures(
    context,
    "image",
    signedAs === undefined ? undefined : source,
    options,
  );
  const types = plannedTypes(context, source, signatures);
  const isVerbatim = types[0] === source.mediaType;
  if (isVerbatim && signatures.length === 0 && (await isPresent(context, source, place, options))) {
    context.report({ kind: "unchanged", digest: source.digest });
    return { manifest: source, isUnchanged: true };
  }
  const blobs = isVerbatim ? [...layersOf(manifest), configOf(manifest)] : layersOf(manifest);
  await context.blobs.moveAll(blobs, options);
  const written = await writeManifest(context, source, manifest, types, place, options);
  if (signatures.length > 0) await writeSignatures(context, signatures, written, place, options);
  return { manifest: written, isUnchanged: false };
}

/** The kinds of manifest to try. One that may not change is written as it is, whatever format was asked for. */
function plannedTypes(
  context: CopyContext,
  source: RawManifest,
  signatures: readonly Signature[],
): readonly string[] {
  const { format } = context.request;
  const { manifestTypes } = context.destination.traits;
  const reason = context.fixedBecause ?? (signatures.length > 0 ? "Would invalidate signatures" : undefined);
  if (reason === undefined) return planManifestTypes(source.mediaType, manifestTypes, format);
  if (manifestTypes === "any" || manifestTypes.includes(source.mediaType)) return [source.mediaType];
  throw new ImageError(
    "DIGEST_NOT_PRESERVABLE",
    `the destination does not take manifests of type ${source.mediaType}, and this one may not be converted: ${reason}`,
  );
}

function layersOf(manifest: ImageManifest): readonly MovableBlob[] {
  return manifest.layers.map((descriptor) => ({ role: "layer", descriptor }));
}

function configOf(manifest: ImageManifest): MovableBlob {
  return { role: "config", descriptor: manifest.config };
}

/** Writes the manifest in the first kind that the destination takes. */
async function writeManifest(
  context: CopyContext,
  source: RawManifest,
  manifest: ImageManifest,
  types: readonly string[],
  place: InstancePlace,
  options: OperationOptions,
): Promise<RawManifest> {
  const rejections: { readonly type: string; readonly error: ImageError }[] = [];
  for (const type of types) {
    try {
      const prepared = await prepareManifest(context, source, manifest, type, options);
      await putManifest(context, prepared, place, options);
      return prepared;
    } catch (error) {
      if (!(error instanceof ImageError && error.code === "MANIFEST_REJECTED")) throw error;
      rejections.push({ type, error });
    }
  }
  const [only] = rejections;
  if (only !== undefined && rejections.length === 1) throw only.error;
  const attempts = rejections.map(({ type, error }) => `${type}(${error.message})`).join(", ");
  throw new ImageError(
    "REGISTRY_FAILURE",
    `Uploading manifest failed, attempted the following formats: ${attempts}`,
  );
}

/** The manifest in the wanted kind; for another one than the source's, with its config stored. */
async function prepareManifest(
  context: CopyContext,
  source: RawManifest,
  manifest: ImageManifest,
  type: string,
  options: OperationOptions,
): Promise<RawManifest> {
  if (type === source.mediaType) return source;
  const configBytes = await readConfig(context, manifest.config, options);
  const { convertImage } = await import("../format/convert.ts");
  const converted = convertImage(manifest, type, configBytes);
  await storeConfig(context, converted.config, converted.configBytes, options);
  return converted.manifest;
}

async function readConfig(
  context: CopyContext,
  config: Descriptor,
  options: OperationOptions,
): Promise<Uint8Array> {
  return await inContext(`reading config blob ${config.digest}`, async () => {
    await using blob = await context.source.openBlob(config, options);
    return await collect(verified(blob.bytes, config.digest, config.size), DOCUMENT_LIMIT, "config");
  });
}

async function storeConfig(
  context: CopyContext,
  config: Descriptor,
  bytes: Uint8Array,
  options: OperationOptions,
): Promise<void> {
  const { destination, report } = context;
  const { digest, size, mediaType } = config;
  report({ kind: "blob-start", digest, role: "config", size });
  const placement = { role: "config", mediaType, digest, size } as const;
  const reused = await destination.reuseBlob(placement, options);
  if (reused === undefined) await destination.writeBlob(streamOf(bytes), placement, options);
  report({ kind: "blob-end", digest, outcome: reused === undefined ? "copied" : "reused" });
}

async function putManifest(
  context: CopyContext,
  manifest: RawManifest,
  place: InstancePlace,
  options: OperationOptions,
): Promise<void> {
  const { digest, mediaType } = manifest;
  context.report({ kind: "manifest", of: isIndexType(mediaType) ? "index" : "image", digest, mediaType });
  const instance = place.isPartOfIndex ? digest : undefined;
  await inContext("writing manifest", () => context.destination.writeManifest(manifest, instance, options));
}

async function writeSignatures(
  context: CopyContext,
  signatures: readonly Signature[],
  manifest: RawManifest,
  place: InstancePlace,
  options: OperationOptions,
): Promise<void> {
  context.report({ kind: "signatures", of: "image", step: "write" });
  const instance = place.isPartOfIndex ? manifest.digest : undefined;
  await inContext("writing signatures", () =>
    context.destination.writeSignatures(signatures, instance, options),
  );
}
