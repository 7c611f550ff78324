import type { TarEntry } from "./tar-entry.ts";
import { isUtf8 } from "./text.ts";

/** Bytes of raw data that are gathered for one record; where there are more, several records follow one another. */
const RECORD_SIZE: number = 1024 * 1024;
const CONTENT = 1;
const RAW = 2;

/** Writes what it takes to rebuild an archive from its files, in lines of JSON. transports.md 11.5. */
export class TarSplitWriter {
  readonly #append: (line: string) => void;
  #raw: Uint8Array[] = [];
  #rawSize = 0;
  #position = 0;

  constructor(append: (line: string) => void) {
    this.#append = append;
  }

  raw(bytes: Uint8Array): void {
    this.#raw.push(bytes);
    this.#rawSize += bytes.length;
    if (this.#rawSize >= RECORD_SIZE) this.flush();
  }

  /** Ends the record of raw bytes. */
  flush(): void {
    if (this.#rawSize === 0) return;
    this.#record({ type: RAW, payload: Buffer.concat(this.#raw).toString("base64") });
    this.#raw = [];
    this.#rawSize = 0;
  }

  /** The place of an entry's content, of which `checksum` is the CRC-64 if there is any. */
  entry({ name, contentSize }: TarEntry, checksum?: Buffer): void {
    this.flush();
    this.#record({
      type: CONTENT,
      ...(isUtf8(name)
        ? { name: name.length === 0 ? undefined : name.toString("utf8") }
        : { name_raw: name.toString("base64") }),
      size: contentSize === 0 ? undefined : contentSize,
      payload: checksum?.toString("base64") ?? null,
    });
  }

  #record(record: Readonly<Record<string, unknown>>): void {
    this.#append(`${JSON.stringify({ ...record, position: this.#position })}\n`);
    this.#position++;
  }
}
