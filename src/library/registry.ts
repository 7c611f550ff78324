import type { ByteStream, OperationOptions } from "../core/byte-stream.ts";
import { verified } from "../core/byte-stream.ts";
import type { Descriptor, RawManifest } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { ImageError } from "../core/errors.ts";
import type { BlobReader, StoredBlob } from "../core/image.ts";
import type { ImageAccess } from "../environment/image-access.ts";
import type { ImageEnvironment } from "../environment/image-environment.ts";
import type { RegistryClient } from "../registry/registry-client.ts";
import { errorFromResponse } from "../registry/registry-error.ts";
import { type BlobName, type BlobRange, openRange } from "./blob-range.ts";
import { environmentOf } from "./call-options.ts";
import { interruptible, interruptibleBlob, interruptibleItems } from "./interruption.ts";

/** How a registry is reached. */
export interface RegistryOptions {
  /** Where credentials, certificates and proxies come from; the machine's own configuration by default. */
  readonly environment?: ImageEnvironment | undefined;
  /** Credentials and TLS settings. */
  readonly access?: ImageAccess | undefined;
}

/**
 * A registry, request by request: what the distribution specification 1.1 offers, with logins, tokens, retries and limits seen to.
 * `repository` is a path without the host: `library/busybox`. All methods reject with `ImageError`s; where a registry has
 * answered with an error, a `RegistryError` with its status and code is the error or its cause.
 */
export class Registry {
  /** `host` or `host:port`. */
  readonly host: string;
  readonly #options: RegistryOptions;
  #client: Promise<RegistryClient> | undefined;

  constructor(host: string, options: RegistryOptions = {}) {
    this.host = host;
    this.#options = options;
  }

