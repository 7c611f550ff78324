import type { OperationOptions } from "../../core/byte-stream.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import { findEntry } from "./find-entry.ts";
import type { OciLayout } from "./layout.ts";
import type { LayoutIndex } from "./layout-index.ts";
import { reachable } from "./reachable.ts";
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
