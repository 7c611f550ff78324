import type { HttpClient } from "../runtime/http.ts";
import { exchange } from "./service-client.ts";

/** A request as the AWS SDK makes it. */
export interface AwsRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface AwsResponse {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

/** What the AWS SDK sends its requests through. */
export interface AwsRequestHandler {
  handle(request: AwsRequest): Promise<{ readonly response: AwsResponse }>;
  destroy(): void;
}

/** Sends the requests of the AWS SDK as all others are sent: through the proxy, and no longer than `signal` allows. */
export function createAwsRequestHandler(client: HttpClient, signal: AbortSignal): AwsRequestHandler {
  return {
    async handle({ method, headers, body, ...parts }) {
      if (body !== undefined && typeof body !== "string" && !(body instanceof Uint8Array)) {
        throw new TypeError("a request of the AWS SDK has a body of an unexpected type");
      }
      const answer = await exchange(client, { method, url: urlOf(parts), headers, body }, signal);
      return {
        response: {
          statusCode: answer.status,
          headers: Object.fromEntries(answer.headers),
          body: answer.body,
        },
      };
    },
    destroy: () => undefined,
  };
}

function urlOf(parts: Pick<AwsRequest, "protocol" | "hostname" | "port" | "path" | "query">): string {
  const { protocol, hostname, port, path, query = {} } = parts;
  const url = new URL(`${protocol}//${hostname}${port === undefined ? "" : `:${port}`}${path}`);
  for (const [name, value] of Object.entries(query)) {
    for (const one of typeof value === "string" ? [value] : (value ?? [""]))
      url.searchParams.append(name, one);
  }
  return url.href;
}
