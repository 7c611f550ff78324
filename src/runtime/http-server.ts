/** Answers one request. It must not throw: what is wrong with a request is said in a response. */
export type RequestHandler = (request: Request) => Promise<Response>;

export interface HttpServerOptions {
  /** An address of this machine, or a name that resolves to one. */
  readonly hostname: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Certificate chain and private key, PEM text. Without it the server speaks plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly handler: RequestHandler;
}

/** A server that is accepting connections. */
export interface HttpServer {
  readonly port: number;
  /** Accepts nothing more, gives requests in flight `grace` milliseconds to finish, then closes their connections. */
  close(grace: number): Promise<void>;
}

/** A part of a file, in bytes. */
export interface FileSlice {
  readonly path: string;
  readonly start: number;
  readonly length: number;
}

/** A response but its body. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** A connection on which nothing has moved for this long is closed, in milliseconds. */
export const IDLE_TIMEOUT: number = 240_000;

/**
 * Listens with the server of the runtime: `Bun.serve` on Bun, `node:http(s)` on Node. Bodies are streamed both ways and
 * have no size limit here. Rejects with the system's error when it cannot listen or the certificate is unusable.
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  if (typeof Bun !== "undefined") return (await import("./http-server-bun.ts")).startBunServer(options);
  return (await import("./http-server-node.ts")).startNodeServer(options);
}

/** A response whose body is part of a file, sent by the fastest way the runtime has. The file must exist. */
export async function fileResponse(slice: FileSlice, head: ResponseHead): Promise<Response> {
  if (typeof Bun !== "undefined") return (await import("./http-server-bun.ts")).bunFileResponse(slice, head);
  return (await import("./http-server-node.ts")).nodeFileResponse(slice, head);
}
