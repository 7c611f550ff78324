import { ImageError } from "../core/errors.ts";
import type { HttpClient, HttpRequest } from "../runtime/http.ts";
import { withoutQuery } from "./network-error.ts";

const MAX_REDIRECTS = 10;

/**
 * Follows redirects. Credentials are sent to the origin that they are meant for and to no other: not to another
 * host, port or scheme. RFC 9110, section 15.4.
 * @throws {ImageError} REGISTRY_FAILURE when they do not end, lead away from HTTPS, or a body with a credential elsewhere
 */
export function withRedirects(client: HttpClient): HttpClient {
  return {
    async send(request, options) {
      let current = request;
      for (let count = 0; ; count++) {
        const response = await client.send(current, options);
        const location = response.headers.get("location");
        if (!isRedirect(response.status) || location === null) return response;
        await response.discard();
        if (count === MAX_REDIRECTS) {
          throw new ImageError(
            "REGISTRY_FAILURE",
            `${request.method} ${withoutQuery(request.url)}: stopped after ${MAX_REDIRECTS} redirects`,
          );
        }
        current = redirected(current, response.status, location);
      }
    },
  };
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

function redirected(request: HttpRequest, status: number, location: string): HttpRequest {
  const from = new URL(request.url);
  const to = parseLocation(from, location);
  if (from.protocol === "https:" && to.protocol === "http:") {
    throw new ImageError(
      "REGISTRY_FAILURE",
      `${request.method} ${withoutQuery(request.url)}: refusing to be redirected from HTTPS to ${to.protocol}//${to.host}`,
    );
  }
  const headers = from.origin === to.origin ? request.headers : withoutAuthorization(request.headers);
  const keepsMethod =
    status === 307 || status === 308 || request.method === "GET" || request.method === "HEAD";
  if (keepsMethod) {
    if (request.body?.isCredential && from.origin !== to.origin) {
      throw new ImageError(
        "REGISTRY_FAILURE",
        `${request.method} ${withoutQuery(request.url)}: refusing to take a credential along to ${to.host}, to which it is redirected`,
      );
    }
    if (request.body !== undefined && !request.body.replayable) {
      throw new ImageError(
        "REGISTRY_FAILURE",
        `${to.host}: an upload that is under way cannot be redirected`,
      );
    }
    return { ...request, url: to.href, headers };
  }
  return { method: "GET", url: to.href, headers };
}

function parseLocation(from: URL, location: string): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (to === undefined || (to.protocol !== "https:" && to.protocol !== "http:")) {
    throw new ImageError("REGISTRY_FAILURE", `${from.host} redirects to an unusable address`);
  }
  return to;
}

export function withoutAuthorization(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => name.toLowerCase() !== "authorization"),
  );
}
