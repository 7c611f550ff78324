import { NO_KNOWLEDGE } from "../core/blob-knowledge.ts";
import type { OperationOptions } from "../core/byte-stream.ts";
import type { RawManifest } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { formatDockerName } from "../core/docker-name.ts";
import { ImageError, inContext } from "../core/errors.ts";
import type { ImageDestination, ImageReference, ImageSource } from "../core/image.ts";
import { isIndexType } from "../core/media-type.ts";
import { resolveInstance } from "../format/resolve-instance.ts";
import { admit } from "./admit.ts";
import { BlobMover } from "./blob-mover.ts";
import { copyIndex } from "./copy-index.ts";
import { copyInstance } from "./copy-instance.ts";
import type { CopyContext, CopyRequest, CopyResult } from "./copy-request.ts";
import type { CompressionPlan } from "./layer-treatment.ts";
import { SourceSignatures } from "./source-signatures.ts";
import { checkSigning } from "./write-signatures.ts";

/**
 * Copies an image from any place to any other. Every blob is checked against its digest and size while it streams
 * from one to the other; the manifest that makes them an image is written after them.
 * @throws {ImageError}
 */
export async function copyImage(request: CopyRequest, options: OperationOptions = {}): Promise<CopyResult> {
  options.signal?.throwIfAborted();
  request.destination.prepare?.(options);
  const { sharedBlobs } = request;
  await using ownSource = await openSource(request.source, options);
  const source = sharedBlobs?.source(ownSource) ?? ownSource;
  const topLevel = await source.readManifest(undefined, options);
  checkExpected(request, topLevel.digest);
  const instance = await chooseInstance(source, request, topLevel, options);
  const signatures = new SourceSignatures(source);
  await admitEarly(request, signatures, instance, topLevel, options);
  await using ownDestination = await openDestination(request.destination, options);
  const destination = sharedBlobs?.destination(ownDestination) ?? ownDestination;
  checkSigning(request, destination);
  const report = request.onProgress ?? ((): void => undefined);
  const compression = planCompression(request, destination);
  const { parallelCopies, inflationLimit, knowledge = NO_KNOWLEDGE } = request;
  const context: CopyContext = {
    request,
    source,
    signatures,
    destination,
    blobs: new BlobMover({
      ...{ source, destination, report, parallelCopies, compression, inflationLimit, knowledge, sharedBlobs },
      precomputeIn: request.precomputeDigestsIn,
    }),
    report,
    compression,
    fixedBecause: reasonAgainstChanges(request),
    entries: new Map(),
  };
  const result = await copyTopLevel(context, topLevel, instance, options);
  if (!result.isUnchanged) await destination.commit(options);
  return result;
}

function planCompression({ compression }: CopyRequest, { traits }: ImageDestination): CompressionPlan {
  const { layers = traits.layerCompression, format, level, isForced = false } = compression ?? {};
  const isWritable = format !== "bzip2" && format !== "Xz";
  return { wants: layers, format: isWritable ? format : undefined, level, isForced };
}

/** A plan is for what was there when it was made. */
function checkExpected({ source, expectedDigest }: CopyRequest, found: Digest): void {
  if (expectedDigest === undefined || expectedDigest === found) return;
  throw new ImageError(
    "DIGEST_MISMATCH",
    `${source.transport.name}:${source.text} has moved: it was ${expectedDigest} and is ${found}`,
  );
}

/** The one image of an index that is to be copied alone; undefined where it is not about one. */
async function chooseInstance(
  source: ImageSource,
  { instances, source: reference }: CopyRequest,
  topLevel: RawManifest,
  options: OperationOptions,
): Promise<RawManifest | undefined> {
  if (instances.kind !== "system" || !isIndexType(topLevel.mediaType)) return undefined;
  return await resolveInstance(
    topLevel,
    instances.platform,
    `choosing an image from manifest list ${reference.transport.name}:${reference.text}`,
    (digest) => source.readManifest(digest, options),
  );
}

/** What is known to be copied is judged before the destination is opened; the images of an index each in its turn. */
async function admitEarly(
  request: CopyRequest,
  signatures: SourceSignatures,
  instance: RawManifest | undefined,
  topLevel: RawManifest,
  options: OperationOptions,
): Promise<void> {
  if (instance !== undefined) {
    await inContext("copying system image from manifest list", () =>
      admit(request, signatures, instance, options, true),
    );
  } else if (!isIndexType(topLevel.mediaType)) {
    await admit(request, signatures, topLevel, options, false);
  }
}

async function copyTopLevel(
  context: CopyContext,
  topLevel: RawManifest,
  instance: RawManifest | undefined,
  options: OperationOptions,
): Promise<CopyResult> {
  const { instances } = context.request;
  if (!isIndexType(topLevel.mediaType)) {
    checkDestinationDigest(context, topLevel);
    return await copyInstance(context, topLevel, undefined, options);
  }
  if (instances.kind !== "system" || instance === undefined) {
    checkDestinationDigest(context, topLevel);
    return await copyIndex(
      context,
      topLevel,
      instances.kind === "system" ? { kind: "all" } : instances,
      options,
    );
  }
  checkDestinationDigest(context, topLevel, instance);
  return await inContext("copying system image from manifest list", () =>
    copyInstance(context, instance, instance.digest, options),
  );
}

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
