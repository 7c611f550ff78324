import { ImageError } from "../core/errors.ts";
import type { HttpClient } from "../runtime/http.ts";
import { networkError, withoutQuery } from "./network-error.ts";

/** Words failures of a proxy as its own: what a registry says and what a proxy says ask for different remedies. */
export function withProxyErrors(
  client: HttpClient,
  proxyFor: (url: string) => string | undefined,
): HttpClient {
  return {
    async send(request, options) {
      const proxy = proxyFor(request.url);
      if (proxy === undefined) return await client.send(request, options);
      const { host, protocol } = new URL(proxy);
      try {
        const response = await client.send(request, options);
        if (response.status !== 407) return response;
        await response.discard();
      } catch (error) {
        if (!isProxyRefusal(error)) {
          const isAboutProxy = protocol === "https:" || !isAboutCertificateName(error);
          throw networkError(request.method, request.url, error, isAboutProxy ? `proxy ${host}` : undefined);
        }
      }
      throw new ImageError(
        "UNAUTHORIZED",
        `${request.method} "${withoutQuery(request.url)}": the proxy ${host} answered 407 Proxy Authentication ` +
          "Required; the variable that names the proxy may hold a user and password: http://USER:PASSWORD@HOST:PORT",
      );
    },
  };
}

/** Bun's `fetch` reports an answer of 407 to CONNECT as a failure. */
function isProxyRefusal(error: unknown): boolean {
  return error instanceof Error && error.message.includes("407");
}

/** A proxy that speaks plain HTTP shows no certificate: the one that it tunnels to has the wrong name. */
function isAboutCertificateName(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_TLS_CERT_ALTNAME_INVALID";
}
