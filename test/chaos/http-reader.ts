import type { Socket } from "node:net";

/** One request as it came over the wire. */
export interface WireRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** Reads requests off a connection, without the help of a server that would be polite. RFC 9112. */
export class HttpReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.#chunks = socket[Symbol.asyncIterator]();
  }

  /** The next request; undefined at the end of the connection. */
  async next(): Promise<WireRequest | undefined> {
    const head = await this.#readUntil("\r\n\r\n");
    if (head === undefined) return undefined;
    const [first = "", ...lines] = head.split("\r\n");
    const [method = "", target = ""] = first.split(" ");
    const headers = new Map(
      lines.map((line): [string, string] => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
    );
    const isChunked = headers.get("transfer-encoding")?.includes("chunked") ?? false;
    const body = isChunked
      ? await this.#readChunked()
      : await this.#read(Number(headers.get("content-length") ?? 0));
    return body && { method, target, headers, body };
  }

  async #readChunked(): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    for (;;) {
      const line = await this.#readUntil("\r\n");
      if (line === undefined) return undefined;
      const part = await this.#read(Number.parseInt(line, 16));
      if (part === undefined || (await this.#readUntil("\r\n")) === undefined) return undefined;
      if (part.length === 0) return Buffer.concat(parts);
      parts.push(part);
    }
  }

  async #readUntil(mark: string): Promise<string | undefined> {
    for (;;) {
      const end = this.#rest.indexOf(mark);
      if (end >= 0) {
        const text = this.#rest.subarray(0, end).toString("latin1");
        this.#rest = this.#rest.subarray(end + mark.length);
        return text;
      }
      if (!(await this.#more())) return undefined;
    }
  }

  async #read(length: number): Promise<Buffer | undefined> {
    while (this.#rest.length < length) if (!(await this.#more())) return undefined;
    const bytes = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return bytes;
  }

  async #more(): Promise<boolean> {
    const next = await this.#chunks.next();
    if (next.done) return false;
    this.#rest = Buffer.concat([this.#rest, next.value]);
    return true;
  }
}