  /** Whether it answers, and lets this user in. @throws {ImageError} UNAUTHORIZED, NETWORK_FAILURE */
  async ping(options: OperationOptions = {}): Promise<void> {
    await this.#ask(options, async ({ connection }, inner) => {
      const response = await connection.ping(inner);
      if (response.status !== 200) throw await errorFromResponse(response);
      await response.discard();
    });
  }

  /** "Listing Repositories", where the registry does that. */
  async *listRepositories(options: OperationOptions = {}): AsyncGenerator<string> {
    yield* this.#list(options, (client, inner) => client.listRepositories(inner));
  }

  /** "Listing Tags", page by page. */
  async *listTags(repository: string, options: OperationOptions = {}): AsyncGenerator<string> {
    yield* this.#list(options, (client, inner) => client.listTags(repository, inner));
  }

  /** "Pulling manifests": by a tag, or by a digest, which what is served must have. @throws {ImageError} NOT_FOUND, DIGEST_MISMATCH */
  async readManifest(
    repository: string,
    reference: string,
    options: OperationOptions = {},
  ): Promise<RawManifest> {
    return await this.#ask(options, (client, inner) => client.readManifest(repository, reference, inner));
  }

  /** The digest of a manifest, by a request that costs no pull; undefined where there is none. */
  async findManifest(
    repository: string,
    reference: string,
    options: OperationOptions = {},
  ): Promise<Digest | undefined> {
    return await this.#ask(options, (client, inner) =>
      client.findManifest(repository, reference, inner, "pull"),
    );
  }

  /** "Pushing Manifests", after its blobs. @throws {ImageError} MANIFEST_REJECTED */
  async writeManifest(
    repository: string,
    reference: string,
    manifest: RawManifest,
    options: OperationOptions = {},
  ): Promise<void> {
    await this.#ask(options, (client, inner) => client.writeManifest(repository, reference, manifest, inner));
  }

  /** "Deleting Manifests". Every tag that names it goes with it. */
  async deleteManifest(repository: string, digest: Digest, options: OperationOptions = {}): Promise<void> {
    await this.#ask(options, (client, inner) => client.deleteManifest(repository, digest, inner));
  }

  /** The size of a blob in bytes; undefined where the repository does not have it. */
  async findBlob(
    repository: string,
    digest: Digest,
    options: OperationOptions = {},
  ): Promise<number | undefined> {
    return await this.#ask(options, (client, inner) => client.findBlob(repository, digest, inner));
  }

  /**
   * "Pulling blobs", whole or in part. Broken connections are gone on with. A whole blob is verified while it is read; of a part
   * only the length is. The reader is to be disposed.
   */
  async openBlob(
    repository: string,
    blob: BlobName,
    range: BlobRange = {},
    options: OperationOptions = {},
  ): Promise<BlobReader> {
    return await this.#ask(options, async (client, inner) => {
      const source = {
        canSkip: true,
        openBlob: async (
          wanted: Pick<Descriptor, "digest">,
          operation?: OperationOptions,
        ): Promise<BlobReader> => await client.openBlob(repository, wanted, operation),
      };
      return interruptibleBlob(await openRange(source, blob, range, inner), options);
    });
  }

  /**
   * Pushes a blob. With a digest the bytes must have it; without one it is computed. With digest and size it goes in one request.
   * @throws {ImageError} DIGEST_MISMATCH, SIZE_MISMATCH
   */
  async writeBlob(
    repository: string,
    bytes: ByteStream,
    blob: { readonly digest?: Digest | undefined; readonly size?: number | undefined } = {},
    options: OperationOptions = {},
  ): Promise<StoredBlob> {
    const stream = blob.digest === undefined ? bytes : verified(bytes, blob.digest, blob.size);
    return await this.#ask(options, async ({ connection }, inner) => {
      const { BlobUploader } = await import("../registry/blob-upload.ts");
      return await new BlobUploader(connection, repository).upload(stream, blob, inner);
    });
  }

  /** "Mounting a blob from another repository" of this registry. Whether it was there to be mounted. */
  async mountBlob(
    repository: string,
    digest: Digest,
    from: string,
    options: OperationOptions = {},
  ): Promise<boolean> {
    return await this.#ask(options, async ({ connection }, inner) => {
      const { BlobUploader } = await import("../registry/blob-upload.ts");
      return await new BlobUploader(connection, repository).mount(digest, from, inner);
    });
  }

  /** "Listing Referrers", by the API or by the fall-back tag. */
  async listReferrers(
    repository: string,
    subject: Digest,
    options: OperationOptions = {},
  ): Promise<readonly Descriptor[]> {
    return await this.#ask(options, (client, inner) => client.listReferrers(repository, subject, inner));
  }

  /**
   * Pushes a manifest that has a `subject`, and sees to it that it is listed as its referrer, also by a registry without the
   * referrers API. `descriptor` is what is listed. "Pushing Manifests with Subject".
   */
  async writeReferrer(
    repository: string,
    subject: Digest,
    manifest: RawManifest,
    descriptor: Omit<Descriptor, "digest" | "size" | "mediaType"> = {},
    options: OperationOptions = {},
  ): Promise<void> {
    const { mediaType, digest, bytes } = manifest;
    if (digest === subject) throw new ImageError("MANIFEST_INVALID", "a manifest cannot be its own subject");
    const listed = { ...descriptor, mediaType, digest, size: bytes.length };
    await this.#ask(options, async (client, inner) => {
      const { announceReferrers } = await import("../registry/referrers.ts");
      await client.writeManifest(repository, digest, manifest, inner);
      await announceReferrers(client, repository, subject, [listed], inner);
    });
  }

  #ask<T>(
    options: OperationOptions,
    question: (client: RegistryClient, options: OperationOptions) => Promise<T>,
  ): Promise<T> {
    return interruptible(options, async (inner) => await question(await this.#connect(), inner));
  }

  async *#list<T>(
    options: OperationOptions,
    question: (client: RegistryClient, options: OperationOptions) => AsyncIterable<T>,
  ): AsyncGenerator<T> {
    const client = await this.#connect();
    yield* interruptibleItems(options, (inner) => question(client, inner));
  }

  #connect(): Promise<RegistryClient> {
    this.#client ??= this.#open().catch((error: unknown) => {
      this.#client = undefined;
      throw error;
    });
    return this.#client;
  }

  async #open(): Promise<RegistryClient> {
    const { RegistryClient } = await import("../registry/registry-client.ts");
    return new RegistryClient(await environmentOf(this.#options).connect(this.host, this.#options.access));
  }
}
