import * as v from "valibot";
import type { Descriptor, RawManifest } from "../core/descriptor.ts";
import { computeDigest, type Digest, isDigest } from "../core/digest.ts";
import { ImageError } from "../core/errors.ts";
import {
  DOCKER_CONFIG,
  DOCKER_LIST,
  DOCKER_MANIFEST,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_MANIFEST,
  SCHEMA1,
  SCHEMA1_SIGNED,
} from "../core/media-type.ts";
import { isRecord, parseJson, parseJsonValue } from "./json.ts";
import { parseSchema1, type Schema1Manifest } from "./schema1.ts";
import { checkUnambiguous } from "./unambiguous.ts";

const DigestSchema = v.pipe(
  v.string(),
  v.check(isDigest, (issue) => `invalid digest ${JSON.stringify(issue.input)}`),
  v.transform((text) => text as Digest),
);
/** Annotations may have any keys, also such as `constructor`, which a record schema would drop. */
const StringMap = v.custom<Readonly<Record<string, string>>>(
  (value) => isRecord(value) && Object.values(value).every((entry) => typeof entry === "string"),
  "annotations must be strings",
);

const PlatformSchema = v.looseObject({
  architecture: v.optional(v.string(), ""),
  os: v.optional(v.string(), ""),
  "os.version": v.optional(v.string()),
  "os.features": v.optional(v.array(v.string())),
  variant: v.optional(v.string()),
});

/** A descriptor in a document. Nulls are dropped, unknown members kept. Image spec 1.1, descriptor.md. */
export const DescriptorSchema: v.GenericSchema<unknown, Descriptor> = v.pipe(
  v.looseObject({
    mediaType: v.optional(v.string(), ""),
    digest: DigestSchema,
    size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
    urls: v.nullish(v.array(v.string())),
    annotations: v.nullish(StringMap),
    data: v.nullish(v.string()),
    artifactType: v.nullish(v.string()),
    platform: v.nullish(PlatformSchema),
  }),
  v.transform((parsed) => {
    const entries = Object.entries(parsed).filter(([, value]) => value !== null && value !== undefined);
    return {
      ...Object.fromEntries(entries),
      mediaType: parsed.mediaType,
      digest: parsed.digest,
      size: parsed.size,
    };
  }),
);

/** A list of descriptors; null counts as empty. */
export const DescriptorListSchema: v.GenericSchema<unknown, readonly Descriptor[]> = v.pipe(
  v.nullish(v.array(DescriptorSchema)),
  v.transform((entries) => entries ?? []),
);

const ImageManifestSchema = v.looseObject({
  schemaVersion: v.literal(2),
  mediaType: v.nullish(v.string()),
  artifactType: v.nullish(v.string()),
  config: DescriptorSchema,
  layers: DescriptorListSchema,
  subject: v.nullish(DescriptorSchema),
  annotations: v.nullish(StringMap),
});

const IndexSchema = v.looseObject({
  schemaVersion: v.literal(2),
  mediaType: v.nullish(v.string()),
  artifactType: v.nullish(v.string()),
  manifests: DescriptorListSchema,
  subject: v.nullish(DescriptorSchema),
  annotations: v.nullish(StringMap),
});

/** The manifest that this one is about. Image spec 1.1, "subject". */
export function subjectOf(manifest: RawManifest): Digest | undefined {
  const parsed = parseManifest(manifest);
  return parsed.kind === "schema1" ? undefined : parsed.subject?.digest;
}

