import type { Descriptor, RawManifest } from "../../core/descriptor.ts";
import { computeDigest, type Digest } from "../../core/digest.ts";
import type { ImageReference } from "../../core/image.ts";
import { OCI_INDEX } from "../../core/media-type.ts";
import { type AccessOptions, type ImageName, resolveImage } from "../call-options.ts";
import { interruptible } from "../interruption.ts";
import { openImage } from "../open-image.ts";
import { type PlatformName, readPlatform } from "../platform-choice.ts";
import { type BuiltBlob, type BuiltImage, builtImage } from "./built-image.ts";

/** An image to list in an index. */
export interface NewInstance {
  /** Built here, or anywhere. */
  readonly image: ImageName;
  /** As the image's own configuration says, by default. */
  readonly platform?: PlatformName | undefined;
  /** Of its descriptor in the index. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** The parts of an index to be. */
export interface NewIndex {
  /** In the order of the index. */
  readonly images: readonly NewInstance[];
  /** Of the index. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/**
 * Builds an index of images, wherever they are. One that is an index itself gives all of its images. Image spec 1.1,
 * image-index.md.
 * @throws {ImageError}
 */
export async function buildIndex(index: NewIndex, options: AccessOptions = {}): Promise<BuiltImage> {
  return await interruptible(options, async (inner) => await build(index, inner));
}

async function build(index: NewIndex, options: AccessOptions): Promise<BuiltImage> {
  const instances = new Map<Digest, RawManifest>();
  const blobs = new Map<Digest, BuiltBlob>();
  const others: ImageReference[] = [];
  const manifests: Descriptor[] = [];
  for (const wanted of index.images) {
    const reference = await resolveImage(wanted.image, options, options.access);
    if (isBuilt(reference)) {
      for (const [digest, blob] of reference.content.blobs) blobs.set(digest, blob);
      others.push(...reference.content.others);
    } else others.push(reference);
    for (const [descriptor, raw] of await describe(reference, wanted, options)) {
      manifests.push(descriptor);
      instances.set(raw.digest, raw);
    }
  }
  const { annotations } = index;
  const document = {
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests,
    ...(annotations === undefined ? {} : { annotations }),
  };
  const bytes = new TextEncoder().encode(JSON.stringify(document));
  const topLevel = { bytes, mediaType: OCI_INDEX, digest: computeDigest(bytes) };
  return builtImage({ topLevel, instances, blobs, others });
}

function isBuilt(reference: ImageReference): reference is BuiltImage {
  return reference.transport.name === "built" && "content" in reference;
}

async function describe(
  reference: ImageReference,
  { platform, annotations }: NewInstance,
  options: AccessOptions,
): Promise<readonly (readonly [Descriptor, RawManifest])[]> {
  await using opened = await openImage(reference, options);
  const found: (readonly [Descriptor, RawManifest])[] = [];
  for await (const instance of opened.instances(options)) {
    const { raw, descriptor } = instance;
    const own = platform === undefined ? descriptor?.platform : readPlatform(platform);
    const described = {
      ...descriptor,
      mediaType: raw.mediaType,
      digest: raw.digest,
      size: raw.bytes.length,
      platform: own ?? (await platformOf(opened, instance, options)),
      ...(annotations === undefined ? {} : { annotations: { ...descriptor?.annotations, ...annotations } }),
    };
    found.push([described, raw]);
  }
  return found;
}

type Opened = Awaited<ReturnType<typeof openImage>>;

async function platformOf(
  opened: Opened,
  instance: Parameters<Opened["readConfig"]>[0],
  options: AccessOptions,
): Promise<NonNullable<Descriptor["platform"]>> {
  const { os, architecture, variant } = await opened.readConfig(instance, options);
  return { os, architecture, ...(variant === "" ? {} : { variant }) };
}
