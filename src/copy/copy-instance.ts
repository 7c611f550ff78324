import type { OperationOptions } from "../core/byte-stream.ts";
import type { RawManifest } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { ImageError, inContext } from "../core/errors.ts";
import { isSchema1Type } from "../core/media-type.ts";
import type { Signature } from "../core/signature.ts";
import { type ImageManifest, type Manifest, parseManifest } from "../format/manifest.ts";
import type { Schema1Manifest } from "../format/schema1.ts";
import { admit } from "./admit.ts";
import { copiedLayers, planLayers } from "./copy-layers.ts";
import type { CopyContext, CopyResult, InstancePlace } from "./copy-request.ts";
import { InstanceConfig } from "./instance-config.ts";
import { planManifestTypes } from "./manifest-plan.ts";
import { isPresent } from "./presence.ts";
import { signaturesToCopy } from "./source-signatures.ts";
import { type PreparedManifest, writeManifest } from "./write-manifest.ts";
import { writeSignatures } from "./write-signatures.ts";

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
  if (place.isPartOfIndex) await admit(context.request, context.signatures, source, options, true);
  const manifest = parseSingle(source);
  const signatures = await signaturesToCopy(context, "image", signedAs, options);
  const plan = planInstance(context, source, signatures);
  const isVerbatim = plan.types[0] === source.mediaType;
  const getsSignatures = signatures.length > 0 || (context.request.signers ?? []).length > 0;
  if (isVerbatim && !context.compression.isForced && (await isPresent(context, source, place, options))) {
    context.report({ kind: "unchanged", digest: source.digest });
    if (getsSignatures) {
      await writeSignatures(context, { manifest: source, signatures, place }, "image", options);
    }
    return { manifest: source, isUnchanged: !getsSignatures };
  }
  const written =
    manifest.kind === "schema1"
      ? await copySchema1(context, source, manifest, plan, place, options)
      : await copyImage(context, source, manifest, plan, place, options);
  await writeSignatures(context, { manifest: written, signatures, place }, "image", options);
  return { manifest: written, isUnchanged: false };
}

function parseSingle(source: RawManifest): Exclude<Manifest, { kind: "index" }> {
  const manifest = parseManifest(source);
  if (manifest.kind !== "index") return manifest;
  throw new ImageError(
    "MANIFEST_INVALID",
    "Unexpectedly received a manifest list instead of a manifest for a single image",
  );
}

/** What an image may become. */
export interface InstancePlan {
  /** The kinds of manifest to try. */
  readonly types: readonly string[];
  /** Why no byte of the manifest may change, if so. */
  readonly fixedBecause: string | undefined;
}

/** One that may not change is written as it is, whatever format was asked for. images.md 5.1. */
function planInstance(
  context: CopyContext,
  source: RawManifest,
  signatures: readonly Signature[],
): InstancePlan {
  const { format, compression } = context.request;
  const { manifestTypes: accepted } = context.destination.traits;
  const fixedBecause = signatures.length > 0 ? "Would invalidate signatures" : undefined;
  const reason = context.fixedBecause ?? fixedBecause;
  const { mediaType } = source;
  if (reason === undefined) {
    const types = planManifestTypes({
      sourceType: mediaType,
      accepted,
      format,
      compression: compression?.format,
    });
    return { types, fixedBecause: undefined };
  }
  if (accepted === "any" || accepted.includes(mediaType)) return { types: [mediaType], fixedBecause: reason };
  throw new ImageError(
    "DIGEST_NOT_PRESERVABLE",
    `the destination does not take manifests of type ${mediaType}, and this one may not be converted: ${reason}`,
  );
}

async function copySchema1(
  context: CopyContext,
  source: RawManifest,
  manifest: Schema1Manifest,
  plan: InstancePlan,
  place: InstancePlace,
  options: OperationOptions,
): Promise<RawManifest> {
  const schema1 = await import("./copy-schema1.ts");
  return await schema1.copySchema1(context, source, manifest, plan, place, options);
}

async function copyImage(
  context: CopyContext,
  source: RawManifest,
  manifest: ImageManifest,
  plan: InstancePlan,
  place: InstancePlace,
  options: OperationOptions,
): Promise<RawManifest> {
  const config = new InstanceConfig(context.source, manifest.config);
  const isFixed = plan.fixedBecause !== undefined;
  const layers = await planLayers(context, manifest, config, isFixed, options);
  const keepsKind = plan.types[0] === source.mediaType;
  const content = config.isRead ? await config.read(options) : undefined;
  const configBlob = { role: "config", descriptor: manifest.config, content } as const;
  const moved = await context.blobs.moveAll(keepsKind ? [...layers, configBlob] : layers, options);
  const copied = copiedLayers(manifest, moved.slice(0, layers.length));
  const updated = { ...manifest, layers: copied.layers };
  const prepare = async (type: string): Promise<PreparedManifest> => {
    if (type !== source.mediaType) {
      return await inContext("creating an updated image manifest", () =>
        convert(context, updated, type, config, options),
      );
    }
    if (!copied.isChanged) return { manifest: source };
    const { formatImageManifest } = await import("../format/rewrite-manifest.ts");
    return { manifest: formatImageManifest(updated) };
  };
  return await writeManifest(context, plan.types, prepare, place, options);
}

async function convert(
  context: CopyContext,
  manifest: ImageManifest,
  type: string,
  config: InstanceConfig,
  options: OperationOptions,
): Promise<PreparedManifest> {
  const bytes = await config.read(options);
  if (isSchema1Type(type)) {
    const { convertToSchema1 } = await import("./copy-schema1.ts");
    return await convertToSchema1(context, manifest, bytes, options);
  }
  const { convertImage } = await import("../format/convert.ts");
  const converted = convertImage(manifest, type, bytes);
  return {
    manifest: converted.manifest,
    config: { descriptor: converted.config, content: converted.configBytes },
  };
}
