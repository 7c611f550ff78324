import {
  type ByteStream,
  collect,
  digested,
  type OperationOptions,
  streamOf,
} from "../../core/byte-stream.ts";
import type { Descriptor, RawManifest } from "../../core/descriptor.ts";
import { createDigester, type Digest, digestHex } from "../../core/digest.ts";
import { type DockerName, formatDockerName } from "../../core/docker-name.ts";
import { ImageError } from "../../core/errors.ts";
import type {
  BlobPlacement,
  DestinationTraits,
  ImageDestination,
  ImageReference,
  ReuseRequest,
  StoredBlob,
} from "../../core/image.ts";
import { DOCKER_MANIFEST } from "../../core/media-type.ts";
import type { Signature } from "../../core/signature.ts";
import { formatGoJson, sortedRecord } from "../../format/go-json.ts";
import { DOCUMENT_LIMIT } from "../../format/json.ts";
import { parseImageManifest } from "../../format/manifest.ts";
import { type BlobFiles, writeBlobFile } from "../../tar/write-blob.ts";
import type { TarWriter } from "../../tar/writer.ts";
import { cannotAdd, type ExistingImages } from "./existing-images.ts";
import { describeLegacyLayers } from "./legacy-layers.ts";
import { MANIFEST_FILE, type ManifestItem, REPOSITORIES_FILE } from "./manifest-items.ts";
import { withItem, withNames } from "./with-image.ts";

const UNSUPPORTED_SIGNATURES = "Storing signatures for docker tar files is not supported";
const FILE_MODE = 0o444;
const layerName = (digest: Digest): string => `${digestHex(digest)}.tar`;

/** What an archive is made of, and where it goes. */
export interface DockerTarOptions {
  readonly reference: ImageReference;
  /** All names of the image. */
  readonly names: readonly DockerName[];
  readonly layerCompression: DestinationTraits["layerCompression"];
  readonly tar: TarWriter;
  /** The images that are in the archive already; their entries have been copied. */
  readonly existing?: ExistingImages | undefined;
  /** Called once the archive has ended well. */
  readonly commit: () => Promise<void>;
  readonly dispose: () => Promise<void>;
}

/** Writes an image in the form that `docker load` reads. transports.md 4.2. */
export function createDockerTarDestination(options: DockerTarOptions): ImageDestination {
  const image = new ArchivedImage(options);
  return {
    reference: options.reference,
    traits: {
      manifestTypes: [DOCKER_MANIFEST],
      layerCompression: options.layerCompression,
      foreignLayers: "store",
      signatures: { unsupportedBecause: UNSUPPORTED_SIGNATURES },
      concurrentBlobs: false,
    },
    reuseBlob: async (wanted) => await image.findBlob(wanted),
    writeBlob: async (bytes, blob, operation) =>
      blob.role === "config"
        ? await image.writeConfig(bytes)
        : await image.writeLayer(bytes, blob, operation),
    writeManifest: async (manifest, instance) => await image.writeManifest(manifest, instance),
    async writeSignatures(added: readonly Signature[]) {
      if (added.length > 0) throw new ImageError("UNSUPPORTED_OPERATION", UNSUPPORTED_SIGNATURES);
    },
    async commit() {
      await image.finish();
      await options.commit();
    },
    [Symbol.asyncDispose]: options.dispose,
  };
}

class ArchivedImage {
  readonly #options: DockerTarOptions;
  readonly #written: Set<string>;
  /** What is in the archive, by digest. */
  readonly #blobs = new Map<Digest, { readonly name: string; readonly size: number }>();
  readonly #configs = new Map<Digest, { readonly name: string; readonly content: Uint8Array }>();
  #item: ManifestItem | undefined;
  #topLayer: string | undefined;

  constructor(options: DockerTarOptions) {
    this.#options = options;
    this.#written = new Set(options.existing?.names);
  }

