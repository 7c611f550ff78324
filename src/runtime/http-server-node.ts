import { createReadStream } from "node:fs";
import {
  createServer as createPlainServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import {
  type FileSlice,
  type HttpServer,
  type HttpServerOptions,
  IDLE_TIMEOUT,
  type RequestHandler,
  type ResponseHead,
} from "./http-server.ts";

/** How often connections that have become idle are closed once the server is ending, in milliseconds. */
const SWEEP_EVERY = 20;
const CHUNK_SIZE = 512 * 1024;

/** Files behind responses: they are sent as a stream of Node's own, which is faster than a web stream. */
const slices: WeakMap<Response, FileSlice> = new WeakMap();

/** Serves with `node:http` or `node:https`. */
export async function startNodeServer(options: HttpServerOptions): Promise<HttpServer> {
  const { tls, handler } = options;
  const scheme = tls === undefined ? "http" : "https";
  const answer = (message: IncomingMessage, outgoing: ServerResponse): void =>
    void exchange(handler, scheme, message, outgoing).catch(() => outgoing.destroy());
  const server = tls === undefined ? createPlainServer(answer) : createTlsServer({ ...tls }, answer);
  // A large upload may take as long as it likes, as long as it moves.
  server.requestTimeout = 0;
  server.timeout = IDLE_TIMEOUT;
  server.keepAliveTimeout = IDLE_TIMEOUT;
  await listen(server, options);
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    close: (grace) => closeServer(server, grace),
  };
}

/** A response with part of a file as its body, which is opened when it is first read. */
export function nodeFileResponse(slice: FileSlice, { status, headers }: ResponseHead): Response {
  const chunks = readSlice(slice);
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: async () => void (await chunks.return(undefined)),
    },
    { highWaterMark: 0 },
  );
  const response = new Response(body, {
    status,
    headers: { ...headers, "Content-Length": `${slice.length}` },
  });
  slices.set(response, slice);
  return response;
}

async function* readSlice(slice: FileSlice): AsyncGenerator<Uint8Array, undefined> {
  yield* openSlice(slice);
}

function openSlice({ path, start, length }: FileSlice): Readable {
  if (length === 0) return Readable.from([]);
  return createReadStream(path, { start, end: start + length - 1, highWaterMark: CHUNK_SIZE });
}

function listen(server: Server, { hostname, port }: HttpServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, hostname, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

async function closeServer(server: Server, grace: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_EVERY);
  const patience = setTimeout(() => server.closeAllConnections(), grace);
  await closed;
  clearInterval(sweep);
  clearTimeout(patience);
}

async function exchange(
  handler: RequestHandler,
  scheme: string,
  message: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  outgoing.once("close", () => gone.abort());
  const request = toRequest(scheme, message, gone.signal);
  await send(request === undefined ? new Response(null, { status: 400 }) : await handler(request), outgoing);
}

/** The request in web terms; undefined when its target or Host cannot be part of a URL. */
function toRequest(scheme: string, message: IncomingMessage, signal: AbortSignal): Request | undefined {
  const { method = "GET", url = "/", headers } = message;
  const hasBody = headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
  const body = hasBody && method !== "GET" && method !== "HEAD";
  try {
    return new Request(`${scheme}://${headers.host ?? "localhost"}${url}`, {
      method,
      headers: headerPairs(message),
      signal,
      ...(body ? { body: Readable.toWeb(message) as ReadableStream, duplex: "half" } : {}),
    });
  } catch {
    return undefined;
  }
}

function headerPairs(message: IncomingMessage): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < message.rawHeaders.length; i += 2) {
    pairs.push([message.rawHeaders[i] ?? "", message.rawHeaders[i + 1] ?? ""]);
  }
  return pairs;
}

async function send(response: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.statusCode = response.status;
  for (const [name, value] of response.headers) outgoing.setHeader(name, value);
  const slice = slices.get(response);
  const { body } = response;
  if (body === null || outgoing.req.method === "HEAD") {
    await body?.cancel();
    outgoing.end();
  } else if (slice !== undefined) await pipeline(openSlice(slice), outgoing);
  else await pipeline(body as unknown as AsyncIterable<Uint8Array>, outgoing);
}
