import * as v from "valibot";
import { collect, type OperationOptions } from "../core/byte-stream.ts";
import type { Descriptor, RawManifest } from "../core/descriptor.ts";
import { ImageError } from "../core/errors.ts";
import type { ImageReference, ImageSource } from "../core/image.ts";
import { isIndexType } from "../core/media-type.ts";
import { DOCUMENT_LIMIT, parseJson } from "../format/json.ts";
import { parseIndex, parseManifest } from "../format/manifest.ts";

const ConfigSchema = v.object({ created: v.nullish(v.string()) });

/** For artifacts, whose configs are anything. Image spec 1.1, annotations.md. */
const CREATED_ANNOTATION = "org.opencontainers.image.created";

/**
 * When an image was created, by its config or else its annotations; of an index the first image counts. Undefined where nothing
 * says so, and for a tag that is gone. Image spec 1.1, config.md, "created".
 */
export async function readCreationDate(
  reference: ImageReference,
  options: OperationOptions = {},
): Promise<Date | undefined> {
  await using source = await reference.openSource?.(options);
  if (source === undefined) return undefined;
  try {
    const manifest = await source.readManifest(undefined, options);
    if (!isIndexType(manifest.mediaType)) return await dateOf(source, manifest, options);
    const [first] = parseIndex(manifest).manifests.filter(({ platform }) => platform?.os !== "unknown");
    if (first === undefined) return undefined;
    return await dateOf(source, await source.readManifest(first.digest, options), options);
  } catch (error) {
    if (error instanceof ImageError && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}

async function dateOf(
  source: ImageSource,
  manifest: RawManifest,
  options: OperationOptions,
): Promise<Date | undefined> {
  const parsed = parseManifest(manifest);
  if (parsed.kind !== "image") return undefined;
  const isReadable = parsed.config.mediaType.endsWith("json") && parsed.config.size <= DOCUMENT_LIMIT;
  const created = isReadable ? await readCreated(source, parsed.config, options) : undefined;
  const time = Date.parse(created ?? parsed.annotations?.[CREATED_ANNOTATION] ?? "");
  return Number.isNaN(time) ? undefined : new Date(time);
}

async function readCreated(
  source: ImageSource,
  config: Descriptor,
  options: OperationOptions,
): Promise<string | undefined> {
  await using blob = await source.openBlob(config, options);
  const bytes = await collect(blob.bytes, DOCUMENT_LIMIT, "image config");
  try {
    return parseJson(ConfigSchema, bytes, "image config").created ?? undefined;
  } catch (error) {
    if (error instanceof ImageError && error.code === "MANIFEST_INVALID") return undefined;
    throw error;
  }
}
