import { posix } from "node:path";
import type { OperationOptions } from "../core/byte-stream.ts";
import { ImageError } from "../core/errors.ts";
import type { FileReader } from "../runtime/files.ts";
import type { RandomAccessFile } from "../runtime/random-access.ts";
import { paddingAfter } from "./header.ts";
import { cleanName, readTarIndex, type TarEntry } from "./index.ts";

/** Links that lead to links are followed so far. */
const MOST_LINKS = 8;

/** A tar archive in a file that can be read anywhere. Nothing is unpacked: names are only compared with each other. */
export class TarArchiveFile {
  readonly path: string;
  readonly entries: readonly TarEntry[];
  readonly #file: RandomAccessFile;
  readonly #byName = new Map<string, TarEntry>();
  readonly #ambiguous = new Set<string>();

  private constructor(file: RandomAccessFile, entries: readonly TarEntry[]) {
    this.path = file.path;
    this.#file = file;
    this.entries = entries;
    for (const entry of entries) {
      const earlier = this.#byName.get(entry.name);
      if (earlier === undefined) this.#byName.set(entry.name, entry);
      else if (entry.type !== "directory" || earlier.type !== "directory") this.#ambiguous.add(entry.name);
    }
  }

  /** Takes stock of the archive; `file` stays the caller's to dispose. @throws {ImageError} MANIFEST_INVALID */
  static async read(file: RandomAccessFile, options: OperationOptions = {}): Promise<TarArchiveFile> {
    return new TarArchiveFile(file, await readTarIndex(file, options));
  }

  /**
   * The regular file under a name, through links within the archive; undefined where there is nothing.
   * @throws {ImageError} MANIFEST_INVALID when two entries have the name, a link leads nowhere or out of the archive,
   * or it is no file
   */
  find(name: string): TarEntry | undefined {
    const found = this.#byName.get(cleanName(name));
    return found === undefined ? undefined : this.#follow(found, name);
  }

  /** Opens the content of a regular file of this archive. */
  async open(entry: TarEntry): Promise<FileReader> {
    return await this.#openPart(entry.contentStart, entry.size);
  }

  /** The first `length` bytes of a file. */
  async readStart(entry: TarEntry, length: number): Promise<Uint8Array> {
    return await this.#file.read(entry.contentStart, Math.min(length, entry.size));
  }

  /** An entry with its headers and padding, as the bytes it consists of. */
  async openRaw(entry: TarEntry): Promise<FileReader> {
    const end = entry.contentStart + entry.size;
    return await this.#openPart(entry.start, end + paddingAfter(entry.size) - entry.start);
  }

  /** A short file whole. @throws {ImageError} SIZE_LIMIT */
  async readWhole(entry: TarEntry, limit: number): Promise<Uint8Array> {
    if (entry.size > limit) {
      throw new ImageError("SIZE_LIMIT", `${entry.name}: exceeded maximum allowed size of ${limit} bytes`);
    }
    return await this.#file.read(entry.contentStart, entry.size);
  }

  async #openPart(start: number, size: number): Promise<FileReader> {
    return { ...(await this.#file.open(start, size)), size };
  }

  #follow(first: TarEntry, name: string): TarEntry {
    let entry = first;
    for (let links = 0; ; links++) {
      if (this.#ambiguous.has(entry.name)) {
        throw this.#invalid(`it holds ${JSON.stringify(entry.name)} twice, and only one can be meant`);
      }
      if (entry.type === "file") return entry;
      if (entry.type !== "symlink" && entry.type !== "link") {
        throw this.#invalid(`its entry ${JSON.stringify(name)} is no regular file`);
      }
      const target = cleanName(
        entry.type === "link" ? entry.target : posix.join(posix.dirname(entry.name), entry.target),
      );
      const next = this.#byName.get(target);
      if (
        next === undefined ||
        links === MOST_LINKS ||
        entry.target.startsWith("/") ||
        target.startsWith("..")
      ) {
        throw this.#invalid(
          `its entry ${JSON.stringify(entry.name)} links to ${JSON.stringify(entry.target)}, which is not in it`,
        );
      }
      entry = next;
    }
  }

  #invalid(reason: string): ImageError {
    return new ImageError("MANIFEST_INVALID", `${this.path} is no usable archive: ${reason}`);
  }
}
