import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** Answers one request, or declines by returning false, so that the registry answers as it should. */
export type Fault = (
  request: IncomingMessage,
  response: ServerResponse,
  count: number,
) => boolean | Promise<boolean>;

/** A registry that holds one image, and misbehaves as told. */
export interface FaultyRegistry extends AsyncDisposable {
  readonly host: string;
  /** `METHOD /path` of each request, in order. */
  readonly requests: readonly string[];
  /** The blobs and manifests that were pushed. */
  readonly pushed: ReadonlyMap<string, Buffer>;
}

export interface Content {
  readonly manifest: Buffer;
  readonly mediaType: string;
  readonly blobs: ReadonlyMap<string, Buffer>;
}

/** Starts a registry with one image, under every name and tag. `fault` sees each request first. */
export async function startFaultyRegistry(content: Content, fault: Fault): Promise<FaultyRegistry> {
  const requests: string[] = [];
  const pushed = new Map<string, Buffer>();
  const sockets = new Set<Socket>();
  const counts = new Map<string, number>();
  const server: Server = createServer(async (request, response) => {
    const line = `${request.method} ${request.url?.split("?")[0]}`;
    requests.push(line);
    const count = (counts.get(line) ?? 0) + 1;
    counts.set(line, count);
    if (await fault(request, response, count)) return;
    await answer(content, pushed, request, response);
  });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    pushed,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What a request carries, read to its end. */
export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

async function answer(
  content: Content,
  pushed: Map<string, Buffer>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://registry");
  const name = url.pathname.split("/").at(-1) ?? "";
  const body = await bodyOf(request);
  switch (request.method) {
    case "POST":
      response.writeHead(202, { Location: `${url.pathname}1` }).end();
      return;
    case "PUT":
      pushed.set(url.searchParams.get("digest") ?? name, body);
      response.writeHead(201).end();
      return;
    case "DELETE":
      response.writeHead(202).end();
      return;
  }
  if (url.pathname === "/v2/") response.end("{}");
  else if (url.pathname.endsWith("/tags/list")) response.end('{"name":"app","tags":["1"]}');
  else if (url.pathname.includes("/manifests/")) {
    const digest = `sha256:${createHash("sha256").update(content.manifest).digest("hex")}`;
    const headers = { "Content-Type": content.mediaType, "Docker-Content-Digest": digest };
    response.writeHead(200, { ...headers, "Content-Length": content.manifest.length }).end(content.manifest);
  } else sendBlob(content.blobs.get(name), request, response);
}

function sendBlob(blob: Buffer | undefined, request: IncomingMessage, response: ServerResponse): void {
  if (blob === undefined) {
    response.writeHead(404).end('{"errors":[{"code":"BLOB_UNKNOWN","message":"blob unknown to registry"}]}');
    return;
  }
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? Number.NaN);
  if (Number.isNaN(start)) response.writeHead(200, { "Content-Length": blob.length }).end(blob);
  else {
    const range = `bytes ${start}-${blob.length - 1}/${blob.length}`;
    response
      .writeHead(206, { "Content-Length": blob.length - start, "Content-Range": range })
      .end(blob.subarray(start));
  }
}
