import {
  type ClientRequest,
  type IncomingMessage,
  Agent as PlainAgent,
  request as plainRequest,
} from "node:http";
import { Agent as TlsAgent, request as tlsRequest } from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { SecureContextOptions } from "node:tls";
import type {
  HttpBody,
  HttpClient,
  HttpClientOptions,
  HttpRequest,
  HttpResponse,
  TlsMaterial,
} from "./http.ts";
import { trustedAuthorities } from "./trusted-authorities.ts";

/** HTTP over `node:http(s)`: Node's `fetch` holds a whole upload in memory, this one streams it. */
export async function createNodeClient(options: HttpClientOptions): Promise<HttpClient> {
  const tls = await tlsOptions(options.tls);
  const direct: Agents = {
    plain: new PlainAgent({ keepAlive: true }),
    secure: new TlsAgent({ keepAlive: true, ...tls }),
  };
  const proxied = new Map<string, Promise<Agents>>();
  const agentsFor = async (url: string): Promise<Agents> => {
    const proxy = options.proxyFor?.(url);
    if (proxy === undefined) return direct;
    const known = proxied.get(proxy) ?? proxyAgents(proxy);
    proxied.set(proxy, known);
    return await known;
  };
  return {
    async send(request, { signal } = {}) {
      signal?.throwIfAborted();
      const isSecure = request.url.startsWith("https:");
      const agents = await agentsFor(request.url);
      const outgoing = (isSecure ? tlsRequest : plainRequest)(request.url, {
        method: request.method,
        headers: requestHeaders(request),
        ...(isSecure ? { agent: agents.secure, ...tls } : { agent: agents.plain }),
        ...(signal === undefined ? {} : { signal }),
        ...(options.unixSocket === undefined ? {} : { socketPath: options.unixSocket }),
      });
      return await exchange(request, outgoing);
    },
  };
}

/** Who makes the connections, for `http:` and `https:` URLs. */
interface Agents {
  readonly plain: PlainAgent;
  readonly secure: PlainAgent;
}

/** The user and password of a proxy's URL become its authorization. */
async function proxyAgents(proxy: string): Promise<Agents> {
  if (proxy.startsWith("socks")) {
    const { SocksProxyAgent } = await import("socks-proxy-agent");
    // The proxy looks names up: those it is for are often known to nobody else.
    const agent = new SocksProxyAgent(proxy.replace(/^socks5:/, "socks5h:"), { keepAlive: true });
    return { plain: agent, secure: agent };
  }
  const [{ HttpProxyAgent }, { HttpsProxyAgent }] = await Promise.all([
    import("http-proxy-agent"),
    import("https-proxy-agent"),
  ]);
  return {
    plain: new HttpProxyAgent(proxy, { keepAlive: true }),
    secure: new HttpsProxyAgent(proxy, { keepAlive: true }),
  };
}

async function tlsOptions(
  material: TlsMaterial | undefined,
): Promise<SecureContextOptions & { rejectUnauthorized?: boolean }> {
  if (material === undefined) return {};
  const { verify, ca, cert, key, restrictions = {} } = material;
  const { minVersion, ciphers, groups } = restrictions;
  return {
    rejectUnauthorized: verify,
    ...(ca === undefined || ca.length === 0 ? {} : { ca: await trustedAuthorities(ca) }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(minVersion === undefined ? {} : { minVersion }),
    ...(ciphers === undefined ? {} : { ciphers }),
    ...(groups === undefined ? {} : { ecdhCurve: groups }),
  };
}

function requestHeaders(request: HttpRequest): Record<string, string> {
  const { body } = request;
  const length = body === undefined ? undefined : body.size;
  return length === undefined
    ? { ...request.headers }
    : { ...request.headers, "Content-Length": `${length}` };
}

/** Sends the body and waits for the answer; whichever comes or fails first decides. */
async function exchange(request: HttpRequest, outgoing: ClientRequest): Promise<HttpResponse> {
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once("response", resolve);
    outgoing.once("error", reject);
  });
  const sent = sendBody(request.body, outgoing);
  const sendFailure = sent.then(() => new Promise<never>(() => undefined));
  const message = await Promise.race([answered, sendFailure]);
  sent.catch(() => undefined);
  // An answer that came before the upload was complete ends the upload, too.
  message.once("close", () => outgoing.writableFinished || outgoing.destroy());
  return {
    url: request.url,
    status: message.statusCode ?? 0,
    headers: new Headers(headerPairs(message)),
    body: message,
    discard: async () => {
      // Reading a short body to its end keeps the connection.
      const length = Number(message.headers["content-length"] ?? Number.POSITIVE_INFINITY);
      if (length <= 64 * 1024 || request.method === "HEAD") message.resume();
      else message.destroy();
    },
  };
}

async function sendBody(body: HttpBody | undefined, outgoing: ClientRequest): Promise<void> {
  if (body === undefined) outgoing.end();
  else await pipeline(Readable.from(body.open(), { objectMode: false }), outgoing);
}

function headerPairs(message: IncomingMessage): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < message.rawHeaders.length; i += 2) {
    pairs.push([message.rawHeaders[i] ?? "", message.rawHeaders[i + 1] ?? ""]);
  }
  return pairs;
}
