import type { OperationOptions } from "../core/byte-stream.ts";
import type { Platform, RawManifest } from "../core/descriptor.ts";
import { formatDockerName } from "../core/docker-name.ts";
import { ImageError, inContext } from "../core/errors.ts";
import type { ImageDestination, ImageReference, ImageSource } from "../core/image.ts";
import { isIndexType } from "../core/media-type.ts";
import type { ProgressListener } from "../core/progress.ts";
import type { Signature } from "../core/signature.ts";
import { chooseInstance, type WantedPlatform } from "../format/instance-choice.ts";
import { parseIndex } from "../format/manifest.ts";
import { BlobMover } from "./blob-mover.ts";
import { copyIndex } from "./copy-index.ts";
import { copyInstance } from "./copy-instance.ts";

/** Which images of an index to copy; of a single image, that one is always copied. */
export type InstanceSelection =
  /** The one image that fits a platform, without the index. */
  | { readonly kind: "system"; readonly platform: WantedPlatform }
  | { readonly kind: "all" }
  /** The index alone, for a destination that has its images already. */
  | { readonly kind: "index-only" }
  /** The index with only the images of these platforms; without a variant, all variants. */
  | { readonly kind: "platforms"; readonly platforms: readonly Platform[] };

/** A request to copy one image, or an index with images. */
export interface CopyRequest {
  readonly source: ImageReference;
  readonly destination: ImageReference;
  /** Refuses, by throwing, an image that may not be used. Called before any blob moves. */
  readonly admit: (
    reference: ImageReference,
    manifest: RawManifest,
    options: OperationOptions,
  ) => Promise<void>;
  readonly instances: InstanceSelection;
  /** The format to write in; without it, that of the source as far as the destination takes it. */
  readonly format?: "oci" | "v2s2" | undefined;
  /** Fail rather than write a manifest of another digest. */
  readonly preserveDigests?: boolean | undefined;
  /** Neither read nor copy the signatures of the source. */
  readonly removeSignatures?: boolean | undefined;
  /** Blobs moved at a time. Without it, large blobs are limited to a few and small ones to many. */
  readonly parallelCopies?: number | undefined;
  readonly onProgress?: ProgressListener | undefined;
}

/** What was written. */
export interface CopyResult {
  /** The manifest that the destination reference names now: of an index, if one was copied. */
  readonly manifest: RawManifest;
  /** The destination held the very same already; no blob was asked for. */
  readonly isUnchanged: boolean;
}

/** What the steps of one copy share. */
export interface CopyContext {
  readonly request: CopyRequest;
  readonly source: ImageSource;
  readonly destination: ImageDestination;
  readonly blobs: BlobMover;
  readonly report: ProgressListener;
  /** Why no byte of a manifest may change, if so. */
  readonly fixedBecause: string | undefined;
}

/**
 * Copies an image from any place to any other. Every blob is checked against its digest and size while it streams
 * from one to the other; the manifest that makes them an image is written after them.
 * @throws {ImageError}
 */
export async function copyImage(request: CopyRequest, options: OperationOptions = {}): Promise<CopyResult> {
  options.signal?.throwIfAborted();
  request.destination.prepare?.(options);
  await using source = await openSource(request.source, options);
  const topLevel = await source.readManifest(undefined, options);
  await request.admit(request.source, topLevel, options);
  await using destination = await openDestination(request.destination, options);
  const report = request.onProgress ?? ((): void => undefined);
  const context: CopyContext = {
    request,
    source,
    destination,
    blobs: new BlobMover(source, destination, report, request.parallelCopies),
    report,
    fixedBecause: reasonAgainstChanges(request),
  };
  const result = await copyTopLevel(context, topLevel, options);
  if (!result.isUnchanged) await destination.commit(options);
  return result;
}

