import { ImageError } from "../../core/errors.ts";

/** One packet of an OpenPGP message or key. RFC 9580, section 4. */
export interface OpenPgpPacket {
  /** The packet type ID, as in `PACKET`. */
  readonly tag: number;
  readonly body: Uint8Array;
  /** Where the packet begins in the bytes it was read from, and where the next one does. */
  readonly start: number;
  readonly end: number;
}

/** The packet type IDs that matter here. RFC 9580, section 5. */
export const PACKET = {
  signature: 2,
  onePassSignature: 4,
  secretKey: 5,
  publicKey: 6,
  compressed: 8,
  literal: 11,
} as const;

/** The types of packets whose length need not be known when they begin, as GnuPG has them. RFC 9580, section 4.2.1.4. */
const DATA_PACKETS: readonly number[] = [PACKET.compressed, 9, PACKET.literal, 18, 20];

/** The length of a part, where its content begins, and whether another length follows the part. */
interface Extent {
  readonly length: number;
  readonly contentStart: number;
  readonly partial: boolean;
}

/**
 * Reads the packet that begins at `start`.
 * @throws {ImageError} SIGNATURE_INVALID
 */
export function readPacket(bytes: Uint8Array, start: number): OpenPgpPacket {
  const header = byteAt(bytes, start);
  if ((header & 0x80) === 0) throw damaged("is no packet");
  return (header & 0x40) === 0 ? readOldPacket(bytes, start, header) : readNewPacket(bytes, start, header);
}

/** All packets, but no more than `most`. @throws {ImageError} SIGNATURE_INVALID */
export function readPackets(bytes: Uint8Array, most: number = Infinity): readonly OpenPgpPacket[] {
  const packets: OpenPgpPacket[] = [];
  for (let start = 0; start < bytes.length; ) {
    const packet = readPacket(bytes, start);
    packets.push(packet);
    if (packets.length > most) throw damaged("has too many packets");
    start = packet.end;
  }
  return packets;
}

/** The legacy format, which GnuPG still writes: the type of the length is in the header. */
function readOldPacket(bytes: Uint8Array, start: number, header: number): OpenPgpPacket {
  const tag = (header >> 2) & 0x0f;
  const lengthType = header & 0x03;
  // Of the last type the length is not told: such a packet reaches to the end.
  if (lengthType === 3) checkOpenEnded(tag);
  const contentStart = lengthType === 3 ? start + 1 : start + 1 + (1 << lengthType);
  const length =
    lengthType === 3 ? bytes.length - contentStart : bigEndian(bytes, start + 1, contentStart - start - 1);
  const end = contentStart + length;
  return { tag, body: slice(bytes, contentStart, end), start, end };
}

/** The present format, where a packet may come in parts, each with its length before it. */
function readNewPacket(bytes: Uint8Array, start: number, header: number): OpenPgpPacket {
  const tag = header & 0x3f;
  let extent = readExtent(bytes, start + 1);
  let end = extent.contentStart + extent.length;
  let body = slice(bytes, extent.contentStart, end);
  if (!extent.partial) return { tag, body, start, end };
  checkOpenEnded(tag);
  // The parts may be tiny and many, so that a buffer for all of them is cheaper than a list.
  const joined = new Uint8Array(bytes.length - start);
  let length = 0;
  for (; ; body = slice(bytes, extent.contentStart, end)) {
    joined.set(body, length);
    length += body.length;
    if (!extent.partial) return { tag, body: joined.subarray(0, length), start, end };
    extent = readExtent(bytes, end);
    end = extent.contentStart + extent.length;
  }
}

function checkOpenEnded(tag: number): void {
  if (!DATA_PACKETS.includes(tag)) throw damaged(`has a packet of type ${tag} without a length`);
}

function readExtent(bytes: Uint8Array, position: number): Extent {
  const first = byteAt(bytes, position);
  if (first < 192) return { length: first, contentStart: position + 1, partial: false };
  if (first < 224) {
    const length = (first - 192) * 256 + byteAt(bytes, position + 1) + 192;
    return { length, contentStart: position + 2, partial: false };
  }
  if (first < 255) return { length: 2 ** (first & 0x1f), contentStart: position + 1, partial: true };
  return { length: bigEndian(bytes, position + 1, 4), contentStart: position + 5, partial: false };
}

function bigEndian(bytes: Uint8Array, start: number, count: number): number {
  let value = 0;
  for (let index = start; index < start + count; index++) value = value * 256 + byteAt(bytes, index);
  return value;
}

function byteAt(bytes: Uint8Array, index: number): number {
  const byte = bytes[index];
  if (byte === undefined) throw damaged("ends early");
  return byte;
}

function slice(bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (end > bytes.length) throw damaged("ends early");
  return bytes.subarray(start, end);
}

function damaged(what: string): ImageError {
  return new ImageError("SIGNATURE_INVALID", `No data: the OpenPGP message ${what}`);
}
