import type { TokenCredentialOptions } from "@azure/identity";
import type { HttpClient } from "../runtime/http.ts";
import { exchange } from "./service-client.ts";

/** What the Azure SDK sends its requests through. */
export type AzureHttpClient = NonNullable<TokenCredentialOptions["httpClient"]>;
type AzureHeaders = Awaited<ReturnType<AzureHttpClient["sendRequest"]>>["headers"];

/**
 * Sends the requests of the Azure SDK as all others are sent: through the proxy, and no longer than `signal` allows.
 * `onFailure` is told why a request had no answer, which the SDK keeps to itself.
 */
export function createAzureHttpClient(
  client: HttpClient,
  signal: AbortSignal,
  onFailure: (error: unknown) => void,
): AzureHttpClient {
  return {
    async sendRequest(request) {
      const { method, url, body } = request;
      if (body != null && typeof body !== "string") {
        throw new TypeError("a request of the Azure SDK has a body of an unexpected type");
      }
      const headers = request.headers.toJSON({ preserveCase: true });
      const outgoing = { method, url, headers, body: body ?? undefined };
      const answer = await exchange(client, outgoing, signal).catch((error: unknown) => {
        onFailure(error);
        throw error;
      });
      return {
        request,
        status: answer.status,
        headers: toAzureHeaders(answer.headers),
        bodyAsText: new TextDecoder().decode(answer.body),
      };
    },
  };
}

/** The SDK has headers of its own, which its public part cannot make. */
function toAzureHeaders(headers: Headers): AzureHeaders {
  return {
    get: (name) => headers.get(name) ?? undefined,
    has: (name) => headers.has(name),
    set: (name, value) => headers.set(name, String(value)),
    delete: (name) => headers.delete(name),
    toJSON: () => Object.fromEntries(headers),
    [Symbol.iterator]: () => headers[Symbol.iterator](),
  };
}
