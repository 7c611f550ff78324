import { posix } from "node:path";
import { type ByteStream, streamOf } from "../../core/byte-stream.ts";
import { ImageError } from "../../core/errors.ts";
import { BLOCK_SIZE, encodeHeader, type NewEntry, paddingAfter } from "../../tar/header.ts";
import type { FileContent } from "./file-content.ts";

/** A file, directory or symlink to put into a layer. */
export type NewFile = {
  /** From the root of the image; a leading slash makes no difference. */
  readonly path: string;
  /** The permission bits; by default 0o644 for files, 0o755 for directories and 0o777 for symlinks. */
  readonly mode?: number | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** 1970 by default, so that the same files make the same layer. */
  readonly modified?: Date | undefined;
} & (
  | { readonly type?: "file" | undefined; readonly content: string | Uint8Array | FileContent }
  | { readonly type: "directory" }
  | { readonly type: "symlink"; readonly target: string }
);

/** Two numbers for a device, a sparse file or an owner beyond this have no place in the headers that are written. */
const LARGEST_ID = 0o7777777;

/** The files as a tar archive, in their order. @throws {ImageError} SIZE_MISMATCH for content that is not as long as it says */
export async function* tarOf(files: readonly NewFile[]): ByteStream {
  for (const file of files) {
    const content = contentOf(file);
    yield encodeHeader(toEntry(file, content.size));
    yield* exactly(content, file.path);
    yield new Uint8Array(paddingAfter(content.size));
  }
  yield new Uint8Array(2 * BLOCK_SIZE);
}

function contentOf(file: NewFile): FileContent {
  if (file.type === "directory" || file.type === "symlink")
    return { size: 0, open: () => streamOf(new Uint8Array()) };
  const { content } = file;
  if (typeof content === "object" && "open" in content) return content;
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  return { size: bytes.length, open: () => streamOf(bytes) };
}

async function* exactly({ size, open }: FileContent, path: string): ByteStream {
  let length = 0;
  for await (const chunk of open()) {
    length += chunk.length;
    if (length > size) break;
    yield chunk;
  }
  if (length === size) return;
  const found = length > size ? "more" : `${length}`;
  throw new ImageError("SIZE_MISMATCH", `${path}: its content should have ${size} bytes and has ${found}`);
}

const MODES = { file: 0o644, directory: 0o755, symlink: 0o777 } as const;

/** @throws {ImageError} INVALID_REFERENCE for a path that leads out of the image, or is its root */
function toEntry(file: NewFile, size: number): NewEntry {
  const { type = "file", mode = MODES[type], uid = 0, gid = 0 } = file;
  const path = posix.normalize(file.path.replace(/^\/+/, "")).replace(/\/$/, "");
  if (path === "." || path === ".." || path.startsWith("../") || path.includes("\0"))
    throw new ImageError(
      "INVALID_REFERENCE",
      `${JSON.stringify(file.path)} is no path of a file in an image`,
    );
  if (uid > LARGEST_ID || gid > LARGEST_ID)
    throw new ImageError("SIZE_LIMIT", `${path}: owners above ${LARGEST_ID} are not supported`);
  return {
    name: type === "directory" ? `${path}/` : path,
    type,
    size,
    mode,
    uid,
    gid,
    modified: Math.floor((file.modified?.getTime() ?? 0) / 1000),
    ...(file.type === "symlink" ? { linkName: file.target } : {}),
  };
}
