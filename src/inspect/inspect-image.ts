import { collect, type OperationOptions, verified } from "../core/byte-stream.ts";
import type { Descriptor, RawManifest } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { repositoryName } from "../core/docker-name.ts";
import { findCause, ImageError, inContext, withContext } from "../core/errors.ts";
import type { ImageReference, ImageSource } from "../core/image.ts";
import { OCI_MANIFEST } from "../core/media-type.ts";
import { parseImageConfig } from "../format/image-config.ts";
import type { WantedPlatform } from "../format/instance-choice.ts";
import { DOCUMENT_LIMIT } from "../format/json.ts";
import { artifactTypeOf, type ImageManifest, isArtifact, parseManifest } from "../format/manifest.ts";
import { resolveInstance } from "../format/resolve-instance.ts";
import type { Schema1Manifest } from "../format/schema1.ts";
import { buildInspectData, type InspectData } from "./inspect-data.ts";

/** An open image whose parts are read as they are asked for. */
export class ImageInspection {
  readonly #source: ImageSource;
  readonly #platform: WantedPlatform;

  constructor(source: ImageSource, platform: WantedPlatform) {
    this.#source = source;
    this.#platform = platform;
  }

  /** The manifest or index as stored. */
  async readManifest(options?: OperationOptions): Promise<RawManifest> {
    return await inContext("Error retrieving manifest for image", () =>
      this.#source.readManifest(undefined, options),
    );
  }

  /** The configuration as stored, of the image for the platform. */
  async readConfig(options?: OperationOptions): Promise<Uint8Array> {
    const manifest = await this.#readInstance(options);
    // Schema 1 has none.
    if (manifest.kind === "schema1") return new Uint8Array();
    return await this.#readConfigBlob(manifest.config, options);
  }

  /** As `readConfig`, of an image proper. @throws {ImageError} UNSUPPORTED_OPERATION for an artifact */
  async readImageConfig(options?: OperationOptions): Promise<Uint8Array> {
    const manifest = await this.#readInstance(options);
    return await inContext("Error reading OCI-formatted configuration data", async () => {
      return await this.#readImageConfig(manifest, options);
    });
  }

  /** What there is to tell about the image; `tags` are those of its repository, being listed in the meantime. */
  async describe(tags: Promise<readonly string[] | null>, options?: OperationOptions): Promise<InspectData> {
    const { reference } = this.#source;
    const topLevel = await this.readManifest(options);
    const manifest = await this.#readInstance(options);
    const config = parseImageConfig(await this.#readImageConfig(manifest, options));
    const tag = manifest.kind === "schema1" ? manifest.tag : undefined;
    return buildInspectData({
      ...(reference.dockerName === undefined ? {} : { name: repositoryName(reference.dockerName) }),
      tag,
      digest: topLevel.digest,
      repoTags: await tags,
      manifestKind: manifest.mediaType === OCI_MANIFEST ? "oci" : "docker",
      config,
      layers: manifest.kind === "schema1" ? describeSchema1Layers(manifest) : manifest.layers,
    });
  }

  async #readImageConfig(
    manifest: ImageManifest | Schema1Manifest,
    options: OperationOptions | undefined,
  ): Promise<Uint8Array> {
    if (manifest.kind === "image") {
      checkImage(manifest);
      return await this.#readConfigBlob(manifest.config, options);
    }
    const { buildSchema1Config } = await import("../format/schema1-to-schema2.ts");
    // To find out the diffIDs, all layers would have to be read.
    const unknown = manifest.layers.filter(({ isEmpty }) => !isEmpty).map(() => "" as const);
    return buildSchema1Config(manifest, unknown);
  }

  async #readInstance(options: OperationOptions | undefined): Promise<ImageManifest | Schema1Manifest> {
    const topLevel = await this.readManifest(options);
    return await inContext("Error parsing manifest for image", async () => {
      const read = (digest: Digest): Promise<RawManifest> => this.#source.readManifest(digest, options);
      const chosen = await resolveInstance(topLevel, this.#platform, "choosing image instance", read);
      const manifest = parseManifest(chosen);
      if (manifest.kind !== "index") return manifest;
      throw new ImageError("MANIFEST_INVALID", "Unexpectedly received a manifest list");
    });
  }

  async #readConfigBlob(config: Descriptor, options: OperationOptions | undefined): Promise<Uint8Array> {
    return await inContext(`reading config blob ${config.digest}`, async () => {
      await using blob = await this.#source.openBlob(config, options);
      return await collect(verified(blob.bytes, config.digest, config.size), DOCUMENT_LIMIT, "config");
    });
  }
}

/** Schema 1 tells the digests of layers and nothing else. */
function describeSchema1Layers({ layers }: Schema1Manifest): readonly Descriptor[] {
  return layers.map(({ digest }) => ({ mediaType: "", digest, size: -1 }));
}

function checkImage(manifest: ImageManifest): void {
  if (!isArtifact(manifest)) return;
  const type = artifactTypeOf(manifest);
  throw new ImageError(
    "UNSUPPORTED_OPERATION",
    `unsupported image-specific operation on artifact with type "${type}"`,
  );
}

/** All tags of the image's repository; null where the registry does not let this user list them. */
export async function readTags(
  reference: ImageReference,
  onRefused: () => void,
  options: OperationOptions | undefined,
): Promise<readonly string[] | null> {
  if (reference.listTags === undefined) return [];
  try {
    return await Array.fromAsync(reference.listTags(options));
  } catch (error) {
    if (!isRefusal(error)) throw withContext("Error determining repository tags: fetching tags list", error);
    onRefused();
    return null;
  }
}

/** A registry that forbids listing, or has no such page at all, says nothing against the image. */
function isRefusal(error: unknown): boolean {
  const cause = findCause(error, ImageError);
  return cause?.code === "DENIED" || (cause?.message.includes("404 page not found") ?? false);
}
