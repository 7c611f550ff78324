import * as v from "valibot";
import type { Descriptor } from "../../core/descriptor.ts";
import { OCI_INDEX } from "../../core/media-type.ts";
import { parseJson } from "../../format/json.ts";
import { DescriptorListSchema } from "../../format/manifest.ts";

/** The annotation that names an entry of index.json. Image spec 1.1, annotations.md. */
export const REFERENCE_NAME = "org.opencontainers.image.ref.name";

/** The content of `oci-layout`. */
export const LAYOUT_MARKER = '{"imageLayoutVersion":"1.0.0"}';

/** Bytes. */
export const INDEX_LIMIT: number = 64 * 1024 * 1024;

const LayoutIndexSchema = v.looseObject({
  schemaVersion: v.number(),
  mediaType: v.nullish(v.string()),
  artifactType: v.nullish(v.string()),
  manifests: DescriptorListSchema,
  subject: v.nullish(v.unknown()),
  annotations: v.nullish(v.record(v.string(), v.string())),
});

/** The content of index.json: its entries are the images of the layout, named by `REFERENCE_NAME`. */
export interface LayoutIndex {
  readonly mediaType?: string | undefined;
  readonly artifactType?: string | undefined;
  readonly manifests: readonly Descriptor[];
  readonly subject?: unknown;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** Reads index.json; `what` names it in errors. @throws {ImageError} MANIFEST_INVALID */
export function parseLayoutIndex(bytes: Uint8Array, what: string): LayoutIndex {
  const document = parseJson(LayoutIndexSchema, bytes, what);
  return {
    ...(document.mediaType ? { mediaType: document.mediaType } : {}),
    ...(document.artifactType ? { artifactType: document.artifactType } : {}),
    manifests: document.manifests,
    ...(document.subject ? { subject: document.subject } : {}),
    ...(document.annotations ? { annotations: document.annotations } : {}),
  };
}

/** The index of a layout without images. */
export const EMPTY_INDEX: LayoutIndex = { mediaType: OCI_INDEX, manifests: [] };

/** The entry's name in index.json, if it has one. */
export function referenceName(entry: Descriptor): string | undefined {
  return entry.annotations?.[REFERENCE_NAME];
}

/**
 * The index with `entry` under `name`. The entry that had the name before loses it; an unnamed entry of the same
 * content is replaced in its place, otherwise the entry goes last.
 */
export function withEntry(index: LayoutIndex, entry: Descriptor, name: string | undefined): LayoutIndex {
  const added: Descriptor =
    name === undefined ? entry : { ...entry, annotations: { ...entry.annotations, [REFERENCE_NAME]: name } };
  const others = name === undefined ? index.manifests : withoutName(index.manifests, name);
  const position = others.findIndex(
    (other) => other.digest === entry.digest && referenceName(other) === undefined,
  );
  const manifests = position < 0 ? [...others, added] : others.with(position, added);
  return { ...index, manifests };
}

function withoutName(entries: readonly Descriptor[], name: string): readonly Descriptor[] {
  const position = entries.findIndex((entry) => referenceName(entry) === name);
  const named = entries[position];
  if (named === undefined) return entries;
  const { [REFERENCE_NAME]: _, ...rest } = named.annotations ?? {};
  const { annotations: __, ...unnamed } = named;
  return entries.with(position, Object.keys(rest).length > 0 ? { ...unnamed, annotations: rest } : unnamed);
}

/** The text of index.json, without a newline at its end. */
export function formatLayoutIndex(index: LayoutIndex): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: index.mediaType,
    artifactType: index.artifactType,
    manifests: index.manifests.map(formatDescriptor),
    subject: index.subject,
    annotations: index.annotations,
  });
}

function formatDescriptor(entry: Descriptor): Descriptor {
  const { mediaType, digest, size, urls, annotations, data, platform, artifactType, ...others } = entry;
  return { mediaType, digest, size, urls, annotations, data, platform, artifactType, ...others };
}
