import {
  type ClientRequest,
  type IncomingMessage,
  Agent as PlainAgent,
  request as plainRequest,
} from "node:http";
import { Agent as TlsAgent, request as tlsRequest } from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { HttpBody, HttpClient, HttpClientOptions, HttpRequest, HttpResponse } from "./http.ts";
import { trustedAuthorities } from "./trusted-authorities.ts";

/** HTTP over `node:http(s)`: Node's `fetch` holds a whole upload in memory, this one streams it. */
export async function createNodeClient(options: HttpClientOptions): Promise<HttpClient> {
  const { tls } = options;
  const plain = new PlainAgent({ keepAlive: true });
  const secure = new TlsAgent({
    keepAlive: true,
    ...(tls === undefined ? {} : { rejectUnauthorized: tls.verify }),
    ...(tls?.ca === undefined || tls.ca.length === 0 ? {} : { ca: await trustedAuthorities(tls.ca) }),
    ...(tls?.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls?.key === undefined ? {} : { key: tls.key }),
  });
  return {
    async send(request, { signal } = {}) {
      if (options.proxyFor?.(request.url) !== undefined) {
        throw new Error(
          "an HTTP proxy needs Bun or the skopeo binary: Node's http module has no proxy support",
        );
      }
      const isSecure = request.url.startsWith("https:");
      const outgoing = (isSecure ? tlsRequest : plainRequest)(request.url, {
        method: request.method,
        headers: requestHeaders(request),
        agent: isSecure ? secure : plain,
        ...(signal === undefined ? {} : { signal }),
        ...(options.unixSocket === undefined ? {} : { socketPath: options.unixSocket }),
      });
      return await exchange(request, outgoing);
    },
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
