import { decodeBase64 } from "../../core/base64.ts";
import { ImageError } from "../../core/errors.ts";

/** One block of a PEM file. RFC 7468. */
export interface PemBlock {
  /** What stands after `BEGIN`. */
  readonly label: string;
  readonly bytes: Uint8Array;
}

/** A beginning goes on to the next line of this kind only, so that many without an end take no time each. */
const BLOCK =
  /^-----BEGIN ([^\r\n]*?)-----[ \t]*\r?\n([\s\S]*?)^(?=-----)(-----END \1-----[ \t]*(?:\r?\n|$))?/gm;

/**
 * The blocks of a PEM file; what stands between them is skipped.
 * @throws {ImageError} SIGNATURE_INVALID when a block is not base64
 */
export function readPemBlocks(file: Uint8Array): readonly PemBlock[] {
  return blocksOf(latin1(file)).map(([, label = "", body = ""]) => ({
    label,
    bytes: decodeBody(body),
  }));
}

/** The only block of a text that has nothing else; undefined for any other text. */
export function readOnlyPemBlock(file: Uint8Array): PemBlock | undefined {
  const text = latin1(file);
  const [match, ...others] = blocksOf(text);
  if (match === undefined || others.length > 0 || match.index !== 0 || match[0].length !== text.length)
    return undefined;
  const [, label = "", body = ""] = match;
  return { label, bytes: decodeBody(body) };
}

/** A block as Go and OpenSSL write it, 64 characters a line. */
export function formatPem({ label, bytes }: PemBlock): Uint8Array {
  const body = Buffer.from(bytes)
    .toString("base64")
    .replaceAll(/.{1,64}/g, "$&\n");
  return new TextEncoder().encode(`-----BEGIN ${label}-----\n${body}-----END ${label}-----\n`);
}

function blocksOf(text: string): readonly RegExpExecArray[] {
  return [...text.matchAll(BLOCK)].filter(([, , , end]) => end !== undefined);
}

/** Header lines, as old formats have them, are no part of the content. */
function decodeBody(body: string): Uint8Array {
  const lines = body.split(/\r?\n/).filter((line) => !line.includes(":"));
  return decodeBase64(lines.join("").trim(), "SIGNATURE_INVALID");
}

function latin1(file: Uint8Array): string {
  if (file.length > LIMIT)
    throw new ImageError("SIZE_LIMIT", `PEM file: exceeded maximum allowed size of ${LIMIT} bytes`);
  return Buffer.from(file).toString("latin1");
}

const LIMIT: number = 4 * 1024 * 1024;
