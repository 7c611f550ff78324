import type { OperationOptions } from "../../core/byte-stream.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import { ImageError } from "../../core/errors.ts";
import { isIndexType } from "../../core/media-type.ts";
import { DOCUMENT_LIMIT } from "../../format/json.ts";
import { parseManifest, rawManifest } from "../../format/manifest.ts";
import { findEntry } from "./find-entry.ts";
import type { LayoutIndex, OciLayout } from "./layout.ts";
import type { OciLocation } from "./reference.ts";

/**
 * Removes an image's entry from index.json and the blobs that nothing else in the layout needs. The entry goes first:
 * if the rest is interrupted, blobs are left over, and none is missed. Blobs in a shared directory always stay.
 */
export async function deleteFromLayout(
  layout: OciLayout,
  location: OciLocation,
  ownsBlobs: boolean,
  options: OperationOptions = {},
): Promise<void> {
  await layout.readIndex();
  await layout.updateIndex(
    async (index) => {
      const entry = findEntry(index, location);
      const position = index.manifests.indexOf(entry);
      return { ...index, manifests: index.manifests.toSpliced(position, 1) };
    },
    {
      ...options,
      trailingNewline: true,
      afterwards: async (before, after) => {
        if (!ownsBlobs) return;
        const kept = await reachable(layout, after.manifests);
        for (const digest of await reachable(layout, removedEntries(before, after))) {
          if (!kept.has(digest)) await layout.removeBlob(digest);
        }
      },
    },
  );
}

function removedEntries(before: LayoutIndex, after: LayoutIndex): readonly Descriptor[] {
  return before.manifests.filter((entry) => !after.manifests.includes(entry));
}

/** The digests of all that these entries need: manifests, configs, layers, and what nested indexes point to. */
async function reachable(layout: OciLayout, entries: readonly Descriptor[]): Promise<Set<Digest>> {
  const found = new Set<Digest>();
  const pending = [...entries];
  for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
    if (found.has(entry.digest)) continue;
    found.add(entry.digest);
    pending.push(...(await children(layout, entry)));
  }
  return found;
}

async function children(layout: OciLayout, entry: Descriptor): Promise<readonly Descriptor[]> {
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
