import * as v from "valibot";
import { verified } from "../../core/byte-stream.ts";
import { type Digest, digestHex } from "../../core/digest.ts";
import { ImageError } from "../../core/errors.ts";
import { parseJson } from "../../format/json.ts";
import type { TarArchiveFile } from "../../tar/archive-file.ts";
import type { TarWriter } from "../../tar/writer.ts";
import { MANIFEST_FILE, type ManifestItem, REPOSITORIES_FILE, readManifestItems } from "./manifest-items.ts";

/** From repository to tag to the ID of the top layer. */
export type Repositories = Readonly<Record<string, Readonly<Record<string, string>>>>;

const REPOSITORIES_LIMIT: number = 4 * 1024 * 1024;
const RepositoriesSchema = v.nullish(v.record(v.string(), v.record(v.string(), v.string())), {});

/** Written anew for all images at the end, or, of the OCI layout that newer archives hold besides, no longer true. */
const REPLACED: ReadonlySet<string> = new Set([MANIFEST_FILE, REPOSITORIES_FILE, "index.json", "oci-layout"]);

/** The images of an archive that another one is added to. */
export class ExistingImages {
  readonly items: readonly ManifestItem[];
  readonly repositories: Repositories;
  readonly #archive: TarArchiveFile;

  private constructor(archive: TarArchiveFile, items: readonly ManifestItem[], repositories: Repositories) {
    this.#archive = archive;
    this.items = items;
    this.repositories = repositories;
  }

  /** @throws {ImageError} MANIFEST_INVALID when it is no archive of `docker save` */
  static async read(archive: TarArchiveFile): Promise<ExistingImages> {
    const items = await readManifestItems(archive);
    const entry = archive.find(REPOSITORIES_FILE);
    const repositories =
      entry === undefined
        ? {}
        : parseJson(
            RepositoriesSchema,
            await archive.readWhole(entry, REPOSITORIES_LIMIT),
            REPOSITORIES_FILE,
          );
    return new ExistingImages(archive, items, repositories ?? {});
  }

  /** The names of all that stays. */
  get names(): ReadonlySet<string> {
    return new Set(this.#kept().map(({ name }) => name));
  }

  /** Copies all that stays, byte for byte. */
  async copyTo(writer: TarWriter): Promise<void> {
    for (const entry of this.#kept()) {
      await using raw = await this.#archive.openRaw(entry);
      await writer.writeRaw(raw.bytes);
    }
  }

  /** A layer that is there under a name made of its digest, if that is true; its name, and its size in bytes. */
  async findLayer(digest: Digest): Promise<{ readonly name: string; readonly size: number } | undefined> {
    for (const name of [`${digestHex(digest)}.tar`, `blobs/sha256/${digestHex(digest)}`]) {
      const entry = this.#archive.find(name);
      if (entry === undefined) continue;
      await using file = await this.#archive.open(entry);
      if (await hasDigest(file.bytes, digest)) return { name, size: entry.size };
    }
    return undefined;
  }

  #kept(): TarArchiveFile["entries"] {
    return this.#archive.entries.filter(({ name }) => !REPLACED.has(name));
  }
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