/** What images and indexes have in common. */
export interface ManifestMembers {
  /** Of the document. */
  readonly mediaType: string;
  /** The manifest that this one is about. */
  readonly subject?: Descriptor | undefined;
  /** What kind of artifact this is, as the document itself says; `artifactTypeOf` looks further. */
  readonly artifactType?: string | undefined;
  /** Of the document. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** An image (or artifact) manifest. Image spec 1.1, manifest.md; Docker manifest v2 schema 2. */
export interface ImageManifest extends ManifestMembers {
  /** Tells the kinds of manifests apart. */
  readonly kind: "image";
  /** The document does not say its own media type, which OCI allows. */
  readonly omitsMediaType?: boolean | undefined;
  /** The config of an image; of an artifact whatever it has there. */
  readonly config: Descriptor;
  /** Lowest first. */
  readonly layers: readonly Descriptor[];
}

/** An index of instances. Image spec 1.1, image-index.md; Docker manifest list. */
export interface IndexManifest extends ManifestMembers {
  /** Tells the kinds of manifests apart. */
  readonly kind: "index";
  /** In the order of the document: of several that fit a platform, the first is taken. */
  readonly manifests: readonly Descriptor[];
}

/** What can stand under a name, told apart by `kind`. */
export type Manifest = ImageManifest | IndexManifest | Schema1Manifest;

/**
 * Parses a manifest by the type that its store gave it.
 * @throws {ImageError} MANIFEST_INVALID when it is not JSON, not of that type, or also of another type
 */
export function parseManifest(raw: RawManifest): Manifest {
  switch (raw.mediaType) {
    case OCI_MANIFEST:
    case DOCKER_MANIFEST:
      return parseImageManifest(raw);
    case OCI_INDEX:
    case DOCKER_LIST:
      return parseIndex(raw);
    case SCHEMA1:
    case SCHEMA1_SIGNED:
      return parseSchema1(raw);
    default:
      throw new ImageError("MANIFEST_INVALID", `unsupported manifest media type "${raw.mediaType}"`);
  }
}

/** Parses an index or a manifest list. @throws {ImageError} MANIFEST_INVALID */
export function parseIndex(raw: RawManifest): IndexManifest {
  checkUnambiguous(raw, ["manifests"]);
  const document = parseJson(IndexSchema, raw.bytes, "index");
  checkDeclaredType(raw, document.mediaType);
  return {
    kind: "index",
    mediaType: raw.mediaType,
    manifests: document.manifests,
    ...sharedMembers(document),
  };
}

/** Parses a manifest of an image or artifact, other than schema 1. @throws {ImageError} MANIFEST_INVALID */
export function parseImageManifest(raw: RawManifest): ImageManifest {
  checkUnambiguous(raw, ["config", "layers"]);
  const document = parseJson(ImageManifestSchema, raw.bytes, "manifest");
  checkDeclaredType(raw, document.mediaType);
  return {
    kind: "image",
    mediaType: raw.mediaType,
    omitsMediaType: !document.mediaType,
    config: document.config,
    layers: document.layers,
    ...sharedMembers(document),
  };
}

/** An OCI manifest whose config is no image config: it can be copied, but not inspected or converted as an image. */
export function isArtifact(manifest: ImageManifest): boolean {
  return manifest.mediaType === OCI_MANIFEST && manifest.config.mediaType !== OCI_CONFIG;
}

/** What an artifact says it is: its own type, or else that of its config. */
export function artifactTypeOf(manifest: ImageManifest): string {
  return manifest.artifactType || manifest.config.mediaType;
}

/** A manifest as stored, with the digest computed from its bytes. */
export function rawManifest(bytes: Uint8Array, mediaType: string): RawManifest {
  return { bytes, mediaType, digest: computeDigest(bytes) };
}

/** The media type of a manifest by its content, for stores that record none; "" when it is no manifest. */
export function guessManifestType(bytes: Uint8Array): string {
  const document = parseJsonValue(bytes, "manifest");
  if (!isRecord(document)) return "";
  const declared = document.mediaType;
  if (typeof declared === "string" && SELF_DESCRIBING.has(declared)) return declared;
  if (document.schemaVersion === 1) {
    return document.signatures === undefined || document.signatures === null ? SCHEMA1 : SCHEMA1_SIGNED;
  }
  return document.schemaVersion === 2 ? guessSchema2Type(document) : "";
}

const SELF_DESCRIBING: ReadonlySet<string> = new Set([DOCKER_MANIFEST, DOCKER_LIST, OCI_MANIFEST, OCI_INDEX]);

function guessSchema2Type(document: Record<string, unknown>): string {
  const configType = isRecord(document.config) ? document.config.mediaType : undefined;
  if (configType === OCI_CONFIG) return OCI_MANIFEST;
  if (configType === DOCKER_CONFIG) return DOCKER_MANIFEST;
  const hasInstances = Array.isArray(document.manifests) && document.manifests.length > 0;
  return hasInstances && !configType ? OCI_INDEX : OCI_MANIFEST;
}

/** A type as a server reports it: parameters are dropped, and what is unknown counts as schema 1. */
export function normalizeManifestType(contentType: string | null): string {
  const type = (contentType ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  return SELF_DESCRIBING.has(type) || type === SCHEMA1 ? type : SCHEMA1_SIGNED;
}

function checkDeclaredType(raw: RawManifest, declared: string | null | undefined): void {
  if (!declared || declared === raw.mediaType) return;
  throw new ImageError(
    "MANIFEST_INVALID",
    `manifest says that its media type is "${declared}", but it was served as "${raw.mediaType}"`,
  );
}

function sharedMembers(document: {
  readonly subject?: Descriptor | null | undefined;
  readonly artifactType?: string | null | undefined;
  readonly annotations?: Record<string, string> | null | undefined;
}): Omit<ManifestMembers, "mediaType"> {
  return {
    ...(document.subject ? { subject: document.subject } : {}),
    ...(document.artifactType ? { artifactType: document.artifactType } : {}),
    ...(document.annotations ? { annotations: document.annotations } : {}),
  };
}
