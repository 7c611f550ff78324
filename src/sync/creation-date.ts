import * as v from "valibot";
import { collect, type OperationOptions } from "../core/byte-stream.ts";
import type { RawManifest } from "../core/descriptor.ts";
import type { ImageReference, ImageSource } from "../core/image.ts";
import { isIndexType } from "../core/media-type.ts";
import { DOCUMENT_LIMIT, parseJson } from "../format/json.ts";
import { parseIndex, parseManifest } from "../format/manifest.ts";

const ConfigSchema = v.object({ created: v.nullish(v.string()) });

/**
 * When an image was created, by its config; of an index the first image counts. Undefined where nothing says so, as for
 * artifacts. Image spec 1.1, config.md, "created".
 */
export async function readCreationDate(
  reference: ImageReference,
  options: OperationOptions = {},
): Promise<Date | undefined> {
  await using source = await reference.openSource?.(options);
  if (source === undefined) return undefined;
  const manifest = await source.readManifest(undefined, options);
  if (!isIndexType(manifest.mediaType)) return await dateOf(source, manifest, options);
  const [first] = parseIndex(manifest).manifests.filter(({ platform }) => platform?.os !== "unknown");
  if (first === undefined) return undefined;
  return await dateOf(source, await source.readManifest(first.digest, options), options);
}

async function dateOf(
  source: ImageSource,
  manifest: RawManifest,
  options: OperationOptions,
): Promise<Date | undefined> {
  const parsed = parseManifest(manifest);
  if (parsed.kind !== "image") return undefined;
  await using blob = await source.openBlob(parsed.config, options);
  const bytes = await collect(blob.bytes, DOCUMENT_LIMIT, "image config");
  const { created } = parseJson(ConfigSchema, bytes, "image config");
  const time = created ? Date.parse(created) : Number.NaN;
  return Number.isNaN(time) ? undefined : new Date(time);
}
