import { ImageError } from "../../core/errors.ts";
import { unpackBzip2 } from "./bzip2.ts";
import { type OpenPgpPacket, PACKET, readPacket, readPackets } from "./packets.ts";

/** The largest signature, as stored and as decompressed, in bytes. Signing reference 6. */
export const SIGNATURE_LIMIT: number = 4 * 1024 * 1024;

/** Three packets are a signed message; so many more are there to keep a reader busy. */
const MOST_PACKETS = 1000;

/** A signed message taken apart; nothing of it is verified. */
export interface SignedMessage {
  /** The content of the literal packet, which is what is signed. */
  readonly payload: Uint8Array;
  /** The content of the one signature packet. */
  readonly signature: Uint8Array;
}

/** Hash and key that a signature names, in the same terms for a signature packet and its announcement. */
interface SignatureTraits {
  readonly type: number;
  readonly hashAlgorithm: number;
  readonly keyAlgorithm: number;
}

/**
 * Takes apart a message with exactly one signature, compressed or not. What follows a compressed packet is ignored,
 * as GnuPG does: none of it can be taken for content. Signing reference 2.2.
 * @throws {ImageError} SIGNATURE_INVALID with GPG's words, `No data: …` or `Unexpected GPG signature count N`;
 * SIZE_LIMIT
 */
export async function readSignedMessage(message: Uint8Array): Promise<SignedMessage> {
  if (message.length > SIGNATURE_LIMIT) throw tooLarge();
  if (message.length === 0) throw noData("it is empty");
  const first = readPacket(message, 0);
  const content = first.tag === PACKET.compressed ? await decompress(first.body) : message;
  return takeApart(readPackets(content, MOST_PACKETS));
}

/** RFC 9580, section 10.3: the signature follows its announcement and the content, or, of old, precedes the content. */
function takeApart(packets: readonly OpenPgpPacket[]): SignedMessage {
  const signatures = packets.filter(({ tag }) => tag === PACKET.signature);
  const literals = packets.filter(({ tag }) => tag === PACKET.literal);
  const [signature, ...otherSignatures] = signatures;
  const [literal, ...otherLiterals] = literals;
  if (literal === undefined) throw signature === undefined ? noData("it has no content") : wrongCount(0);
  if (signature === undefined) throw noData("it is not signed");
  if (otherSignatures.length > 0) throw wrongCount(signatures.length);
  if (otherLiterals.length > 0) throw noData("it has several contents");
  const order = packets.map(({ tag }) => tag).join(" ");
  if (order === `${PACKET.onePassSignature} ${PACKET.literal} ${PACKET.signature}`) {
    checkAnnouncement(packets[0]?.body ?? new Uint8Array(), signature.body);
  } else if (order !== `${PACKET.signature} ${PACKET.literal}`) {
    throw noData("its packets are not those of a signed message");
  }
  return { payload: literalContent(literal.body), signature: signature.body };
}

/** The announcement is not signed; one that contradicts the signature has been tampered with. */
function checkAnnouncement(announcement: Uint8Array, signature: Uint8Array): void {
  const [version, type, hashAlgorithm, keyAlgorithm] = announcement;
  const traits = signatureTraits(signature);
  const agrees =
    version === 3 &&
    announcement.length === 13 &&
    announcement[12] === 1 &&
    type === traits.type &&
    hashAlgorithm === traits.hashAlgorithm &&
    keyAlgorithm === traits.keyAlgorithm;
  if (!agrees) throw noData("its announcement does not fit the signature");
}

/** Versions before 4 have the time and the key between the type and the algorithms. RFC 9580, section 5.2.2. */
function signatureTraits(signature: Uint8Array): SignatureTraits {
  const [version = 0] = signature;
  const [type = -1, keyAlgorithm = -1, hashAlgorithm = -1] =
    version < 4 ? [signature[2], signature[15], signature[16]] : [signature[1], signature[2], signature[3]];
  return { type, keyAlgorithm, hashAlgorithm };
}

/** Skips the format, the file name and the date, none of which is signed. RFC 9580, section 5.9. */
function literalContent(body: Uint8Array): Uint8Array {
  const [format = 0, nameLength = 0] = body;
  const start = 2 + nameLength + 4;
  if (body.length < start) throw noData("its content ends early");
  if (!"btu".includes(String.fromCharCode(format))) throw noData("the format of its content is unknown");
  return body.subarray(start);
}

async function decompress(body: Uint8Array): Promise<Uint8Array> {
  const [algorithm] = body;
  const data = body.subarray(1);
  switch (algorithm) {
    case 0:
      return data;
    case 1:
      return await unpack(() => inflate(data, "inflateRawSync"));
    case 2:
      return await unpack(() => inflate(data, "inflateSync"));
    case 3:
      return await unpack(() => unpackBzip2(data, SIGNATURE_LIMIT));
    default:
      throw noData(`its compression${algorithm === undefined ? "" : ` ${algorithm}`} is unknown`);
  }
}

function inflate(data: Uint8Array, method: "inflateRawSync" | "inflateSync"): Uint8Array {
  return process.getBuiltinModule("node:zlib")[method](data, { maxOutputLength: SIGNATURE_LIMIT });
}

/** All of them say with a `RangeError` that there is too much. */
async function unpack(run: () => Uint8Array | Promise<Uint8Array>): Promise<Uint8Array> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge(error);
    throw noData("its compressed content is damaged", error);
  }
}

function wrongCount(count: number): ImageError {
  return new ImageError("SIGNATURE_INVALID", `Unexpected GPG signature count ${count}`);
}

function noData(reason: string, cause?: unknown): ImageError {
  return new ImageError("SIGNATURE_INVALID", `No data: ${reason}`, { cause });
}

function tooLarge(cause?: unknown): ImageError {
  const message = `signature: exceeded maximum allowed size of ${SIGNATURE_LIMIT} bytes`;
  return new ImageError("SIZE_LIMIT", message, { cause });
}
