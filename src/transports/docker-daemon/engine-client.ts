import type { ByteStream, OperationOptions } from "../../core/byte-stream.ts";
import { ImageError, inContext, withContext } from "../../core/errors.ts";
import { NetworkError } from "../../registry/network-error.ts";
import type { HttpBody, HttpResponse } from "../../runtime/http.ts";
import { type ApiVersion, chooseApiVersion, NEWEST_API_VERSION } from "./api-version.ts";
import { connectError } from "./connect-error.ts";
import type { DaemonEndpoint } from "./daemon-host.ts";
import { connectToEngine, type EngineConnection, type EngineConnectionOptions } from "./engine-connection.ts";
import { errorFromAnswer, isWebPage, webPageError } from "./engine-error.ts";
import { checkLoadReply, wordReported } from "./load-reply.ts";
import { type DaemonReference, formatDaemonReference } from "./reference.ts";

export interface EngineClientOptions extends EngineConnectionOptions {
  readonly userAgent: string;
}

/** An image as `docker save` would write it, on its way here. Disposed even when `bytes` was never iterated. */
export interface ExportedImage extends AsyncDisposable {
  /** A tar archive, iterated at most once. */
  readonly bytes: ByteStream;
}

/**
 * A daemon with Docker's Engine API: Docker's own, or Podman's. Finds out the version to speak before the first
 * request. Nothing is tried twice. transports.md 5.2 and 5.3.
 */
export class EngineClient {
  readonly #options: EngineClientOptions;
  #connection: Promise<EngineConnection> | undefined;
  #version: Promise<ApiVersion> | undefined;

  constructor(options: EngineClientOptions) {
    this.#options = options;
  }

  /**
   * Opens an image for reading. The daemon may take its time to pack it before the first byte.
   * @throws {ImageError} NOT_FOUND, NETWORK_FAILURE, DENIED, STORAGE_FAILURE; reading may give NETWORK_FAILURE
   */
  async exportImage(reference: DaemonReference, options: OperationOptions = {}): Promise<ExportedImage> {
    const context = "loading image from docker engine";
    return await inContext(context, async () => {
      const version = await this.apiVersion(options);
      const name = encodeURIComponent(formatDaemonReference(reference));
      const request = this.#request("GET", `/v${version}/images/get?names=${name}`);
      const response = await this.#send("patient", request, options);
      const { endpoint } = this.#options;
      if (response.status !== 200) {
        throw await errorFromAnswer(
          response,
          endpoint,
          (message) => `Error response from daemon: ${message}`,
        );
      }
      await refuseWebPage(response, endpoint);
      return exported(response, async (error) =>
        withContext(context, await this.#failure(request, error, options)),
      );
    });
  }

  /**
   * Stores the images of a tar archive such as `docker save` writes, which is consumed to its end. If `tar` fails, the
   * daemon stores nothing, and the failure is passed on as it is.
   * @throws {ImageError} NETWORK_FAILURE, DENIED, STORAGE_FAILURE
   */
  async loadImage(tar: ByteStream, options: OperationOptions = {}): Promise<void> {
    const upload = tracked(tar);
    try {
      const response = await this.#load(upload.bytes, options);
      await checkLoadReply(this.#reply(response, options));
    } catch (error) {
      throw upload.failure()?.error ?? error;
    }
  }

  /** The version of the API that is spoken with the daemon, `1.NN`. */
  async apiVersion(options: OperationOptions = {}): Promise<ApiVersion> {
    const { apiVersion } = this.#options.endpoint;
    if (apiVersion !== undefined) return apiVersion;
    this.#version ??= this.#negotiate(options);
    const pending = this.#version;
    try {
      return await pending;
    } catch (error) {
      if (this.#version === pending) this.#version = undefined;
      throw error;
    }
  }

  async #load(tar: ByteStream, options: OperationOptions): Promise<HttpResponse> {
    const body: HttpBody = { size: undefined, replayable: false, open: () => tar };
    const response = await inContext("saving image to docker engine", async () => {
      const version = await this.apiVersion(options);
      const request = this.#request("POST", `/v${version}/images/load?quiet=1`);
      const headers = { ...request.headers, "Content-Type": "application/x-tar" };
      return await this.#send("patient", { ...request, headers, body }, options);
    });
    const { endpoint } = this.#options;
    if (response.status !== 200) throw await errorFromAnswer(response, endpoint, wordReported);
    await refuseWebPage(response, endpoint);
    return response;
  }

  async *#reply(response: HttpResponse, options: OperationOptions): ByteStream {
    try {
      yield* response.body;
    } catch (error) {
      const request = { method: "POST", url: response.url };
      throw withContext("saving image to docker engine", await this.#failure(request, error, options));
    }
  }

  /** Servers and proxies that do not know HEAD here may know GET. */
  async #negotiate(options: OperationOptions): Promise<ApiVersion> {
    for (const method of ["HEAD", "GET"]) {
      const response = await this.#ping(method, options);
      if (response === undefined) continue;
      const { status, headers } = response;
      if (status === 200 && !headers.has("api-version")) {
        await refuseWebPage(response, this.#options.endpoint);
      }
      await response.discard();
      if (status === 200) return chooseApiVersion(headers.get("api-version"));
      if (status === 500) break;
    }
    return NEWEST_API_VERSION;
  }

  /** Undefined where the server broke the connection, as some do for a HEAD. */
  async #ping(method: string, options: OperationOptions): Promise<HttpResponse | undefined> {
    try {
      return await this.#send("prompt", this.#request(method, "/_ping"), options);
    } catch (error) {
      const cause = error instanceof ImageError ? error.cause : undefined;
      const isBroken = cause instanceof NetworkError && cause.isBrokenConnection;
      if (isBroken && method === "HEAD" && cause.systemCode !== "ETIMEDOUT") return undefined;
      throw error;
    }
  }

  #request(method: string, path: string): EngineRequest {
    const { endpoint, userAgent } = this.#options;
    return { method, url: `${endpoint.baseUrl}${path}`, headers: { "User-Agent": userAgent } };
  }

