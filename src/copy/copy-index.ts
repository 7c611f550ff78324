import type { OperationOptions } from "../core/byte-stream.ts";
import type { Descriptor, RawManifest } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { ImageError, inContext } from "../core/errors.ts";
import { forEachLimited } from "../core/limiter.ts";
import { isIndexType } from "../core/media-type.ts";
import { type IndexManifest, parseIndex } from "../format/manifest.ts";
import { admit } from "./admit.ts";
import { copyInstance } from "./copy-instance.ts";
import type { CopyContext, CopyResult, InstancePlace } from "./copy-request.ts";
import { type IndexSelection, keptEntries, rewriteIndex } from "./index-selection.ts";
import { planIndexTypes } from "./manifest-plan.ts";
import { isPresent } from "./presence.ts";
import { signaturesToCopy } from "./source-signatures.ts";
import { writeSignatures } from "./write-signatures.ts";

/** Enough to hide round trips; their blobs share one limit for large transfers. */
const INSTANCES_AT_A_TIME = 4;

/**
 * Copies an index with those of its images that are wanted. If nothing about it has to change, the index keeps its
 * bytes; otherwise it is written anew, listing what was copied.
 */
export async function copyIndex(
  context: CopyContext,
  source: RawManifest,
  selection: IndexSelection,
  options: OperationOptions,
  place: InstancePlace = { isPartOfIndex: false },
): Promise<CopyResult> {
  checkListSupport(context);
  const index = parseIndex(source);
  const signedAs = place.isPartOfIndex ? source.digest : undefined;
  const signatures = await signaturesToCopy(context, "index", signedAs, options);
  const plan = planIndex(context, source, index, selection, signatures.length > 0);
  const wanted = selection.kind === "index-only" ? [] : plan.kept;
  // Where no image is judged, the index is.
  if (wanted.length === 0)
    await admit(context.request, context.signatures, source, options, place.isPartOfIndex);
  const copied = await copyEntries(context, index, wanted, selection, options);
  const entries = plan.kept.map((entry) => copied.get(entry.digest)?.entry ?? entry);
  const isVerbatim = plan.keepsForm && entries.every((entry, i) => entry === index.manifests[i]);
  if (!isVerbatim) refuseChange(plan, source.mediaType);
  const getsSignatures = signatures.length > 0 || (context.request.signers ?? []).length > 0;
  if ([...copied.values()].every((item) => item.isUnchanged) && !getsSignatures) {
    const manifest = isVerbatim ? source : await rewriteIndex(index, plan.types[0] ?? "", entries);
    if (await isPresent(context, manifest, place, options)) {
      context.report({ kind: "unchanged", digest: manifest.digest });
      return { manifest, isUnchanged: true };
    }
  }
  const written = await writeIndex(
    context,
    isVerbatim ? source : undefined,
    index,
    plan,
    entries,
    place,
    options,
  );
  await writeSignatures(context, { manifest: written, signatures, place }, "index", options);
  return { manifest: written, isUnchanged: false };
}

interface IndexPlan {
  /** The entries that stay in the index. */
  readonly kept: readonly Descriptor[];
  /** The kinds of index to try, in order. */
  readonly types: readonly string[];
  /** All entries stay, and the kind of the index. */
  readonly keepsForm: boolean;
  readonly fixedBecause: string | undefined;
}

/** @throws {ImageError} DIGEST_NOT_PRESERVABLE when the index would have to change and may not */
function planIndex(
  context: CopyContext,
  source: RawManifest,
  index: IndexManifest,
  selection: IndexSelection,
  isSigned: boolean,
): IndexPlan {
  const { request, destination } = context;
  const kept = keptEntries(index, selection);
  const types = planIndexTypes({
    sourceType: source.mediaType,
    accepted: destination.traits.manifestTypes,
    format: request.format,
  });
  const keepsForm = kept.length === index.manifests.length && types[0] === source.mediaType;
  const fixedBecause = context.fixedBecause ?? (isSigned ? "Would invalidate signatures" : undefined);
  const plan = {
    kept,
    types: fixedBecause === undefined ? types : types.slice(0, 1),
    keepsForm,
    fixedBecause,
  };
  if (!keepsForm) refuseChange(plan, source.mediaType);
  return plan;
}

