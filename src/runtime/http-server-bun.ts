import {
  type FileSlice,
  type HttpServer,
  type HttpServerOptions,
  IDLE_TIMEOUT,
  type ResponseHead,
} from "./http-server.ts";

/** How often requests in flight are counted when the server ends, in milliseconds. */
const POLL_EVERY = 10;

/** Serves with `Bun.serve`, which streams a request body in constant memory and sends files without copying them. */
export function startBunServer(options: HttpServerOptions): HttpServer {
  const server = Bun.serve({
    hostname: options.hostname,
    port: options.port,
    ...(options.tls === undefined ? {} : { tls: { cert: options.tls.cert, key: options.tls.key } }),
    idleTimeout: IDLE_TIMEOUT / 1000,
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    development: false,
    // Without development mode Bun would share the port with whoever else listens on it.
    reusePort: false,
    fetch: options.handler,
  });
  return {
    port: server.port ?? 0,
    async close(grace) {
      // Its promise also waits for clients that keep a connection open with nothing to say.
      void server.stop();
      const deadline = performance.now() + grace;
      while (server.pendingRequests > 0 && performance.now() < deadline) await sleep(POLL_EVERY);
      await server.stop(true);
    },
  };
}

/** A file as Bun sends it itself. */
export function bunFileResponse({ path, start, length }: FileSlice, head: ResponseHead): Response {
  return new Response(Bun.file(path).slice(start, start + length), head);
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
