import { posix } from "node:path";

/** Headers and contents begin at multiples of this many bytes. POSIX.1-2017, pax, "ustar Interchange Format". */
export const BLOCK_SIZE = 512;

/** The largest size that the twelve bytes of a ustar header can say in octal digits. */
const LARGEST_SIZE = 0o77777777777;
const NAME_BYTES = 100;

/** An entry to write. Owner, group and time are 0 unless they are told: the same image gives the same archive. */
export interface NewEntry {
  readonly name: string;
  readonly type: "file" | "directory" | "symlink";
  /** Bytes of content. */
  readonly size: number;
  readonly mode: number;
  /** Where a symlink points. */
  readonly linkName?: string | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** Seconds since 1970. */
  readonly modified?: number | undefined;
}

/**
 * The header blocks of an entry, digit for digit as Go's writer lays them out, so that our archives equal those of
 * skopeo: one ustar block, and before it a pax header for what does not fit in there.
 */
export function encodeHeader(entry: NewEntry): Buffer {
  const records = paxRecords(entry);
  if (records === "") return ustarHeader(entry);
  const content = Buffer.from(records);
  const padded = Buffer.alloc(content.length + paddingAfter(content.length));
  content.copy(padded);
  const name = posix.join(posix.dirname(entry.name), "PaxHeaders.0", posix.basename(entry.name));
  const pax = ustarHeader({ name, type: "file", size: content.length, mode: 0 }, PAX_HEADER);
  return Buffer.concat([pax, padded, ustarHeader(entry)]);
}

/**
 * The header of an entry whose size became known after room had been left for it. A size beyond octal digits is binary,
 * as GNU has it, for a pax header would not fit into that room.
 */
export function encodeLateHeader(entry: NewEntry): Buffer {
  if (entry.size <= LARGEST_SIZE) return encodeHeader(entry);
  const header = encodeHeader({ ...entry, size: 0 });
  const block = header.subarray(header.length - BLOCK_SIZE);
  writeBinary(block, 124, 12, entry.size);
  writeCheckSum(block);
  return header;
}

/** How many zero bytes follow a content of `size` bytes. */
export function paddingAfter(size: number): number {
  return (BLOCK_SIZE - (size % BLOCK_SIZE)) % BLOCK_SIZE;
}

const TYPES = { file: "0", symlink: "2", directory: "5" } as const;
const PAX_HEADER = "x";

function paxRecords({ name, linkName = "", size }: NewEntry): string {
  const records: string[] = [];
  if (!fitsField(linkName)) records.push(paxRecord("linkpath", linkName));
  if (!fitsField(name)) records.push(paxRecord("path", name));
  if (size > LARGEST_SIZE) records.push(paxRecord("size", `${size}`));
  return records.join("");
}

function fitsField(text: string): boolean {
  return Buffer.byteLength(text) <= NAME_BYTES && /^[\x20-\x7e]*$/.test(text);
}

/** `LENGTH KEY=VALUE\n`, where the length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(rest);
  length += `${length + `${length}`.length}`.length;
  return `${length}${rest}`;
}

function ustarHeader(entry: NewEntry, type: string = TYPES[entry.type]): Buffer {
  const block = Buffer.alloc(BLOCK_SIZE);
  block.write(entry.name, 0, NAME_BYTES);
  writeOctal(block, 100, 8, entry.mode);
  writeOctal(block, 108, 8, entry.uid ?? 0);
  writeOctal(block, 116, 8, entry.gid ?? 0);
  writeOctal(block, 124, 12, entry.size > LARGEST_SIZE ? 0 : entry.size);
  writeOctal(block, 136, 12, entry.modified ?? 0);
  block.write(type, 156);
  block.write(entry.linkName ?? "", 157, NAME_BYTES);
  block.write("ustar\x0000", 257);
  // Headers about the next entry name no device, not even number 0.
  if (type !== PAX_HEADER) {
    writeOctal(block, 329, 8, 0);
    writeOctal(block, 337, 8, 0);
  }
  writeCheckSum(block);
  return block;
}

function writeCheckSum(block: Buffer): void {
  block.fill(" ", 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
}

function writeOctal(block: Buffer, offset: number, length: number, value: number): void {
  block.write(`${value.toString(8).padStart(length - 1, "0")}\0`, offset);
}

function writeBinary(block: Buffer, offset: number, length: number, value: number): void {
  block.fill(0, offset, offset + length);
  block.writeBigUInt64BE(BigInt(value), offset + length - 8);
  block[offset] = 0x80;
}
