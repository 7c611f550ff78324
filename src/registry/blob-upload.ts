import type { ByteStream, OperationOptions } from "../core/byte-stream.ts";
import { createDigester, type Digest } from "../core/digest.ts";
import { ImageError, inContext } from "../core/errors.ts";
import type { StoredBlob } from "../core/image.ts";
import type { HttpBody, HttpResponse } from "../runtime/http.ts";
import type { RegistryConnection } from "./connection.ts";
import { errorFromResponse } from "./registry-error.ts";

const OCTETS: Readonly<Record<string, string>> = { "Content-Type": "application/octet-stream" };

/** A repository that blobs are pushed to. */
export class BlobUploader {
  readonly #connection: RegistryConnection;
  readonly #repository: string;
  /** Turned on by a registry that refuses a blob in the closing PUT. */
  #needsPatch = false;

  constructor(connection: RegistryConnection, repository: string) {
    this.#connection = connection;
    this.#repository = repository;
  }

  /**
   * Asks the registry to take a blob over from another of its repositories. Whether it did.
   * Distribution spec 1.1, "Mounting a blob from another repository".
   */
  async mount(digest: Digest, from: string, options: OperationOptions = {}): Promise<boolean> {
    const target = `${this.#uploads}?mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(from)}`;
    const response = await this.#connection.send(
      {
        method: "POST",
        target,
        repository: this.#repository,
        action: "push",
        mountFrom: from,
        ...NO_CONTENT,
      },
      options,
    );
    await response.discard();
    const location = response.headers.get("location");
    if (response.status === 202 && location !== null) await this.#cancel(location, options);
    return response.status === 201;
  }

  /**
   * Uploads one blob. With digest and size known it goes in one streaming PUT; otherwise, and where the registry does
   * not take that, as a PATCH and a closing PUT. The bytes must have the `digest` given: the caller has them checked
   * while they stream. Distribution spec 1.1, "Pushing a blob monolithically", "Pushing a blob in chunks".
   * @throws {ImageError} transient when the same blob may be sent once more
   */
  async upload(
    bytes: ByteStream,
    blob: { readonly digest?: Digest | undefined; readonly size?: number | undefined },
    options: OperationOptions = {},
  ): Promise<StoredBlob> {
    const location = await this.#start(options);
    try {
      if (blob.digest === undefined || blob.size === undefined || this.#needsPatch) {
        return await this.#patch(location, bytes, blob, options);
      }
      return await this.#put(location, bytes, { digest: blob.digest, size: blob.size }, options);
    } catch (error) {
      // The session is worthless now. Its end is not waited for: the failure is what the caller needs to know.
      void this.#cancel(location, {}).catch(() => undefined);
      throw error;
    }
  }

  get #uploads(): string {
    return `/v2/${this.#repository}/blobs/uploads/`;
  }

  async #start(options: OperationOptions): Promise<string> {
    const { registry } = this.#connection;
    return await inContext(`initiating layer upload to ${this.#uploads} in ${registry}`, async () => {
      const response = await this.#connection.send(
        {
          method: "POST",
          target: this.#uploads,
          repository: this.#repository,
          action: "push",
          ...NO_CONTENT,
        },
        options,
      );
      return await nextLocation(response, [202]);
    });
  }

  async #put(
    location: string,
    bytes: ByteStream,
    blob: StoredBlob,
    options: OperationOptions,
  ): Promise<StoredBlob> {
    return await inContext("uploading layer", async () => {
      const body: HttpBody = { size: blob.size, replayable: false, open: () => bytes };
      const response = await this.#send("PUT", withDigest(location, blob.digest), options, {
        headers: OCTETS,
        body,
      });
      if (response.status === 201) {
        await response.discard();
        return blob;
      }
      const error = await errorFromResponse(response);
      if (!WANTS_PATCH.has(response.status)) throw error;
      this.#needsPatch = true;
      throw new ImageError(error.code, error.message, { cause: error, transient: true });
    });
  }

  async #patch(
    location: string,
    bytes: ByteStream,
    blob: { readonly digest?: Digest | undefined; readonly size?: number | undefined },
    options: OperationOptions,
  ): Promise<StoredBlob> {
    return await inContext("uploading layer chunked", async () => {
      const digester = createDigester();
      let size = 0;
      async function* measured(): ByteStream {
        for await (const chunk of bytes) {
          if (blob.digest === undefined) digester.update(chunk);
          size += chunk.length;
          yield chunk;
        }
      }
      const body: HttpBody = { size: blob.size, replayable: false, open: measured };
      const patched = await this.#send("PATCH", location, options, { headers: OCTETS, body });
      const last = await nextLocation(patched, [202, 200, 201, 204]);
      const digest = blob.digest ?? digester.digest();
      const closed = await this.#send("PUT", withDigest(last, digest), options, NO_CONTENT);
      if (closed.status !== 201) throw await errorFromResponse(closed);
      await closed.discard();
      return { digest, size };
    });
  }

  async #cancel(location: string, options: OperationOptions): Promise<void> {
    const response = await this.#send("DELETE", location, options, {});
    await response.discard();
  }

  async #send(
    method: string,
    target: string,
    options: OperationOptions,
    content: { readonly headers?: Readonly<Record<string, string>>; readonly body?: HttpBody },
  ): Promise<HttpResponse> {
    return await this.#connection.send(
      { method, target, repository: this.#repository, action: "push", ...content },
      options,
    );
  }
}

/** Statuses by which registries say that the closing PUT may carry no blob. */
const WANTS_PATCH: ReadonlySet<number> = new Set([405, 411, 415, 501]);

const NO_CONTENT = { headers: { "Content-Length": "0" } } as const;

async function nextLocation(response: HttpResponse, expected: readonly number[]): Promise<string> {
  if (!expected.includes(response.status)) throw await errorFromResponse(response);
  await response.discard();
  const location = response.headers.get("location");
  if (location === null)
    throw new ImageError("REGISTRY_FAILURE", "the registry opened an upload without a Location");
  return location.startsWith("/") ? location : new URL(location, response.url).href;
}

/** The Location with the digest in its query, whose other parts are the registry's own business. */
function withDigest(location: string, digest: Digest): string {
  const separator = location.includes("?") ? "&" : "?";
  return `${location}${separator}digest=${encodeURIComponent(digest)}`;
}
