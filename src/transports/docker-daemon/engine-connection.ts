import { type ExchangeRecord, withExchangeLog } from "../../registry/exchange-log.ts";
import { withStallGuard } from "../../registry/stall-guard.ts";
import { createHttpClient, type HttpClient, type HttpClientOptions } from "../../runtime/http.ts";
import type { DaemonEndpoint } from "./daemon-host.ts";

export interface EngineConnectionOptions {
  readonly endpoint: DaemonEndpoint;
  /** After how long without a byte a daemon that should answer at once counts as dead, in milliseconds. */
  readonly stallTimeout: number;
  /** The proxy for a URL; not asked for sockets. */
  readonly proxyFor?: HttpClientOptions["proxyFor"];
  /** Told of each request. */
  readonly onExchange?: ((record: ExchangeRecord) => void) | undefined;
}

/** The two ways to wait for a daemon: one at work on a large image is silent for long, one that is pinged is not. */
export interface EngineConnection {
  readonly prompt: HttpClient;
  readonly patient: HttpClient;
}

/**
 * How many times longer the network may be silent while a daemon packs an image or stores one. A daemon at a socket
 * cannot get lost, so it is waited for without end.
 */
const TRANSFER_PATIENCE = 10;

/** Connects when the first request is sent, not before. */
export async function connectToEngine(options: EngineConnectionOptions): Promise<EngineConnection> {
  const { endpoint, stallTimeout, onExchange } = options;
  const base = await createClient(endpoint, options.proxyFor);
  const logged = onExchange === undefined ? base : withExchangeLog(base, onExchange);
  const isRemote = endpoint.unixSocket === undefined && endpoint.windowsPipe === undefined;
  return {
    prompt: withStallGuard(logged, stallTimeout),
    patient: isRemote ? withStallGuard(logged, stallTimeout * TRANSFER_PATIENCE) : logged,
  };
}

async function createClient(
  { unixSocket, windowsPipe, tls }: DaemonEndpoint,
  proxyFor: HttpClientOptions["proxyFor"],
): Promise<HttpClient> {
  if (unixSocket !== undefined) return await createHttpClient({ unixSocket });
  if (windowsPipe === undefined) return await createHttpClient({ tls, proxyFor });
  // Nobody's `fetch` knows the named pipes of Windows.
  return await (await import("../../runtime/http-node.ts")).createNodeClient({ unixSocket: windowsPipe });
}
