import {
  type FileSlice,
  type HttpServer,
  type HttpServerOptions,
  IDLE_TIMEOUT,
  type ResponseHead,
} from "./http-server.ts";

/** Serves with `Bun.serve`, which streams a request body in constant memory and sends files without copying them. */
export function startBunServer(options: HttpServerOptions): HttpServer {
  const server = Bun.serve({
    hostname: options.hostname,
    port: options.port,
    ...(options.tls === undefined ? {} : { tls: { cert: options.tls.cert, key: options.tls.key } }),
    idleTimeout: IDLE_TIMEOUT / 1000,
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    development: false,
    fetch: options.handler,
  });
  return {
    port: server.port ?? 0,
    async close(grace) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const patience = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, grace);
      });
      await Promise.race([server.stop(), patience]);
      clearTimeout(timer);
      await server.stop(true);
    },
  };
}

export function bunFileResponse({ path, start, length }: FileSlice, head: ResponseHead): Response {
  return new Response(Bun.file(path).slice(start, start + length), head);
}
