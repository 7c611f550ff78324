import type { ByteStream, OperationOptions } from "../core/byte-stream.ts";
import { createDigester, type Digest } from "../core/digest.ts";
import { ImageError, inContext, isAbort } from "../core/errors.ts";
import type { PartialBlob, StoredBlob } from "../core/image.ts";
import type { UploadJournal } from "../core/upload-journal.ts";
import type { HttpBody, HttpResponse } from "../runtime/http.ts";
import type { RegistryConnection } from "./connection.ts";
import { errorFromResponse } from "./registry-error.ts";

/** Bytes from which on it is worth going on with an upload. */
const JOURNALED: number = 16 * 1024 * 1024;

const OCTETS: Readonly<Record<string, string>> = { "Content-Type": "application/octet-stream" };

/** A repository that blobs are pushed to. */
export class BlobUploader {
  readonly #connection: RegistryConnection;
  readonly #repository: string;
  /** Turned on by a registry that refuses a blob in the closing PUT. */
  #needsPatch = false;
  readonly #journal: UploadJournal | undefined;

  /** Large uploads are written down in the `journal` while they last. */
  constructor(connection: RegistryConnection, repository: string, journal?: UploadJournal) {
    this.#connection = connection;
    this.#repository = repository;
    this.#journal = journal;
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
    if (response.status === 202 && location !== null) {
      await this.#cancel(location, options).catch((error: unknown) => {
        // The upload that was opened instead ends by itself, too.
        if (isAbort(error)) throw error;
      });
    }
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
    if (this.#journal !== undefined && blob.digest !== undefined && (blob.size ?? 0) >= JOURNALED) {
      return await this.#uploadJournaled(this.#journal, bytes, { ...blob, digest: blob.digest }, options);
    }
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

  /**
   * What a killed process has left of an upload: asked of the session that it has written down. Undefined where there is none, or
   * the registry has forgotten it. Distribution spec 1.1, "Pushing a blob in chunks".
   */
  async resume(blob: StoredBlob, options: OperationOptions = {}): Promise<PartialBlob | undefined> {
    const journal = this.#journal;
    const known = await journal?.find(this.#name, blob.digest);
    if (journal === undefined || known === undefined) return undefined;
    try {
      const response = await this.#send("GET", known, options, {});
      await response.discard();
      const last = /^(?:bytes=)?0-(\d+)$/.exec(response.headers.get("range") ?? "")?.[1];
      const offset = Number(last) + 1;
      if (response.status === 204 && last !== undefined && offset > 1 && offset < blob.size) {
        const location = response.headers.get("location") ?? known;
        return {
          offset,
          write: (rest, operation) => this.#finish(journal, location, { ...blob, offset }, rest, operation),
        };
      }
    } catch (error) {
      if (isAbort(error)) throw error;
      // A session that can't be asked about is as good as none.
    }
    await journal.forget(this.#name, blob.digest);
    return undefined;
  }

  async #finish(
    journal: UploadJournal,
    location: string,
    { digest, size, offset }: StoredBlob & { readonly offset: number },
    rest: ByteStream,
    options: OperationOptions = {},
  ): Promise<StoredBlob> {
    try {
      const body: HttpBody = { size: size - offset, replayable: false, open: () => rest };
      const headers = { ...OCTETS, "Content-Range": `${offset}-${size - 1}` };
      const patched = await this.#send("PATCH", location, options, { headers, body });
      const last = await nextLocation(patched, [202, 200, 201, 204]);
      const closed = await this.#send("PUT", withDigest(last, digest), options, NO_CONTENT);
      if (closed.status !== 201) throw await errorFromResponse(closed);
      await closed.discard();
      return { digest, size };
    } finally {
      await journal.forget(this.#name, digest);
    }
  }

  /** In a PATCH: what has arrived of one stays when the connection breaks, which nobody says of a PUT. */
  async #uploadJournaled(
    journal: UploadJournal,
    bytes: ByteStream,
    blob: { readonly digest: Digest; readonly size?: number | undefined },
    options: OperationOptions,
  ): Promise<StoredBlob> {
    const location = await this.#start(options);
    await journal.record({ repository: this.#name, digest: blob.digest, location });
    try {
      return await this.#patch(location, bytes, blob, options);
    } catch (error) {
      void this.#cancel(location, {}).catch(() => undefined);
      throw error;
    } finally {
      await journal.forget(this.#name, blob.digest);
    }
  }

  get #name(): string {
    return `${this.#connection.registry}/${this.#repository}`;
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
  // The connection refuses where it may not lead.
  return location.startsWith("/") || !URL.canParse(location, response.url)
    ? location
    : new URL(location, response.url).href;
}

/** The Location with the digest in its query, whose other parts are the registry's own business. */
function withDigest(location: string, digest: Digest): string {
  const separator = location.includes("?") ? "&" : "?";
  return `${location}${separator}digest=${encodeURIComponent(digest)}`;
}
