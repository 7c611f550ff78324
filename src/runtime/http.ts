/** What a client restricts TLS to; what is undefined is left to the runtime. */
export interface TlsRestrictions {
  readonly minVersion?: TlsVersion | undefined;
  /** OpenSSL's names, separated by colons. Those of TLS 1.3 are not subject to choice. */
  readonly ciphers?: string | undefined;
  /** OpenSSL's names of groups for the key exchange, separated by colons. */
  readonly groups?: string | undefined;
}

export type TlsVersion = "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";

/** Certificates, PEM text, and what else a client asks of TLS. */
export interface TlsMaterial {
  /** CA certificates to trust besides the system's. */
  readonly ca?: readonly string[] | undefined;
  /** A client certificate and its key. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** False accepts any certificate. */
  readonly verify: boolean;
  readonly restrictions?: TlsRestrictions | undefined;
}

/** A request body. It is opened once per attempt; only a replayable one may be opened again. */
export interface HttpBody {
  /** Bytes; sent as Content-Length. Unknown means chunked transfer coding. */
  readonly size: number | undefined;
  /** Whether `open` may be called again, for a request that has to be sent once more. */
  readonly replayable: boolean;
  /** It has a credential in it, which is for the origin of the request and for no other. */
  readonly isCredential?: boolean | undefined;
  /** Begins to read. */
  open(): AsyncIterable<Uint8Array>;
}

/** A request as it is sent. */
export interface HttpRequest {
  /** `GET`, `HEAD`, `PUT` and so on. */
  readonly method: string;
  /** Absolute. */
  readonly url: string;
  /** All of them. */
  readonly headers: Readonly<Record<string, string>>;
  /** What is sent; most requests have none. */
  readonly body?: HttpBody | undefined;
}

/** An answer, of which the body is still to come. */
export interface HttpResponse {
  /** The URL that answered, after redirects. */
  readonly url: string;
  /** Any: no status is an error here. */
  readonly status: number;
  /** All of them. */
  readonly headers: Headers;
  /** Not decoded: a Content-Encoding is the caller's business. Iterated at most once. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Frees the connection when `body` is not wanted. */
  discard(): Promise<void>;
}

/** One HTTP exchange, without following redirects. Retry, authorization and logging are functions from client to client. */
export interface HttpClient {
  /** Sends one request, and gives the answer when its headers are there. */
  send(request: HttpRequest, options?: { readonly signal?: AbortSignal | undefined }): Promise<HttpResponse>;
}

/** What a client does to reach a server. */
export interface HttpClientOptions {
  readonly tls?: TlsMaterial | undefined;
  /** The proxy for a URL, as `http://user:password@host:port`; undefined means none. */
  readonly proxyFor?: ((url: string) => string | undefined) | undefined;
  readonly unixSocket?: string | undefined;
}

/** The HTTP client of the runtime: `fetch` on Bun, `node:http` on Node, where `fetch` would hold uploads in memory. */
export async function createHttpClient(options: HttpClientOptions = {}): Promise<HttpClient> {
  if (typeof Bun !== "undefined") return (await import("./http-bun.ts")).createBunClient(options);
  return (await import("./http-node.ts")).createNodeClient(options);
}