  async #send(
    manner: keyof EngineConnection,
    request: EngineRequest & { readonly body?: HttpBody },
    options: OperationOptions,
  ): Promise<HttpResponse> {
    try {
      this.#connection ??= connectToEngine(this.#options);
      return await (await this.#connection)[manner].send(request, options);
    } catch (error) {
      throw await this.#failure(request, error, options);
    }
  }

  async #failure(
    request: Pick<EngineRequest, "method" | "url">,
    error: unknown,
    { signal }: OperationOptions,
  ): Promise<unknown> {
    return signal?.aborted ? signal.reason : await connectError(this.#options.endpoint, request, error);
  }
}

interface EngineRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Some web servers answer every request with their start page. */
async function refuseWebPage(response: HttpResponse, endpoint: DaemonEndpoint): Promise<void> {
  if (!isWebPage(response)) return;
  await response.discard();
  throw webPageError(response.status, endpoint);
}

function exported(response: HttpResponse, describe: (error: unknown) => Promise<unknown>): ExportedImage {
  let isRead = false;
  async function* bytes(): ByteStream {
    isRead = true;
    try {
      yield* response.body;
    } catch (error) {
      throw await describe(error);
    }
  }
  return {
    bytes: bytes(),
    async [Symbol.asyncDispose]() {
      if (!isRead) await response.discard();
    },
  };
}

/**
 * Keeps the failure of a stream: what sends it may report only that its connection broke. What a sender throws into the
 * stream to end it is no failure of the stream.
 */
function tracked(stream: ByteStream): {
  readonly bytes: ByteStream;
  readonly failure: () => { readonly error: unknown } | undefined;
} {
  let failure: { readonly error: unknown } | undefined;
  async function* bytes(): ByteStream {
    const iterator = stream[Symbol.asyncIterator]();
    const next = async (): Promise<IteratorResult<Uint8Array, unknown>> => {
      try {
        return await iterator.next();
      } catch (error) {
        failure = { error };
        throw error;
      }
    };
    try {
      for (let result = await next(); !result.done; result = await next()) yield result.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { bytes: bytes(), failure: () => failure };
}
