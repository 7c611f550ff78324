import { invalidTar } from "./invalid-tar.ts";
import type { TarTime } from "./tar-time.ts";

/** The fields of a header block, before what extended headers say. Names are bytes: nothing says that they are UTF-8. */
export interface TarHeader {
  /** The type as written: `0`, `L`, or a NUL. */
  readonly type: string;
  readonly name: Buffer;
  readonly linkName: Buffer;
  /** All bits that the header has, also those of the kind of file. */
  readonly mode: number;
  /** Bytes. */
  readonly size: number;
  readonly uid: number;
  readonly gid: number;
  readonly modified: TarTime;
  readonly accessed: TarTime | undefined;
  readonly changed: TarTime | undefined;
  readonly devMajor: number;
  readonly devMinor: number;
}

type Dialect = "v7" | "ustar" | "star" | "gnu";

/**
 * Reads a header block of 512 bytes: ustar, GNU, star or plain V7. node-tar's parser does not do here: it takes names for
 * UTF-8 and leaves out the content of files whose name ends in a slash. `offset` is for errors.
 * @throws {ImageError} MANIFEST_INVALID
 */
export function parseTarHeader(block: Buffer, offset: number): TarHeader {
  const fail = (): Error =>
    invalidTar(offset === 0 ? "it begins with no tar header" : `its header at byte ${offset} is corrupt`);
  const number = (start: number, length: number): number => {
    const value = parseNumber(block.subarray(start, start + length));
    if (value === undefined) throw fail();
    return value;
  };
  if (!hasValidChecksum(block)) throw fail();
  const dialect = dialectOf(block);
  const size = number(124, 12);
  if (size < 0) throw fail();
  return {
    type: String.fromCharCode(block[156] ?? 0),
    linkName: untilNul(block.subarray(157, 257)),
    mode: number(100, 8),
    uid: number(108, 8),
    gid: number(116, 8),
    size,
    modified: { seconds: number(136, 12), nanoseconds: 0 },
    devMajor: dialect === "v7" ? 0 : number(329, 8),
    devMinor: dialect === "v7" ? 0 : number(337, 8),
    ...nameAndTimes(block, dialect),
  };
}

function dialectOf(block: Buffer): Dialect {
  const magic = block.toString("latin1", 257, 265);
  if (magic.startsWith("ustar\0")) return block.toString("latin1", 508, 512) === "tar\0" ? "star" : "ustar";
  return magic === "ustar  \0" ? "gnu" : "v7";
}

/** Behind the device numbers each dialect has something else. */
function nameAndTimes(block: Buffer, dialect: Dialect): Pick<TarHeader, "name" | "accessed" | "changed"> {
  const name = untilNul(block.subarray(0, 100));
  const withoutTimes = { accessed: undefined, changed: undefined };
  switch (dialect) {
    case "v7":
      return { name, ...withoutTimes };
    case "ustar":
      return { name: prefixed(block.subarray(345, 500), name), ...withoutTimes };
    case "star":
      return {
        name: prefixed(block.subarray(345, 476), name),
        accessed: parseTime(block.subarray(476, 488)),
        changed: parseTime(block.subarray(488, 500)),
      };
    case "gnu":
      return { name, ...withoutTimes, ...gnuExtras(block, name) };
  }
}

/** Times, or the prefix that old Go programs wrote in their place. */
function gnuExtras(block: Buffer, name: Buffer): Partial<TarHeader> {
  const [accessed, changed] = [block.subarray(345, 357), block.subarray(357, 369)].map((field) =>
    field[0] === 0 ? "none" : parseTime(field),
  );
  if (accessed !== undefined && changed !== undefined) {
    return {
      accessed: accessed === "none" ? undefined : accessed,
      changed: changed === "none" ? undefined : changed,
    };
  }
  const prefix = block.subarray(345, 500);
  return untilNul(prefix).every((byte) => byte < 0x80) ? { name: prefixed(prefix, name) } : {};
}

function prefixed(field: Buffer, name: Buffer): Buffer {
  const prefix = untilNul(field);
  return prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from("/"), name]);
}

function parseTime(field: Buffer): TarTime | undefined {
  const seconds = parseNumber(field);
  return seconds === undefined ? undefined : { seconds, nanoseconds: 0 };
}

/** Octal digits among blanks, or GNU's binary numbers of two's complement; undefined for anything else. */
function parseNumber(field: Buffer): number | undefined {
  if (((field[0] ?? 0) & 0x80) !== 0) return parseBinary(field);
  const digits = untilNul(field.subarray(field.findIndex((byte) => byte !== 0x20 && byte !== 0)))
    .toString("latin1")
    .trimEnd();
  if (field.every((byte) => byte === 0x20 || byte === 0)) return 0;
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : undefined;
}

/** The first bit only marks the number as binary, the second is its sign. */
function parseBinary(field: Buffer): number | undefined {
  const bits = field.length * 8 - 1;
  const value = Number(BigInt.asIntN(bits, BigInt(`0x${field.toString("hex")}`)));
  return Number.isSafeInteger(value) ? value : undefined;
}

/** The sum of all bytes, taken with or without sign, with the sum itself as blanks. */
function hasValidChecksum(block: Buffer): boolean {
  const stored = parseNumber(block.subarray(148, 156));
  let unsigned = 8 * 0x20;
  let signed = unsigned;
  for (let i = 0; i < block.length; i++) {
    if (i >= 148 && i < 156) continue;
    const byte = block[i] ?? 0;
    unsigned += byte;
    signed += byte < 0x80 ? byte : byte - 0x100;
  }
  return stored === unsigned || stored === signed;
}

/** A field's text: what stands before its first NUL. */
export function untilNul(field: Buffer): Buffer {
  const end = field.indexOf(0);
  return end === -1 ? field : field.subarray(0, end);
}
