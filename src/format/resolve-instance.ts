import type { RawManifest } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { ImageError, inContext } from "../core/errors.ts";
import { isIndexType } from "../core/media-type.ts";
import { chooseInstance, type WantedPlatform } from "./instance-choice.ts";
import { parseIndex } from "./manifest.ts";

/** Indexes within indexes are followed so far; more is no image but a trap. */
export const MAX_NESTING = 8;

/**
 * The image that fits a platform: `topLevel` itself, or what the index leads to, also through indexes within it.
 * `context` says in an error what was being chosen.
 * @throws {ImageError} NO_MATCHING_INSTANCE, MANIFEST_INVALID
 */
export async function resolveInstance(
  topLevel: RawManifest,
  platform: WantedPlatform,
  context: string,
  read: (digest: Digest) => Promise<RawManifest>,
): Promise<RawManifest> {
  let current = topLevel;
  for (let depth = 0; isIndexType(current.mediaType); depth++) {
    if (depth === MAX_NESTING) throw new ImageError("MANIFEST_INVALID", "indexes are nested too deeply");
    const index = parseIndex(current);
    const chosen = await inContext(context, async () => chooseInstance(index, platform));
    current = await read(chosen.digest);
  }
  return current;
}