async function copyTopLevel(
  context: CopyContext,
  topLevel: RawManifest,
  options: OperationOptions,
): Promise<CopyResult> {
  const { instances, source: reference } = context.request;
  if (!isIndexType(topLevel.mediaType)) {
    checkDestinationDigest(context, topLevel);
    return await copyInstance(context, topLevel, undefined, options);
  }
  if (instances.kind !== "system") {
    checkDestinationDigest(context, topLevel);
    return await copyIndex(context, topLevel, instances, options);
  }
  const instance = await readInstance(context.source, topLevel, instances.platform, reference, options);
  checkDestinationDigest(context, topLevel, instance);
  return await inContext("copying system image from manifest list", () =>
    copyInstance(context, instance, instance.digest, options),
  );
}

/** The image for a platform; an index within the index is searched in turn. */
export async function readInstance(
  source: ImageSource,
  topLevel: RawManifest,
  platform: WantedPlatform,
  reference: ImageReference,
  options: OperationOptions,
): Promise<RawManifest> {
  let current = topLevel;
  for (let depth = 0; isIndexType(current.mediaType); depth++) {
    if (depth === MAX_NESTING) throw new ImageError("MANIFEST_INVALID", "indexes are nested too deeply");
    const index = parseIndex(current);
    const name = `${reference.transport.name}:${reference.text}`;
    const chosen = await inContext(`choosing an image from manifest list ${name}`, async () =>
      chooseInstance(index, platform),
    );
    current = await source.readManifest(chosen.digest, options);
  }
  return current;
}

const MAX_NESTING = 8;

async function openSource(reference: ImageReference, options: OperationOptions): Promise<ImageSource> {
  const name = `${reference.transport.name}:${reference.text}`;
  if (reference.openSource === undefined) {
    throw new ImageError("UNSUPPORTED_OPERATION", `${name} can only be written to, not read from`);
  }
  const open = reference.openSource.bind(reference);
  return await inContext(`initializing source ${name}`, () => open(options));
}

async function openDestination(
  reference: ImageReference,
  options: OperationOptions,
): Promise<ImageDestination> {
  const name = `${reference.transport.name}:${reference.text}`;
  if (reference.openDestination === undefined) {
    throw new ImageError("UNSUPPORTED_OPERATION", `${name} can only be read from, not written to`);
  }
  const open = reference.openDestination.bind(reference);
  return await inContext(`initializing destination ${name}`, () => open(options));
}

function reasonAgainstChanges(request: CopyRequest): string | undefined {
  if (request.preserveDigests) return "Instructed to preserve digests";
  return request.destination.dockerName?.digest === undefined ? undefined : "Destination specifies a digest";
}

/** A destination that names a digest takes that image only, or one image of the index that has the digest. */
function checkDestinationDigest(context: CopyContext, ...candidates: readonly RawManifest[]): void {
  const name = context.request.destination.dockerName;
  if (name?.digest === undefined || candidates.some(({ digest }) => digest === name.digest)) return;
  throw new ImageError(
    "DIGEST_NOT_PRESERVABLE",
    `Digest of source image's manifest would not match destination reference ${formatDockerName(name)}`,
  );
}

/** The signatures to copy along. @throws {ImageError} UNSUPPORTED_OPERATION when the destination can't hold them */
export async function readSignatures(
  context: CopyContext,
  of: "image" | "index",
  manifest: RawManifest | undefined,
  options: OperationOptions,
): Promise<readonly Signature[]> {
  if (context.request.removeSignatures) return [];
  context.report({ kind: "signatures", of, step: "read" });
  const signatures = await inContext("reading signatures", () =>
    context.source.readSignatures(manifest?.digest, options),
  );
  if (signatures.length === 0) return [];
  context.report({ kind: "signatures", of, step: "check" });
  const { traits, reference } = context.destination;
  if (traits.signatures === "stored") return signatures;
  throw new ImageError(
    "UNSUPPORTED_OPERATION",
    `Can not copy signatures to ${reference.transport.name}:${reference.text}: ${traits.signatures.unsupportedBecause}`,
  );
}
