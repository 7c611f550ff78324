import { lstat, readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { ByteStream } from "../core/byte-stream.ts";
import type { Digest } from "../core/digest.ts";
import { ImageError } from "../core/errors.ts";
import { isMissing } from "../runtime/files.ts";
import { canonicalPath } from "../runtime/paths.ts";
import { OciLayout } from "../transports/oci/layout.ts";
import { toDescriptor, toEntry, toRepositoryName } from "./layout-names.ts";
import { LayoutUpload, removeAbandonedUploads } from "./layout-upload.ts";
import type { BlobContent, EntryChange, ManifestEntry, RegistryStore, Upload } from "./store.ts";

/** A change of index.json that waits for its turn. */
interface QueuedChange {
  readonly change: EntryChange;
  readonly afterwards: (() => Promise<void>) | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** index.json as it was read, and what the file was like then. */
interface ReadEntries {
  readonly version: string;
  readonly entries: readonly ManifestEntry[];
}

/**
 * A registry's content in an OCI layout on disk. Other programs may read and write the layout at the same time: index.json is
 * read again whenever it has changed, and replaced under the layout's lock.
 */
export class LayoutStore implements RegistryStore {
  /** The repository of entries whose names say no other one: called as the layout's directory. */
  readonly ownRepository: string;
  readonly #layout: OciLayout;
  readonly #uploads: Set<LayoutUpload> = new Set();
  #queue: QueuedChange[] = [];
  #isWriting = false;
  #read: ReadEntries | undefined;
  /** What blobs that are links have led to when it was checked. */
  readonly #checkedLinks: Map<Digest, string> = new Map();

  private constructor(layout: OciLayout) {
    this.#layout = layout;
    this.ownRepository = toRepositoryName(basename(canonicalPath(layout.path)));
  }

  /**
   * Opens the layout at `path`. With "read-write" it is created where nothing is; with "read-only" it must exist, and
   * nothing is ever written.
   * @throws {ImageError} STORAGE_FAILURE when there is something else at `path`, MANIFEST_INVALID for a broken index.json
   */
  static async open(path: string, mode: "read-only" | "read-write"): Promise<LayoutStore> {
    const layout = new OciLayout(path);
    const kind = await inspectDirectory(layout.path);
    if (kind === "other" || (kind === "empty" && mode === "read-only")) {
      throw new ImageError("STORAGE_FAILURE", `${path} is not an OCI layout: it has no index.json`);
    }
    const store = new LayoutStore(layout);
    if (kind === "empty") await layout.updateIndex((index) => index);
    await store.readEntries();
    if (mode === "read-write") await removeAbandonedUploads(layout.path);
    return store;
  }

  async readEntries(): Promise<readonly ManifestEntry[]> {
    const version = await this.#indexVersion();
    if (this.#read?.version === version) return this.#read.entries;
    const { manifests } = await this.#layout.readIndexIfAny();
    const entries = manifests.map((descriptor) => toEntry(descriptor, this.ownRepository));
    this.#read = { version, entries };
    return entries;
  }

  updateEntries(change: EntryChange, afterwards?: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ change, afterwards, resolve, reject });
      if (!this.#isWriting) void this.#writeQueued();
    });
  }

  async findBlob(digest: Digest): Promise<BlobContent | undefined> {
    const size = await this.#layout.findBlob(digest);
    if (size === undefined || !(await this.#mayServe(digest))) return undefined;
    return { kind: "file", path: this.#layout.blobPath(digest), size };
  }

  async readBlob(digest: Digest, limit: number): Promise<Uint8Array> {
    return await this.#layout.readBlob(digest, limit);
  }

  async writeBlob(bytes: ByteStream, digest: Digest): Promise<void> {
    await this.#layout.writeBlob(bytes, digest);
  }

  async removeBlob(digest: Digest): Promise<void> {
    await this.#layout.removeBlob(digest);
  }

  async startUpload(): Promise<Upload> {
    await this.#layout.create();
    const upload = await LayoutUpload.start(this.#layout, () => this.#uploads.delete(upload));
    this.#uploads.add(upload);
    return upload;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const upload of this.#uploads) await upload.cancel();
  }

  /** Writes all changes that are waiting, in order, as one: many at the same time cost one write. */
  async #writeQueued(): Promise<void> {
    this.#isWriting = true;
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      try {
        await this.#write(batch);
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#isWriting = false;
  }

  /** One that fails is rejected by itself and leaves the others alone. */
  async #write(batch: readonly QueuedChange[]): Promise<void> {
    const accepted: QueuedChange[] = [];
    await this.#layout.updateIndex(
      async (index) => {
        let entries: readonly ManifestEntry[] = index.manifests.map((descriptor) =>
          toEntry(descriptor, this.ownRepository),
        );
        for (const queued of batch) {
          try {
            entries = await queued.change(entries);
            accepted.push(queued);
          } catch (error) {
            queued.reject(error);
          }
        }
        return { ...index, manifests: entries.map((entry) => toDescriptor(entry, this.ownRepository)) };
      },
      {
        afterwards: async () => {
          for (const { afterwards, reject } of accepted) await afterwards?.().catch(reject);
        },
      },
    );
  }

  /** A layout of somebody else's may have links to any file of this machine: only what has the digest is a blob. */
  async #mayServe(digest: Digest): Promise<boolean> {
    const path = this.#layout.blobPath(digest);
    const found = await lstat(path).catch(() => undefined);
    if (found?.isSymbolicLink() !== true) return found !== undefined;
    const version = await fileVersion(path);
    if (this.#checkedLinks.get(digest) === version) return true;
    if ((await this.#layout.findVerifiedBlob(digest)) === undefined) return false;
    this.#checkedLinks.set(digest, version);
    return true;
  }

  /** Differs whenever index.json was replaced; "" when there is none. */
  async #indexVersion(): Promise<string> {
    try {
      return await fileVersion(join(this.#layout.path, "index.json"));
    } catch (error) {
      if (isMissing(error)) return "";
      throw error;
    }
  }
}

/** Differs whenever there is another file at `path`, or it was written to. */
async function fileVersion(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true });
  return `${dev} ${ino} ${size} ${mtimeNs}`;
}

/** "other" is a directory that holds something, but no layout. */
async function inspectDirectory(path: string): Promise<"layout" | "empty" | "other"> {
  try {
    const names = await readdir(path);
    if (names.length === 0) return "empty";
    return names.includes("index.json") || names.includes("oci-layout") ? "layout" : "other";
  } catch (error) {
    if (isMissing(error)) return "empty";
    throw error;
  }
}
