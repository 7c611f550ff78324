import * as v from "valibot";
import { verified } from "../../core/byte-stream.ts";
import { type Digest, digestHex } from "../../core/digest.ts";
import { ImageError } from "../../core/errors.ts";
import { parseJson } from "../../format/json.ts";
import type { TarArchiveFile } from "../../tar/archive-file.ts";
import type { TarWriter } from "../../tar/writer.ts";
import { readArchiveConfig } from "./archive-config.ts";
import { MANIFEST_FILE, type ManifestItem, REPOSITORIES_FILE, readManifestItems } from "./manifest-items.ts";
import type { Repositories } from "./with-image.ts";

const REPOSITORIES_LIMIT: number = 4 * 1024 * 1024;
const RepositoriesSchema = v.nullish(v.record(v.string(), v.record(v.string(), v.string())), {});

/** Written anew for all images at the end, or, of the OCI layout that newer archives hold besides, no longer true. */
const REPLACED: ReadonlySet<string> = new Set([MANIFEST_FILE, REPOSITORIES_FILE, "index.json", "oci-layout"]);

/** A file of an archive, and its size in bytes. */
export interface ArchivedFile {
  readonly name: string;
  readonly size: number;
}

/** Why an archive is not added to. Begins as real skopeo, which adds to none, says it. */
export function cannotAdd(reason: string, cause?: unknown): ImageError {
  return new ImageError(
    "UNSUPPORTED_OPERATION",
    `docker-archive doesn't support modifying existing images (${reason})`,
    { cause },
  );
}

/** The images of an archive that another one is added to. */
export class ExistingImages {
  readonly items: readonly ManifestItem[];
  readonly repositories: Repositories;
  /** The names of all that stays. */
  readonly names: ReadonlySet<string>;
  readonly #archive: TarArchiveFile;
  readonly #configs = new Map<Digest, string>();
  /** The names of layers, by what the configs say of them. */
  readonly #layers = new Map<Digest, string>();

  private constructor(archive: TarArchiveFile, items: readonly ManifestItem[], repositories: Repositories) {
    this.#archive = archive;
    this.items = items;
    this.repositories = repositories;
    this.names = new Set(this.#kept().map(({ name }) => name));
  }

  /** @throws {ImageError} MANIFEST_INVALID when it is no archive of `docker save` */
  static async read(archive: TarArchiveFile): Promise<ExistingImages> {
    const items = await readManifestItems(archive);
    const existing = new ExistingImages(archive, items, await readRepositories(archive));
    for (const item of items) await existing.#takeStock(item);
    return existing;
  }

  /** Copies all that stays, byte for byte. */
  async copyTo(writer: TarWriter): Promise<void> {
    for (const entry of this.#kept()) {
      await using raw = await this.#archive.openRaw(entry);
      await writer.writeRaw(raw.bytes);
    }
  }

  /** A layer that is there under a name that it should have, if its content has the digest too. */
  async findLayer(digest: Digest): Promise<ArchivedFile | undefined> {
    const ofImages = this.#layers.get(digest);
    const ofDigest = [`${digestHex(digest)}.tar`, `blobs/${digest.replace(":", "/")}`];
    for (const name of new Set(ofImages === undefined ? ofDigest : [ofImages, ...ofDigest])) {
      const file = await this.#verified(name, digest);
      if (file !== undefined) return file;
    }
    return undefined;
  }

  /** A config that is there, as that of an image or under the name that it has in new archives. */
  async findConfig(digest: Digest): Promise<string | undefined> {
    const name = `${digestHex(digest)}.json`;
    return this.#configs.get(digest) ?? (await this.#verified(name, digest))?.name;
  }

  async #verified(name: string, digest: Digest): Promise<ArchivedFile | undefined> {
    const entry = this.#archive.find(name);
    if (entry === undefined) return undefined;
    await using file = await this.#archive.open(entry);
    return (await hasDigest(file.bytes, digest)) ? { name, size: entry.size } : undefined;
  }

  /** Takes note of an image's files. One that cannot be read stays as it is. */
  async #takeStock(item: ManifestItem): Promise<void> {
    try {
      const { digest, diffIds } = await readArchiveConfig(this.#archive, item);
      if (!this.#configs.has(digest)) this.#configs.set(digest, item.Config);
      for (const [i, diffId] of diffIds.entries()) {
        const name = item.Layers[i];
        if (name !== undefined && !this.#layers.has(diffId)) this.#layers.set(diffId, name);
      }
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
    }
  }

  #kept(): TarArchiveFile["entries"] {
    return this.#archive.entries.filter(({ name }) => !REPLACED.has(name));
  }
}

async function readRepositories(archive: TarArchiveFile): Promise<Repositories> {
  const entry = archive.find(REPOSITORIES_FILE);
  if (entry === undefined) return {};
  const bytes = await archive.readWhole(entry, REPOSITORIES_LIMIT);
  return parseJson(RepositoriesSchema, bytes, REPOSITORIES_FILE) ?? {};
}

async function hasDigest(bytes: AsyncIterable<Uint8Array>, digest: Digest): Promise<boolean> {
  try {
    for await (const _ of verified(bytes, digest));
    return true;
  } catch (error) {
    if (error instanceof ImageError && error.code === "DIGEST_MISMATCH") return false;
    throw error;
  }
}
