import { posix } from "node:path";
import { decompressed } from "../compression/decompress.ts";
import { detectStream } from "../compression/format.ts";
import type { TarEntry } from "../compression/zstd-chunked/tar-entry.ts";
import { tarParts } from "../compression/zstd-chunked/tar-parts.ts";
import type { OperationOptions } from "../core/byte-stream.ts";
import type { Digest } from "../core/digest.ts";
import type { BlobReader } from "../core/image.ts";
import type { BlobName } from "./blob-range.ts";

/** A file of an image. */
export interface ImageFile {
  /** From the root, without a leading slash: `usr/bin/env`. */
  readonly path: string;
  /** What it is. */
  readonly type: "file" | "directory" | "symlink" | "hardlink" | "character-device" | "block-device" | "fifo";
  /** Bytes of content; 0 for all but files. */
  readonly size: number;
  /** The permission bits, with those for setuid, setgid and sticky. */
  readonly mode: number;
  /** The numeric owner. */
  readonly uid: number;
  /** The numeric group. */
  readonly gid: number;
  /** As the layer says it, to the second at least. */
  readonly modified: Date;
  /** Where a symlink points, as written; the path of the file that a hard link is another name of. */
  readonly target?: string | undefined;
  /** The layer that it is from. */
  readonly layer: Digest;
}

const TYPES: Readonly<Record<TarEntry["type"], ImageFile["type"]>> = {
  reg: "file",
  hardlink: "hardlink",
  symlink: "symlink",
  char: "character-device",
  block: "block-device",
  dir: "directory",
  fifo: "fifo",
};
/** Marks the file of lower layers that is gone, and the directory whose lower content is. Image spec 1.1, layer.md, "Whiteouts". */
const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";

/**
 * The files that are left when `layers` (lowest first) lie on each other. They are read from the uppermost down, so that what is
 * seen once is final. Image spec 1.1, layer.md, "Applying".
 * @throws {ImageError} MANIFEST_INVALID for a layer that is no tar archive
 */
export async function* listFiles(
  layers: readonly BlobName[],
  open: (layer: BlobName) => Promise<BlobReader>,
  options: OperationOptions = {},
): AsyncGenerator<ImageFile> {
  const covered = new Cover();
  for (const layer of layers.toReversed()) {
    await using blob = await open(layer);
    for await (const file of filesOf(blob, layer.digest, options)) {
      const name = posix.basename(file.path);
      const directory = posix.dirname(file.path);
      if (name === OPAQUE) covered.hideBelow(directory);
      else if (name.startsWith(WHITEOUT)) covered.hide(posix.join(directory, name.slice(WHITEOUT.length)));
      else if (covered.take(file)) yield file;
    }
    covered.nextLayer();
  }
}

/** What a single layer holds, in its order, with its whiteouts. */
export async function* filesOf(
  blob: Pick<BlobReader, "bytes">,
  layer: Digest,
  options: OperationOptions = {},
): AsyncGenerator<ImageFile> {
  const { format, bytes } = await detectStream(blob.bytes);
  const tar = format === undefined ? bytes : decompressed(bytes, format, `layer ${layer}`);
  for await (const part of tarParts(tar, options)) {
    if (part.kind === "entry") yield toFile(part.entry, layer);
  }
}

function toFile(entry: TarEntry, layer: Digest): ImageFile {
  const { type, linkName, contentSize: size, mode, uid, gid, modified } = entry;
  const link = linkName.toString();
  return {
    path: cleanPath(entry.name.toString()),
    type: TYPES[type],
    size,
    mode: mode & 0o7777,
    uid,
    gid,
    modified: new Date(modified.seconds * 1000 + Math.floor(modified.nanoseconds / 1e6)),
    ...(type === "symlink" ? { target: link } : type === "hardlink" ? { target: cleanPath(link) } : {}),
    layer,
  };
}

/** `./a//b/` and `/a/b` are `a/b`; what leads out of the root stays in it. */
function cleanPath(name: string): string {
  return posix.normalize(`/${name}`).slice(1).replace(/\/$/, "") || ".";
}

/** What upper layers have covered of the lower ones. */
class Cover {
  /** Paths that have been seen, and whether something can be below them. */
  readonly #taken = new Map<string, boolean>();
  readonly #hidden = new Set<string>();
  readonly #opaque = new Set<string>();
  /** Whiteouts hide what is in lower layers, not what is in their own. */
  #hiddenNext: string[] = [];
  #opaqueNext: string[] = [];
  #layer = new Map<string, boolean>();

  hide(path: string): void {
    this.#hiddenNext.push(path);
  }

  hideBelow(directory: string): void {
    this.#opaqueNext.push(directory);
  }

  /** Whether a file is to be seen. Of two of one name in a layer the first counts here. */
  take({ path, type }: ImageFile): boolean {
    if (this.#taken.has(path) || this.#layer.has(path) || this.#hidden.has(path)) return false;
    for (let parent = posix.dirname(path); ; parent = posix.dirname(parent)) {
      const isGone =
        this.#hidden.has(parent) || this.#opaque.has(parent) || this.#taken.get(parent) === false;
      if (isGone) return false;
      if (parent === "." || parent === "/") break;
    }
    this.#layer.set(path, type === "directory");
    return true;
  }

  nextLayer(): void {
    for (const [path, isDirectory] of this.#layer) this.#taken.set(path, isDirectory);
    for (const path of this.#hiddenNext) this.#hidden.add(path);
    for (const path of this.#opaqueNext) this.#opaque.add(path);
    this.#layer = new Map();
    this.#hiddenNext = [];
    this.#opaqueNext = [];
  }
}
