import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import { ImageError } from "../../core/errors.ts";
import { isIndexType } from "../../core/media-type.ts";
import { DOCUMENT_LIMIT } from "../../format/json.ts";
import { parseManifest, rawManifest } from "../../format/manifest.ts";
import type { LayoutReader } from "./source.ts";

/** The digests of all that these entries need: manifests, configs, layers, and what nested indexes point to. */
export async function reachable(layout: LayoutReader, entries: readonly Descriptor[]): Promise<Set<Digest>> {
  const found = new Set<Digest>();
  const pending = [...entries];
  for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
    if (found.has(entry.digest)) continue;
    found.add(entry.digest);
    pending.push(...(await children(layout, entry)));
  }
  return found;
}

async function children(layout: LayoutReader, entry: Descriptor): Promise<readonly Descriptor[]> {
  if (!isIndexType(entry.mediaType) && !entry.mediaType.includes("manifest")) return [];
  try {
    const manifest = parseManifest(
      rawManifest(await layout.readBlob(entry.digest, DOCUMENT_LIMIT), entry.mediaType),
    );
    if (manifest.kind === "index") return manifest.manifests;
    return manifest.kind === "image" ? [manifest.config, ...manifest.layers] : [];
  } catch (error) {
    // What is not there, as in a sparse index, needs nothing.
    if (error instanceof ImageError && error.code === "NOT_FOUND") return [];
    throw error;
  }
}
