import type { Descriptor, RawManifest } from "../core/descriptor.ts";
import { type Digest, isDigest } from "../core/digest.ts";
import { ImageError } from "../core/errors.ts";
import { DOCKER_LIST, DOCKER_MANIFEST, isSchema1Type, OCI_INDEX, OCI_MANIFEST } from "../core/media-type.ts";
import { isRecord, parseJsonValue } from "../format/json.ts";
import { artifactTypeOf, type ImageManifest, type IndexManifest, parseManifest } from "../format/manifest.ts";

/** What a registry has to know about a manifest. */
export interface ManifestFacts {
  /** The instances of an index. */
  readonly instances: readonly Descriptor[];
  /** Config and layers that have to be in the registry; those with URLs of their own need not. */
  readonly requiredBlobs: readonly Digest[];
  /** All content that must be kept as long as the manifest is. */
  readonly references: readonly Digest[];
  /** What the manifest refers to, and how it is listed there. Distribution spec 1.1, "Listing Referrers". */
  readonly subject: Digest | undefined;
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
}

const UNDERSTOOD: ReadonlySet<string> = new Set([OCI_MANIFEST, DOCKER_MANIFEST, OCI_INDEX, DOCKER_LIST]);

/**
 * Reads a manifest of any type. Of a type that is not understood it must be a JSON object, and everything in it that
 * looks like a digest counts as a reference: better kept for nothing than missed.
 * @throws {ImageError} MANIFEST_INVALID
 */
export function readManifestFacts(raw: RawManifest): ManifestFacts {
  if (!UNDERSTOOD.has(raw.mediaType)) return factsOfOther(raw);
  const manifest = parseManifest(raw);
  if (manifest.kind === "index") return factsOfIndex(manifest);
  return manifest.kind === "image" ? factsOfImage(manifest) : factsOfOther(raw);
}

/** What can be told about stored bytes that are no valid manifest: what they may refer to, so that it is kept. */
export function guessFacts(bytes: Uint8Array): ManifestFacts {
  return {
    instances: [],
    requiredBlobs: [],
    references: mentionedDigests(bytes),
    subject: undefined,
    artifactType: undefined,
    annotations: undefined,
  };
}

/** Refuses what this registry does not take in, though a layout made by others may hold it. @throws {ImageError} MANIFEST_INVALID */
export function checkManifestType(mediaType: string): void {
  if (mediaType === "") throw new ImageError("MANIFEST_INVALID", "manifest has no media type");
  if (isSchema1Type(mediaType)) {
    throw new ImageError("MANIFEST_INVALID", "Docker schema 1 manifests are not supported");
  }
}

function factsOfIndex(index: IndexManifest): ManifestFacts {
  return {
    instances: index.manifests,
    requiredBlobs: [],
    references: index.manifests.map((instance) => instance.digest),
    subject: index.subject?.digest,
    artifactType: index.artifactType,
    annotations: index.annotations,
  };
}

function factsOfImage(image: ImageManifest): ManifestFacts {
  const blobs = [image.config, ...image.layers];
  return {
    instances: [],
    requiredBlobs: blobs.filter((blob) => (blob.urls ?? []).length === 0).map((blob) => blob.digest),
    references: blobs.map((blob) => blob.digest),
    subject: image.subject?.digest,
    artifactType: artifactTypeOf(image),
    annotations: image.annotations,
  };
}

function factsOfOther(raw: RawManifest): ManifestFacts {
  const document = parseJsonValue(raw.bytes, "manifest");
  if (!isRecord(document)) throw new ImageError("MANIFEST_INVALID", "manifest is not a JSON object");
  return {
    ...guessFacts(raw.bytes),
    subject: subjectOf(document),
    artifactType: typeof document.artifactType === "string" ? document.artifactType : undefined,
  };
}

function subjectOf(document: Record<string, unknown>): Digest | undefined {
  const digest = isRecord(document.subject) ? document.subject.digest : undefined;
  return typeof digest === "string" && isDigest(digest) ? digest : undefined;
}

function mentionedDigests(bytes: Uint8Array): readonly Digest[] {
  const words = new TextDecoder().decode(bytes).match(/sha(?:256|384|512):[0-9a-f]{64,128}/g) ?? [];
  return [...new Set(words)].filter(isDigest);
}