function refuseChange({ types, fixedBecause }: IndexPlan, sourceType: string): void {
  if (fixedBecause === undefined) return;
  const type = types[0] ?? sourceType;
  const change = type === sourceType ? "changed" : `converted to type "${type}"`;
  throw new ImageError(
    "DIGEST_NOT_PRESERVABLE",
    `Manifest list must be ${change} to be written to destination, but we cannot modify it: "${fixedBecause}"`,
  );
}

/** Writes the index in the first kind that the destination takes; `verbatim` is the source, if it need not change. */
async function writeIndex(
  context: CopyContext,
  verbatim: RawManifest | undefined,
  index: IndexManifest,
  plan: IndexPlan,
  entries: readonly Descriptor[],
  place: InstancePlace,
  options: OperationOptions,
): Promise<RawManifest> {
  const rejections: string[] = [];
  for (const type of plan.types) {
    const isSource = verbatim !== undefined && type === verbatim.mediaType;
    const manifest = isSource ? verbatim : await rewriteIndex(index, type, entries);
    context.report({ kind: "manifest", of: "index", digest: manifest.digest, mediaType: type });
    const instance = place.isPartOfIndex ? manifest.digest : undefined;
    try {
      await inContext("writing manifest list", () =>
        context.destination.writeManifest(manifest, instance, options),
      );
      return manifest;
    } catch (error) {
      if (!(error instanceof ImageError && error.code === "MANIFEST_REJECTED")) throw error;
      rejections.push(`${type}(${error.message})`);
    }
  }
  throw new ImageError(
    "REGISTRY_FAILURE",
    `Uploading manifest list failed, attempted the following formats: ${rejections.join(", ")}`,
  );
}

function checkListSupport(context: CopyContext): void {
  const { traits, reference } = context.destination;
  if (traits.manifestTypes === "any" || traits.manifestTypes.some(isIndexType)) return;
  throw new ImageError(
    "UNSUPPORTED_OPERATION",
    `copying multiple images: destination transport "${reference.transport.name}" does not support copying multiple images as a group`,
  );
}

interface CopiedEntry {
  readonly entry: Descriptor;
  readonly isUnchanged: boolean;
}

async function copyEntries(
  context: CopyContext,
  index: IndexManifest,
  kept: readonly Descriptor[],
  selection: IndexSelection,
  options: OperationOptions,
): Promise<ReadonlyMap<Digest, CopiedEntry>> {
  const total = index.manifests.length;
  context.report({ kind: "instances", count: kept.length, total });
  const copied = new Map<Digest, CopiedEntry>();
  const distinct = kept.filter((entry, i) => kept.findIndex(({ digest }) => digest === entry.digest) === i);
  await forEachLimited(
    distinct,
    context.destination.traits.concurrentBlobs ? INSTANCES_AT_A_TIME : 1,
    async (entry, i, operation) => {
      const position = i + 1;
      const count = distinct.length;
      context.report({ kind: "instance", digest: entry.digest, position, count });
      const result = await inContext(`copying image ${position}/${count} from manifest list`, () =>
        copyEntry(context, entry, selection, operation),
      );
      copied.set(entry.digest, {
        entry: updatedEntry(entry, result.manifest),
        isUnchanged: result.isUnchanged,
      });
    },
    options,
  );
  return copied;
}

async function copyEntry(
  context: CopyContext,
  entry: Descriptor,
  selection: IndexSelection,
  options: OperationOptions,
): Promise<CopyResult> {
  const manifest = await context.source.readManifest(entry.digest, options);
  const place = { isPartOfIndex: true };
  if (isIndexType(manifest.mediaType)) return await copyIndex(context, manifest, selection, options, place);
  return await copyInstance(context, manifest, manifest.digest, options, place);
}

/** The entry itself where nothing changed, so that an unchanged index is recognised. */
function updatedEntry(entry: Descriptor, written: RawManifest): Descriptor {
  if (entry.digest === written.digest) return entry;
  return { ...entry, mediaType: written.mediaType, digest: written.digest, size: written.bytes.length };
}