  async findBlob({ digest, role }: Pick<ReuseRequest, "digest" | "role">): Promise<StoredBlob | undefined> {
    const known =
      this.#blobs.get(digest) ??
      (role === "layer" ? await this.#options.existing?.findLayer(digest) : undefined);
    if (known === undefined) return undefined;
    this.#blobs.set(digest, known);
    return { digest, size: known.size };
  }

  async writeConfig(bytes: ByteStream): Promise<StoredBlob> {
    const digester = createDigester();
    const content = await collect(digested(bytes, digester), DOCUMENT_LIMIT, "config");
    const digest = digester.digest();
    if (!this.#configs.has(digest)) {
      const present = await this.#options.existing?.findConfig(digest);
      const name = present ?? `${digestHex(digest)}.json`;
      if (present === undefined) {
        if (this.#written.has(name)) throw misnamed(name);
        await this.#writeOnce(name, content);
      }
      this.#configs.set(digest, { name, content });
    }
    return { digest, size: content.length };
  }

  async writeLayer(
    bytes: ByteStream,
    blob: BlobPlacement,
    options: OperationOptions | undefined,
  ): Promise<StoredBlob> {
    const isPresent = (digest: Digest): boolean => this.#written.has(layerName(digest));
    if (blob.digest !== undefined && isPresent(blob.digest)) {
      const present = await this.#presentLayer(blob.digest);
      for await (const _ of bytes);
      return present;
    }
    const files: BlobFiles = { nameOf: layerName, mode: FILE_MODE, isPresent };
    const stored = await writeBlobFile(this.#options.tar, bytes, blob, files, options);
    if (isPresent(stored.digest)) return await this.#presentLayer(stored.digest);
    const name = layerName(stored.digest);
    this.#written.add(name);
    this.#blobs.set(stored.digest, { name, size: stored.size });
    return stored;
  }

  /** The layer whose name is in the archive. */
  async #presentLayer(digest: Digest): Promise<StoredBlob> {
    const present = await this.findBlob({ digest, role: "layer" });
    if (present !== undefined) return present;
    throw misnamed(layerName(digest));
  }

  async writeManifest(raw: RawManifest, instance: Digest | undefined): Promise<void> {
    if (instance !== undefined || raw.mediaType !== DOCKER_MANIFEST) {
      throw new ImageError(
        "UNSUPPORTED_OPERATION",
        "Unsupported manifest type, need a Docker schema 2 manifest",
      );
    }
    const { config, layers } = parseImageManifest(raw);
    const written = this.#configs.get(config.digest);
    if (written === undefined) {
      throw new ImageError("MANIFEST_INVALID", `config ${config.digest} was not written`);
    }
    const files = layers.map((layer) => this.#fileOf(layer));
    await this.#writeLegacyLayers(layers, files, written.content);
    this.#item = {
      Config: written.name,
      RepoTags: [...new Set(this.#options.names.map(formatDockerName))],
      Layers: files,
    };
  }

  #fileOf({ digest }: Descriptor): string {
    const blob = this.#blobs.get(digest);
    if (blob !== undefined) return blob.name;
    throw new ImageError("MANIFEST_INVALID", `layer ${digest} was not written`);
  }

  async #writeLegacyLayers(
    layers: readonly Descriptor[],
    files: readonly string[],
    config: Uint8Array,
  ): Promise<void> {
    const digests = layers.map(({ digest }) => digest);
    for (const [i, { id, json }] of describeLegacyLayers(digests, config).entries()) {
      this.#topLayer = id;
      await this.#writeLink(`${id}/layer.tar`, `../${files[i]}`);
      await this.#writeOnce(`${id}/VERSION`, Buffer.from("1.0"));
      await this.#writeOnce(`${id}/json`, Buffer.from(json));
    }
  }

  async finish(): Promise<void> {
    if (this.#item === undefined) throw new ImageError("MANIFEST_INVALID", "no manifest was written");
    const { tar, existing, names } = this.#options;
    const items = withItem(existing?.items ?? [], this.#item, names);
    await this.#writeOnce(MANIFEST_FILE, Buffer.from(formatGoJson(items)));
    const repositories = withNames(existing?.repositories ?? {}, names, this.#topLayer);
    const sorted = new Map([...sortedRecord(repositories)].map(([name, tags]) => [name, sortedRecord(tags)]));
    await this.#writeOnce(REPOSITORIES_FILE, Buffer.from(formatGoJson(sorted)));
    await tar.finish();
  }

  async #writeLink(name: string, target: string): Promise<void> {
    if (this.#written.has(name)) return;
    await this.#options.tar.writeSymlink(name, target);
    this.#written.add(name);
  }

  async #writeOnce(name: string, content: Uint8Array): Promise<void> {
    if (this.#written.has(name)) return;
    const file = { name, size: content.length, mode: FILE_MODE };
    await this.#options.tar.writeFile(file, streamOf(content));
    this.#written.add(name);
  }
}

function misnamed(name: string): ImageError {
  return cannotAdd(`its file "${name}" has not the content that its name says`);
}
