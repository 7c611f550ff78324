import type { ImageSource } from "../core/image.ts";
import type { InspectData } from "../inspect/inspect-data.ts";
import { type AccessOptions, type ImageName, required, resolveImage } from "./call-options.ts";
import { interruptible } from "./interruption.ts";
import { type PlatformName, wantedPlatform } from "./platform-choice.ts";

/** What to describe. */
export interface InspectOptions extends AccessOptions {
  /** Which image of an index to describe; this machine's by default. */
  readonly platform?: PlatformName | undefined;
  /** List the tags of the repository, which is a request of its own; true by default. */
  readonly withTags?: boolean | undefined;
}

/**
 * Describes an image without its layers, as `skopeo inspect` prints it.
 * @throws {ImageError} NOT_FOUND, NO_MATCHING_INSTANCE, UNSUPPORTED_OPERATION for an artifact that is no image
 */
export async function inspect(image: ImageName, options: InspectOptions = {}): Promise<InspectData> {
  return await interruptible(options, async (inner) => await describe(image, inner));
}

async function describe(image: ImageName, options: InspectOptions): Promise<InspectData> {
  const { access, platform, withTags = true, signal } = options;
  const reference = await resolveImage(image, options, access);
  const { ImageInspection, readTags } = await import("../inspect/inspect-image.ts");
  const leaving = new AbortController();
  const either = signal === undefined ? leaving.signal : AbortSignal.any([signal, leaving.signal]);
  const tags = withTags ? readTags(reference, () => undefined, { signal: either }) : Promise.resolve([]);
  // A failure of the image itself is the one to report.
  tags.catch(() => undefined);
  try {
    const open = required(reference.openSource, reference, "images cannot be read").bind(reference);
    await using source: ImageSource = await open({ signal });
    return await new ImageInspection(source, await wantedPlatform(platform)).describe(tags, { signal });
  } finally {
    leaving.abort();
  }
}
