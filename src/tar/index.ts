import { posix } from "node:path";
import { Header } from "tar/header";
import { Pax } from "tar/pax";
import type { OperationOptions } from "../core/byte-stream.ts";
import { ImageError } from "../core/errors.ts";
import type { RandomAccessFile } from "../runtime/random-access.ts";
import { BLOCK_SIZE, paddingAfter } from "./header.ts";

/** What stands in an archive, and where. Offsets and sizes are in bytes. */
export interface TarEntry {
  /** Cleaned: `./a//b` is `a/b`. */
  readonly name: string;
  readonly type: "file" | "directory" | "symlink" | "link" | "other";
  /** Where a symlink or hard link points, as written. */
  readonly target: string;
  readonly size: number;
  /** Where its first header begins, and where its content does. */
  readonly start: number;
  readonly contentStart: number;
}

/** Entries beyond this are no archive of images but an attack on memory. */
const MOST_ENTRIES = 1_000_000;
/** Names and pax records beyond this, in bytes, likewise. */
const EXTENSION_LIMIT: number = 1024 * 1024;

/**
 * Finds all entries of an archive by going from header to header; contents are skipped unread. Understands ustar, GNU
 * long names, base-256 sizes and pax. POSIX.1-2017, pax.
 * @throws {ImageError} MANIFEST_INVALID when it is no tar archive, is cut off, or has sparse entries
 */
export async function readTarIndex(
  file: RandomAccessFile,
  options: OperationOptions = {},
): Promise<readonly TarEntry[]> {
  const entries: TarEntry[] = [];
  for await (const entry of walk(file, options)) {
    entries.push(entry);
    if (entries.length > MOST_ENTRIES) {
      throw invalid(file, `it has more than ${MOST_ENTRIES} entries`);
    }
  }
  return entries;
}

/** What headers of the kinds `x`, `g`, `L` and `K` say about the entry that comes next. */
interface Extensions {
  global?: Pax | undefined;
  next?: Pax | undefined;
  longName?: string;
  longTarget?: string;
}

async function* walk(file: RandomAccessFile, options: OperationOptions): AsyncGenerator<TarEntry> {
  let extensions: Extensions = {};
  let start: number | undefined;
  for (let offset = 0; offset < file.size; ) {
    options.signal?.throwIfAborted();
    const header = await readHeader(file, offset, extensions);
    if (header === undefined) {
      if (offset === 0) throw invalid(file, "it begins with zeros");
      return;
    }
    start ??= offset;
    const contentStart = offset + BLOCK_SIZE;
    const size = HEADER_ONLY.has(header.type) ? 0 : (header.size ?? 0);
    if (contentStart + size > file.size) {
      throw invalid(
        file,
        `it is truncated: its entry ${JSON.stringify(header.path)} should have ${size} bytes, but only ${file.size - contentStart} are left`,
      );
    }
    offset = contentStart + size + paddingAfter(size);
    if (await readExtension(file, header, contentStart, size, extensions)) continue;
    yield toEntry(file, header, extensions, { size, start, contentStart });
    extensions = extensions.global === undefined ? {} : { global: extensions.global };
    start = undefined;
  }
}

async function readHeader(
  file: RandomAccessFile,
  offset: number,
  extensions: Extensions,
): Promise<Header | undefined> {
  const block = await file.read(offset, BLOCK_SIZE);
  if (block.length < BLOCK_SIZE) {
    throw invalid(
      file,
      offset === 0 ? "it is too short" : `it is truncated: a header at byte ${offset} is cut off`,
    );
  }
  const header = parseHeader(file, block, offset, extensions);
  if (header.nullBlock) return undefined;
  if (!header.cksumValid) {
    throw invalid(
      file,
      offset === 0 ? "it begins with no tar header" : `its header at byte ${offset} is corrupt`,
    );
  }
  if (!Number.isSafeInteger(header.size ?? 0))
    throw invalid(file, `its header at byte ${offset} gives no usable size`);
  return header;
}

function parseHeader(
  file: RandomAccessFile,
  block: Buffer,
  offset: number,
  { next, global, longName }: Extensions,
): Header {
  try {
    // By its short name alone, a file is taken for a directory where GNU cut the long one off behind a slash.
    const named = longName === undefined ? next : new Pax({ ...next, path: longName });
    return new Header(block, 0, named, global);
  } catch {
    throw invalid(
      file,
      offset === 0 ? "it begins with no tar header" : `its header at byte ${offset} is corrupt`,
    );
  }
}

/** Whether the header was one about the next entry; what it says is added to `extensions`. */
async function readExtension(
  file: RandomAccessFile,
  header: Header,
  start: number,
  size: number,
  extensions: Extensions,
): Promise<boolean> {
  if (!EXTENSION_TYPES.has(header.type)) return false;
  if (size > EXTENSION_LIMIT) throw invalid(file, `a name or pax header in it has ${size} bytes`);
  const content = await file.read(start, size);
  const text = content.toString("utf8");
  switch (header.type) {
    case "GlobalExtendedHeader":
      extensions.global = Pax.parse(text, extensions.global, true);
      break;
    case "NextFileHasLongPath":
    case "OldGnuLongPath":
      extensions.longName = text.replace(/\0.*$/s, "");
      break;
    case "NextFileHasLongLinkpath":
      extensions.longTarget = text.replace(/\0.*$/s, "");
      break;
    default:
      if (/^\d+ GNU\.sparse\./m.test(text)) throw sparse(file);
      extensions.next = Pax.parse(text, extensions.next);
  }
  return true;
}

const EXTENSION_TYPES: ReadonlySet<string> = new Set([
  "GlobalExtendedHeader",
  "ExtendedHeader",
  "OldExtendedHeader",
  "NextFileHasLongPath",
  "OldGnuLongPath",
  "NextFileHasLongLinkpath",
]);

function toEntry(
  file: RandomAccessFile,
  header: Header,
  { longName, longTarget, next }: Extensions,
  place: Pick<TarEntry, "size" | "start" | "contentStart">,
): TarEntry {
  if (header.type === "SparseFile") throw sparse(file);
  return {
    // `Header` puts the prefix of ustar before a path of pax, and lets its own link go before that of pax.
    name: cleanName(longName ?? next?.path ?? header.path ?? ""),
    type: ENTRY_TYPES.get(header.type) ?? "other",
    target: longTarget ?? next?.linkpath ?? header.linkpath ?? "",
    ...place,
  };
}

/** What has no content, whatever size its header gives: that of a hard link may be the size of its target. */
const HEADER_ONLY: ReadonlySet<string> = new Set([
  "Link",
  "SymbolicLink",
  "CharacterDevice",
  "BlockDevice",
  "Directory",
  "FIFO",
]);

const ENTRY_TYPES: ReadonlyMap<string, TarEntry["type"]> = new Map([
  ["File", "file"],
  ["OldFile", "file"],
  ["ContiguousFile", "file"],
  ["Directory", "directory"],
  ["SymbolicLink", "symlink"],
  ["Link", "link"],
]);

/** The one spelling under which names of archives are compared. */
export function cleanName(name: string): string {
  return posix.normalize(name).replace(/(.)\/$/, "$1");
}

function sparse(file: RandomAccessFile): ImageError {
  return invalid(file, "it has sparse entries; write it again with a tar that stores files whole");
}

function invalid(file: RandomAccessFile, reason: string): ImageError {
  return new ImageError("MANIFEST_INVALID", `${file.path} is no usable tar archive: ${reason}`);
}
