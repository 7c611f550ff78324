import { startHttpServer } from "../runtime/http-server.ts";
import { createRegistryHandler, type RegistryHandlerOptions } from "./handler.ts";

/** How long requests in flight may go on when the registry ends, in milliseconds. */
const GRACE = 5_000;

/** What a server is made of. */
export interface RegistryServerOptions extends RegistryHandlerOptions {
  /** Without it 127.0.0.1. */
  readonly hostname?: string | undefined;
  /** Without it, or with 0, a free one. */
  readonly port?: number | undefined;
  /** Certificate chain and private key, PEM text. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
}

/** A registry that answers. Disposing it ends the server and then disposes its store. */
export interface RegistryServer extends AsyncDisposable {
  /** `127.0.0.1:5000`, as in image names. */
  readonly address: string;
  /** `http://127.0.0.1:5000`, or with `https` */
  readonly url: string;
}

/** Serves a store as a registry. Rejects with the system's error when it cannot listen. */
export async function startRegistry(options: RegistryServerOptions): Promise<RegistryServer> {
  const { hostname = "127.0.0.1", port = 0, tls, store } = options;
  const server = await startHttpServer({ hostname, port, tls, handler: createRegistryHandler(options) });
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  const address = `${host}:${server.port}`;
  return {
    address,
    url: `${tls === undefined ? "http" : "https"}://${address}`,
    async [Symbol.asyncDispose]() {
      await server.close(GRACE);
      await store[Symbol.asyncDispose]();
    },
  };
}
