import { createServer, type Server, type Socket } from "node:net";
import { buildImage, type TestImage } from "../support/images.ts";

/** Where the server falls silent. */
export type Phase =
  | "accept"
  | "ping"
  | "token"
  | "manifest headers"
  | "manifest body"
  | "blob headers"
  | "blob body"
  | "tags"
  | "tags body"
  | "upload POST"
  | "upload body"
  | "upload PATCH answer"
  | "upload PUT answer"
  | "manifest PUT answer"
  | "referrers"
  | "signature"
  | "DELETE answer"
  | "never";

export interface StallingRegistry extends AsyncDisposable {
  readonly host: string;
  /** Settles once somebody waits in the phase. */
  readonly stalled: Promise<void>;
  readonly seen: readonly string[];
}

/** Large enough that no buffer of a kernel takes it whole. */
const IMAGE: TestImage = buildImage({ seed: "stall", layers: [12_000_000] });
const TAGS = '{"name":"app","tags":["latest"]}';

interface Request {
  readonly method: string;
  readonly path: string;
  readonly authorized: boolean;
}

interface Reply {
  readonly status: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Sends half of the body and no more. */
  readonly isHalf?: boolean;
}

/** The image that the registry has as `app:latest`. */
export function stallingImage(): TestImage {
  return IMAGE;
}

/** A registry over bare sockets, without TLS, that is silent for ever in one phase of the protocol. */
export async function startStalling(phase: Phase): Promise<StallingRegistry> {
  const sockets = new Set<Socket>();
  const seen: string[] = [];
  const { promise: stalled, resolve: stall } = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    if (phase === "accept") return socket.on("data", () => stall());
    return serve(socket, phase, stall, seen);
  });
  const port = await listen(server);
  return {
    host: `127.0.0.1:${port}`,
    stalled,
    seen,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

function serve(socket: Socket, phase: Phase, stall: () => void, seen: string[]): void {
  let pending: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    // A greeting of TLS: this server speaks plain HTTP.
    if (pending[0] === 0x16) return void socket.destroy();
    const end = pending.indexOf("\r\n\r\n");
    if (end < 0) return;
    const head = pending.subarray(0, end).toString("latin1");
    const [method = "", path = ""] = head.split(" ");
    const request = { method, path, authorized: /^authorization:/im.test(head) };
    const isBody = method === "PATCH" || method === "PUT";
    if (phase === "upload body" && isBody && path.includes("/uploads/")) {
      socket.pause();
      return stall();
    }
    if (isBody && !hasWholeBody(head, pending.subarray(end + 4))) return;
    pending = Buffer.alloc(0);
    seen.push(`${method} ${path}`);
    const reply = answer(request, phase, socket.localPort ?? 0);
    if (reply === undefined) return stall();
    write(socket, reply, method === "HEAD");
    if (reply.isHalf) stall();
  });
}

function hasWholeBody(head: string, body: Buffer): boolean {
  const length = /^content-length: *(\d+)/im.exec(head)?.[1];
  if (length !== undefined) return body.length >= Number(length);
  return body.subarray(-5).toString("latin1") === "0\r\n\r\n";
}

function write(socket: Socket, { status, headers = {}, body, isHalf }: Reply, isHead: boolean): void {
  const lines = { "Content-Length": String(body?.length ?? 0), ...headers };
  const head = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 ${status}\r\n${head.join("")}\r\n`);
  if (body === undefined || isHead) return;
  socket.write(isHalf ? body.subarray(0, body.length / 2) : body);
}

/** The reply to a request; none where the server falls silent. */
function answer(request: Request, phase: Phase, port: number): Reply | undefined {
  const { method, path } = request;
  if (path.startsWith("/token")) return token(phase);
  if (path.startsWith("/lookaside/")) return phase === "signature" ? undefined : { status: "404 Not Found" };
  if (phase === "ping" && path === "/v2/") return undefined;
  if (phase === "token" && !request.authorized) return challenge(port);
  if (path === "/v2/") return { status: "200 OK" };
  if (path.includes("/referrers/")) return phase === "referrers" ? undefined : { status: "404 Not Found" };
  if (path.includes("/tags/list")) return tags(phase);
  if (path.includes("/uploads/")) return upload(method, phase);
  if (method === "DELETE") return phase === "DELETE answer" ? undefined : { status: "202 Accepted" };
  if (path.includes("/blobs/")) return blob(path, phase);
  if (method === "PUT") return phase === "manifest PUT answer" ? undefined : { status: "201 Created" };
  return manifest(path, phase);
}

function token(phase: Phase): Reply | undefined {
  if (phase === "token") return undefined;
  return { status: "200 OK", body: Buffer.from('{"token":"abc"}') };
}

function challenge(port: number): Reply {
  const realm = `Bearer realm="http://127.0.0.1:${port}/token",service="s"`;
  return { status: "401 Unauthorized", headers: { "WWW-Authenticate": realm } };
}

function tags(phase: Phase): Reply | undefined {
  if (phase === "tags") return undefined;
  const headers = { "Content-Type": "application/json" };
  return { status: "200 OK", headers, body: Buffer.from(TAGS), isHalf: phase === "tags body" };
}

function upload(method: string, phase: Phase): Reply | undefined {
  if (phase === `upload ${method}` || phase === `upload ${method} answer`) return undefined;
  if (method === "PUT") return { status: "201 Created" };
  return { status: "202 Accepted", headers: { Location: "/v2/app/blobs/uploads/1", Range: "0-0" } };
}

function blob(path: string, phase: Phase): Reply | undefined {
  const body = IMAGE.blobs.get(path.slice(path.lastIndexOf("/") + 1));
  if (body === undefined || !path.startsWith("/v2/app/")) return { status: "404 Not Found" };
  if (phase === "blob headers") return undefined;
  return { status: "200 OK", body, isHalf: phase === "blob body" };
}

function manifest(path: string, phase: Phase): Reply | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const body = IMAGE.blobs.get(IMAGE.top.digest);
  // Referrers are looked for at the destination once the image is there.
  const isHere = path.startsWith("/v2/app/") || phase === "referrers";
  if (!isHere || !["latest", "1", IMAGE.top.digest].includes(name) || body === undefined)
    return { status: "404 Not Found" };
  if (phase === "manifest headers") return undefined;
  const headers = { "Content-Type": IMAGE.top.mediaType, "Docker-Content-Digest": IMAGE.top.digest };
  return { status: "200 OK", headers, body, isHalf: phase === "manifest body" };
}
