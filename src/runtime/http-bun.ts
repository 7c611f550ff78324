import type {
  HttpClient,
  HttpClientOptions,
  HttpResponse,
  TlsMaterial,
  TlsRestrictions,
  TlsVersion,
} from "./http.ts";
import { requestHeaders, toResponse, trackedBody } from "./http-fetch.ts";
import { trustedAuthorities } from "./trusted-authorities.ts";

/** HTTP over Bun's `fetch`: it costs start-up nothing, and streams uploads with a Content-Length in constant memory. */
export async function createBunClient(options: HttpClientOptions): Promise<HttpClient> {
  const tls = options.tls === undefined ? undefined : await tlsOptions(options.tls);
  let socksClient: Promise<HttpClient> | undefined;
  return {
    async send(request, { signal } = {}) {
      signal?.throwIfAborted();
      const proxy = options.proxyFor?.(request.url);
      if (proxy?.startsWith("socks")) {
        // `fetch` does not know these proxies.
        socksClient ??= import("./http-node.ts").then(({ createNodeClient }) => createNodeClient(options));
        return await (await socksClient).send(request, { signal });
      }
      const upload = request.body === undefined ? undefined : trackedBody(request.body.open());
      const leaving = new AbortController();
      try {
        const exchange = (): Promise<Response> =>
          fetch(request.url, {
            method: request.method,
            headers: requestHeaders(request),
            redirect: "manual",
            decompress: false,
            signal: signal === undefined ? leaving.signal : AbortSignal.any([signal, leaving.signal]),
            ...(tls === undefined ? {} : { tls }),
            ...(proxy === undefined ? {} : { proxy }),
            ...(options.unixSocket === undefined ? {} : { unix: options.unixSocket }),
            ...(upload === undefined ? {} : { body: upload.stream }),
          });
        const response = await (proxy === undefined ? withoutProxyVariables(exchange) : exchange());
        const answer = toResponse(request, response);
        return upload === undefined || upload.isComplete() ? answer : endingExchange(answer, leaving);
      } catch (error) {
        throw upload?.failure() ?? error;
      }
    },
  };
}

const PROXY_VARIABLES = [
  "HTTP_PROXY",
  "http_proxy",
  "HTTPS_PROXY",
  "https_proxy",
  "ALL_PROXY",
  "all_proxy",
] as const;

/** `fetch` follows these variables by rules of its own, also to the local host, and reads them when it is called. */
function withoutProxyVariables<T>(call: () => T): T {
  const { env } = process;
  const kept = PROXY_VARIABLES.flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : [{ name, value }];
  });
  if (kept.length === 0) return call();
  for (const { name } of kept) delete env[name];
  try {
    return call();
  } finally {
    for (const { name, value } of kept) env[name] = value;
  }
}

/** A server that answers before it has read the upload wants no more of it: once it is heard, the exchange is over. */
function endingExchange(answer: HttpResponse, leaving: AbortController): HttpResponse {
  async function* body(): AsyncIterable<Uint8Array> {
    try {
      yield* answer.body;
    } finally {
      leaving.abort();
    }
  }
  return { ...answer, body: body(), discard: async () => leaving.abort() };
}

async function tlsOptions(material: TlsMaterial): Promise<Bun.TLSOptions & { rejectUnauthorized: boolean }> {
  return {
    rejectUnauthorized: material.verify,
    ...(material.ca === undefined || material.ca.length === 0
      ? {}
      : { ca: await trustedAuthorities(material.ca) }),
    ...(material.cert === undefined ? {} : { cert: material.cert }),
    ...(material.key === undefined ? {} : { key: material.key }),
    ...restrictionOptions(material.restrictions),
  };
}

/** As they are numbered on the wire, which is how `fetch` takes them. RFC 8446, section 4.2.1. */
const VERSION_NUMBERS: Readonly<Record<TlsVersion, number>> = {
  TLSv1: 0x0301,
  "TLSv1.1": 0x0302,
  "TLSv1.2": 0x0303,
  "TLSv1.3": 0x0304,
};

function restrictionOptions(restrictions: TlsRestrictions = {}): object {
  const { minVersion, ciphers, groups } = restrictions;
  return {
    ...(minVersion === undefined ? {} : { minVersion: VERSION_NUMBERS[minVersion] }),
    ...(ciphers === undefined ? {} : { ciphers }),
    ...(groups === undefined ? {} : { ecdhCurve: groups }),
  };
}
