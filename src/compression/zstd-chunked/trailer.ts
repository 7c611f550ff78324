import { computeDigest } from "../../core/digest.ts";
import type { CompressedText } from "./compressed-document.ts";

const PREFIX = "io.github.containers.zstd-chunked";
/** The kind of table of contents; there is no other. */
const TOC_TYPE = 1;
const FOOTER_MAGIC = "GNUlInUx";
const SKIPPABLE_HEADER_SIZE = 8;

/** What follows the frames of a blob, and what its descriptor says about that. */
export interface Trailer {
  readonly frames: readonly Buffer[];
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * The table of contents, the tar-split data and the footer, each in a frame that ordinary readers skip. `position` is the
 * size of the blob before them. images.md 8.2.
 */
export function makeTrailer(position: number, toc: CompressedText, tarSplit: CompressedText): Trailer {
  const tocOffset = position + SKIPPABLE_HEADER_SIZE;
  const tarSplitOffset = tocOffset + toc.bytes.length + SKIPPABLE_HEADER_SIZE;
  const tocPlace = [tocOffset, toc.bytes.length, toc.size, TOC_TYPE];
  const tarSplitPlace = [tarSplitOffset, tarSplit.bytes.length, tarSplit.size];
  const footer = Buffer.alloc(64);
  for (const [i, value] of [...tocPlace, ...tarSplitPlace].entries()) {
    footer.writeBigUInt64LE(BigInt(value), i * 8);
  }
  footer.write(FOOTER_MAGIC, 56);
  return {
    frames: [toc.bytes, tarSplit.bytes, footer].map(skippableFrame),
    annotations: {
      [`${PREFIX}.manifest-checksum`]: computeDigest(toc.bytes),
      [`${PREFIX}.manifest-position`]: tocPlace.join(":"),
      [`${PREFIX}.tarsplit-position`]: tarSplitPlace.join(":"),
    },
  };
}

/** RFC 8878, 3.1.2. */
function skippableFrame(content: Uint8Array): Buffer {
  const header = Buffer.alloc(SKIPPABLE_HEADER_SIZE);
  header.writeUInt32LE(0x184d2a50, 0);
  header.writeUInt32LE(content.length, 4);
  return Buffer.concat([header, content]);
}
