import { invalidTar } from "./invalid-tar.ts";
import type { PaxRecords } from "./pax-records.ts";
import type { TarHeader } from "./tar-header.ts";
import { parsePaxTime, type TarTime } from "./tar-time.ts";

/** The kinds of entries that a layer may have, as the table of contents calls them. */
export type TarEntryType = "reg" | "hardlink" | "symlink" | "char" | "block" | "dir" | "fifo";

/** An entry with all that its headers say. */
export interface TarEntry extends Omit<TarHeader, "type"> {
  readonly type: TarEntryType;
  /** How many bytes of content follow. Only regular files have any, whatever `size` says. */
  readonly contentSize: number;
  /** Extended attributes by name, sorted. */
  readonly xattrs: ReadonlyMap<string, Buffer>;
}

/** What the headers before an entry's own say about it. */
export interface Extensions {
  readonly pax?: PaxRecords;
  readonly longName?: Buffer;
  readonly longLinkName?: Buffer;
}

const TYPES: ReadonlyMap<string, TarEntryType> = new Map([
  ["0", "reg"],
  ["\0", "reg"],
  ["1", "hardlink"],
  ["2", "symlink"],
  ["3", "char"],
  ["4", "block"],
  ["5", "dir"],
  ["6", "fifo"],
]);
const XATTR_PREFIX = "SCHILY.xattr.";

/**
 * Puts an entry together. GNU's long names win over pax, pax over the header; an empty value of pax says nothing.
 * @throws {ImageError} MANIFEST_INVALID for numbers and times that are none, for sparse files, and for other types than a
 *   layer may have, in the words of real skopeo
 */
export function toTarEntry(header: TarHeader, { pax = new Map(), ...long }: Extensions): TarEntry {
  rejectSparse(pax);
  const name = long.longName ?? textRecord(pax, "path") ?? header.name;
  const type = typeOf(header.type, name);
  const size = numberRecord(pax, "size") ?? header.size;
  if (size < 0) throw invalidTar("an entry in it has a negative size");
  return {
    type,
    name,
    linkName: long.longLinkName ?? textRecord(pax, "linkpath") ?? header.linkName,
    mode: header.mode,
    size,
    contentSize: type === "reg" ? size : 0,
    uid: numberRecord(pax, "uid") ?? header.uid,
    gid: numberRecord(pax, "gid") ?? header.gid,
    modified: timeRecord(pax, "mtime") ?? header.modified,
    accessed: timeRecord(pax, "atime") ?? header.accessed,
    changed: timeRecord(pax, "ctime") ?? header.changed,
    devMajor: header.devMajor,
    devMinor: header.devMinor,
    xattrs: xattrsOf(pax),
  };
}

/** Old archives tell directories from files only by the slash at the end. */
function typeOf(written: string, name: Buffer): TarEntryType {
  const type = TYPES.get(written);
  if (type === undefined) throw invalidTar(`unknown tarball type: ${written.charCodeAt(0)}`);
  return written === "\0" && name.at(-1) === 0x2f ? "dir" : type;
}

/** What the archive stores of a sparse file is not what the file holds, so it would get wrong digests. */
function rejectSparse(pax: PaxRecords): void {
  for (const keyword of pax.keys()) {
    if (keyword.startsWith("GNU.sparse.")) {
      throw invalidTar("it has sparse entries; write it again with a tar that stores files whole");
    }
  }
}

function textRecord(pax: PaxRecords, keyword: string): Buffer | undefined {
  const value = pax.get(keyword);
  return value === undefined || value.length === 0 ? undefined : value;
}

function numberRecord(pax: PaxRecords, keyword: string): number | undefined {
  const text = textRecord(pax, keyword)?.toString("latin1");
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(value)) throw malformed(keyword);
  return value;
}

function timeRecord(pax: PaxRecords, keyword: string): TarTime | undefined {
  const text = textRecord(pax, keyword)?.toString("latin1");
  if (text === undefined) return undefined;
  const time = parsePaxTime(text);
  if (time === undefined) throw malformed(keyword);
  return time;
}

function malformed(keyword: string): Error {
  return invalidTar(`a pax header in it has a malformed ${keyword}`);
}

function xattrsOf(pax: PaxRecords): ReadonlyMap<string, Buffer> {
  const found = [...pax]
    .filter(([keyword]) => keyword.startsWith(XATTR_PREFIX))
    .map(([keyword, value]): [string, Buffer] => [keyword.slice(XATTR_PREFIX.length), value]);
  return new Map(found.sort(([left], [right]) => Buffer.compare(Buffer.from(left), Buffer.from(right))));
}
