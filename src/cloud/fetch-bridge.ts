import type { HttpClient } from "../runtime/http.ts";
import { exchange } from "./service-client.ts";

/** A `fetch` that sends its requests as all others are sent: through the proxy, and no longer than `signal` allows. */
export function createFetch(client: HttpClient, signal: AbortSignal, userAgent: string): typeof fetch {
  const send = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const url = input instanceof Request ? input.url : String(input);
    const { method = "GET", headers = {}, body = null } = init ?? {};
    const request = new Request(url, { method, headers, body });
    const bytes = new Uint8Array(await request.arrayBuffer());
    const outgoing = {
      method,
      url: request.url,
      headers: { ...Object.fromEntries(request.headers), "user-agent": userAgent },
      body: bytes.length === 0 ? undefined : bytes,
    };
    const answer = await exchange(client, outgoing, signal);
    const isEmpty = answer.status === 204 || answer.status === 304;
    return new Response(isEmpty ? null : answer.body, { status: answer.status, headers: answer.headers });
  };
  // What types call `fetch` has this on Bun as well.
  return Object.assign(send, { preconnect: fetch.preconnect });
}
