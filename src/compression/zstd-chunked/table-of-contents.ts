import type { Digest } from "../../core/digest.ts";
import type { FileContent } from "./file-content.ts";
import type { TarEntry } from "./tar-entry.ts";
import { formatTarTime, isSet, type TarTime } from "./tar-time.ts";
import { textOf } from "./text.ts";

/**
 * Writes the table of contents: what each entry of the archive is, and where in the blob the frames of its content lie.
 * images.md 8.2. Members that are zero or empty are left out, as real skopeo does, and so are the names of owners.
 */
export class TableOfContents {
  readonly #append: (text: string) => void;
  #isEmpty = true;

  constructor(append: (text: string) => void) {
    this.#append = append;
  }

  /** Adds an entry, and after it the chunks of its content if there are several. */
  entry(entry: TarEntry, content?: FileContent): void {
    const name = textOf(entry.name);
    const [first, ...others] = content === undefined || content.chunks.length === 1 ? [] : content.chunks;
    this.#write({
      type: entry.type,
      name,
      linkName: textOf(entry.linkName) || undefined,
      mode: entry.mode || undefined,
      size: entry.size || undefined,
      uid: entry.uid || undefined,
      gid: entry.gid || undefined,
      modtime: formatTarTime(entry.modified),
      accesstime: formatOptional(entry.accessed),
      changetime: formatOptional(entry.changed),
      devMajor: entry.devMajor || undefined,
      devMinor: entry.devMinor || undefined,
      xattrs: entry.xattrs.size === 0 ? undefined : encodeXattrs(entry.xattrs),
      digest: content?.digest,
      offset: content?.chunks[0]?.place.offset,
      endOffset: content?.endOffset,
      chunkSize: first?.size,
      chunkDigest: first?.digest,
      chunkType: first?.isHole ? "zeros" : undefined,
    });
    for (const chunk of others) {
      this.#write({
        type: "chunk",
        name,
        offset: chunk.place.offset,
        chunkSize: chunk.size,
        chunkOffset: chunk.start,
        chunkDigest: chunk.digest,
        chunkType: chunk.isHole ? "zeros" : undefined,
      });
    }
  }

  /** Ends the document, naming the compressed tar-split data that belong to it. */
  finish(tarSplit: Digest): void {
    const end = this.#isEmpty ? `${BEGIN}null` : "]";
    this.#append(`${end},"tarSplitDigest":${JSON.stringify(tarSplit)}}`);
  }

  #write(item: Readonly<Record<string, unknown>>): void {
    this.#append(`${this.#isEmpty ? `${BEGIN}[` : ","}${JSON.stringify(item)}`);
    this.#isEmpty = false;
  }
}

const BEGIN = '{"version":1,"entries":';

function formatOptional(time: TarTime | undefined): string | undefined {
  return isSet(time) ? formatTarTime(time) : undefined;
}

function encodeXattrs(xattrs: ReadonlyMap<string, Buffer>): Readonly<Record<string, string>> {
  return Object.fromEntries([...xattrs].map(([name, value]) => [name, value.toString("base64")]));
}
