import { type ByteStream, coalesced, type OperationOptions } from "../../core/byte-stream.ts";
import { computeDigest } from "../../core/digest.ts";
import { blockCompression } from "../compress.ts";
import { CompressedDocument } from "./compressed-document.ts";
import { FileContentWriter } from "./file-content.ts";
import { FrameWriter } from "./frame-writer.ts";
import { TableOfContents } from "./table-of-contents.ts";
import type { TarEntry } from "./tar-entry.ts";
import { type TarPart, tarParts } from "./tar-parts.ts";
import { TarSplitWriter } from "./tar-split.ts";
import { makeTrailer } from "./trailer.ts";

export interface ZstdChunkedOptions extends OperationOptions {
  /** As for zstd: any integer, 3 if not given. images.md 8.1. */
  readonly level?: number | undefined;
  /** Told before the stream ends what belongs on the descriptor of the layer. */
  readonly onAnnotations: (annotations: Readonly<Record<string, string>>) => void;
}

/**
 * Compresses a tar archive into a zstd:chunked blob: each file, and each chunk of a larger one, in zstd frames of its own,
 * then a table of contents that says where they are, so that clients may fetch only what they have not. To others it is
 * ordinary zstd. images.md 8.2.
 * @throws {ImageError} MANIFEST_INVALID when `tar` is no tar archive, is cut off, or has entries that no layer may have
 */
export function zstdChunked(tar: ByteStream, options: ZstdChunkedOptions): ByteStream {
  return coalesced(encode(tar, options));
}

async function* encode(tar: ByteStream, options: ZstdChunkedOptions): ByteStream {
  const encoder = await LayerEncoder.create(blockCompression("zstd", options.level).level);
  try {
    for await (const part of tarParts(tar, options)) {
      encoder.add(part);
      yield* encoder.ready();
    }
    yield* encoder.finish(options.onAnnotations);
  } finally {
    await encoder.close();
  }
}

/** Puts the parts of an archive where they belong: bytes into frames, what they are into the two documents. */
class LayerEncoder {
  readonly #frames: FrameWriter;
  readonly #tocText: CompressedDocument;
  readonly #tarSplitText: CompressedDocument;
  readonly #toc: TableOfContents;
  readonly #tarSplit: TarSplitWriter;
  #content: FileContentWriter | undefined;

  private constructor(frames: FrameWriter, toc: CompressedDocument, tarSplit: CompressedDocument) {
    this.#frames = frames;
    this.#tocText = toc;
    this.#tarSplitText = tarSplit;
    this.#toc = new TableOfContents((text) => toc.append(text));
    this.#tarSplit = new TarSplitWriter((text) => tarSplit.append(text));
  }

  static async create(level: number): Promise<LayerEncoder> {
    const documents = [
      await CompressedDocument.create(level),
      await CompressedDocument.create(level),
    ] as const;
    return new LayerEncoder(new FrameWriter(level), ...documents);
  }

  add(part: TarPart): void {
    switch (part.kind) {
      case "raw":
        this.#frames.write(part.bytes);
        this.#tarSplit.raw(part.bytes);
        break;
      case "entry":
        if (part.entry.contentSize > 0) this.#content = new FileContentWriter(this.#frames);
        break;
      case "content":
        this.#content?.write(part.bytes);
        break;
      case "entry-end":
        this.#endEntry(part.entry);
    }
  }

  /** What can be handed on already. */
  async *ready(): ByteStream {
    yield* this.#frames.ready();
    await this.#tocText.settle();
    await this.#tarSplitText.settle();
  }

  /** All the rest. */
  async *finish(onAnnotations: ZstdChunkedOptions["onAnnotations"]): ByteStream {
    yield* this.#frames.finish();
    this.#tarSplit.flush();
    const tarSplit = await this.#tarSplitText.finish();
    this.#toc.finish(computeDigest(tarSplit.bytes));
    const trailer = makeTrailer(this.#frames.position, await this.#tocText.finish(), tarSplit);
    onAnnotations(trailer.annotations);
    yield* trailer.frames;
  }

  async close(): Promise<void> {
    this.#tocText.abandon();
    this.#tarSplitText.abandon();
    await this.#frames.abandon();
  }

  /** The table of contents keeps the order of the archive: an entry waits for the frames of those before it. */
  #endEntry(entry: TarEntry): void {
    if (this.#content === undefined) {
      this.#tarSplit.entry(entry);
      this.#frames.mark(() => this.#toc.entry(entry));
    } else {
      const checksum = this.#content.finish((content) => this.#toc.entry(entry, content));
      this.#tarSplit.entry(entry, checksum);
      this.#content = undefined;
    }
  }
}
