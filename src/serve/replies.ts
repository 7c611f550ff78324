import { fileResponse } from "../runtime/http-server.ts";
import type { ApiError } from "./api-error.ts";
import type { ByteRange } from "./ranges.ts";
import type { BlobContent } from "./store.ts";

type Headers = Readonly<Record<string, string>>;

/** A response without a body. */
export function emptyReply(status: number, headers: Headers = {}): Response {
  return new Response(null, { status, headers });
}

/** A response with a JSON document as its body. */
export function jsonReply(status: number, document: unknown, headers: Headers = {}): Response {
  const body = new TextEncoder().encode(JSON.stringify(document));
  return new Response(body, {
    status,
    headers: { "Content-Type": "application/json", "Content-Length": `${body.length}`, ...headers },
  });
}

export function errorReply(error: ApiError): Response {
  return jsonReply(error.status, error.body, error.headers);
}

/** A response with stored content as its body, or a part of it. To HEAD it has the headers of the whole alone. */
export async function contentReply(
  method: string,
  content: BlobContent,
  range: ByteRange | undefined,
  headers: Headers,
): Promise<Response> {
  const { start, length } = range ?? { start: 0, length: content.size };
  const place: Headers =
    range === undefined ? {} : { "Content-Range": `bytes ${start}-${start + length - 1}/${content.size}` };
  const head = {
    status: range === undefined ? 200 : 206,
    headers: { ...headers, ...place, "Content-Length": `${length}` },
  };
  if (method === "HEAD") return new Response(null, head);
  if (content.kind === "file") return await fileResponse({ path: content.path, start, length }, head);
  return new Response(content.bytes.slice(start, start + length), head);
}
