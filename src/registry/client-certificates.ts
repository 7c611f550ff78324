import type { HttpClient, HttpRequest, HttpResponse } from "../runtime/http.ts";
import { NetworkError, networkError } from "./network-error.ts";

/**
 * One client out of several that differ in the certificate that they offer: the first that the server does not turn
 * away, found out with the first request and kept. A TLS library offers one certificate, whatever authorities the
 * server names; so each gets its try.
 */
export function withClientCertificates(clients: readonly HttpClient[]): HttpClient {
  let current = 0;
  let isSettled = clients.length < 2;
  const send = async (
    request: HttpRequest,
    options?: Parameters<HttpClient["send"]>[1],
  ): Promise<HttpResponse> => {
    const tried = current;
    const client = clients[tried];
    if (client === undefined) throw new TypeError("a connection needs a client");
    try {
      const response = await client.send(request, options);
      isSettled = true;
      return response;
    } catch (error) {
      const mayRepeat = request.body === undefined || request.body.replayable;
      if (isSettled || !mayRepeat || !isRefusal(networkError(request.method, request.url, error)))
        throw error;
      // Another request may have gone on to the next certificate meanwhile.
      if (current === tried) {
        if (tried + 1 === clients.length) throw error;
        current = tried + 1;
      }
      return await send(request, options);
    }
  };
  return { send };
}

/** With TLS 1.3 a server refuses a certificate only after the handshake, and the connection breaks. */
function isRefusal(error: unknown): boolean {
  return error instanceof NetworkError && (error.isHandshakeFailure || error.isBrokenConnection);
}
