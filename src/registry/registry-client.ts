import * as v from "valibot";
import { type OperationOptions, streamOf } from "../core/byte-stream.ts";
import type { Descriptor, RawManifest } from "../core/descriptor.ts";
import { computeDigest, type Digest, digestAlgorithm, isDigest } from "../core/digest.ts";
import { isValidTag } from "../core/docker-name.ts";
import { ImageError, inContext } from "../core/errors.ts";
import type { BlobPointer, BlobReader } from "../core/image.ts";
import { isSchema1Type, MANIFEST_TYPES, OCI_INDEX } from "../core/media-type.ts";
import { sleep } from "../core/retry.ts";
import { DOCUMENT_LIMIT, parseJson } from "../format/json.ts";
import { normalizeManifestType, parseIndex, rawManifest } from "../format/manifest.ts";
import { manifestDigest } from "../format/manifest-digest.ts";
import type { HttpResponse } from "../runtime/http.ts";
import { openResumableBlob } from "./blob-download.ts";
import type { RegistryConnection, RegistryRequest } from "./connection.ts";
import { readDocument } from "./document.ts";
import { contentLength } from "./exchange-log.ts";
import { fallbackTag } from "./referrers.ts";
import { errorFromResponse, RegistryError } from "./registry-error.ts";

/** Pages may be long where a repository has very many tags. */
const PAGE_LIMIT: number = 32 * 1024 * 1024;
/** No list has so many pages, or so many bytes in all: a server that goes on and on means harm. */
const MOST_PAGES = 100_000;
const LIST_LIMIT: number = 256 * 1024 * 1024;
const MANIFEST_ATTEMPTS = 4;
/** Before the second attempt to write a manifest; longer before later ones. Milliseconds. */
const MANIFEST_RETRY_DELAY = 100;
const ACCEPT: string = MANIFEST_TYPES.join(", ");

/** Repositories that were found to have no referrers API, as long as there is a connection. */
const WITHOUT_REFERRERS_API = new WeakMap<RegistryConnection, Set<string>>();

const TagPageSchema = v.object({ tags: v.nullish(v.array(v.nullable(v.string())), []) });
const CatalogPageSchema = v.object({ repositories: v.nullish(v.array(v.string()), []) });

/**
 * The endpoints of the distribution spec 1.1 for reading and deleting, as methods on repositories of one registry.
 * All reject with `ImageError`s that tell what was being done.
 */
export class RegistryClient {
  /** What sends the requests. */
  readonly connection: RegistryConnection;

  constructor(connection: RegistryConnection) {
    this.connection = connection;
  }

  /**
   * "Pulling manifests". `reference` is a tag or a digest; what is served for a digest must have that digest.
   * @throws {ImageError} NOT_FOUND caused by an `ImageNotFoundError` when the registry does not know it; SIZE_LIMIT,
   * DIGEST_MISMATCH
   */
  async readManifest(
    repository: string,
    reference: string,
    options: OperationOptions = {},
  ): Promise<RawManifest> {
    const what = `reading manifest ${reference} in ${this.#name(repository)}`;
    return await inContext(what, async () => {
      const target = `/v2/${repository}/manifests/${reference}`;
      const response = await this.#send(
        { method: "GET", target, repository, headers: { Accept: ACCEPT } },
        [200],
        options,
      );
      const bytes = await readDocument(response, DOCUMENT_LIMIT, "manifest");
      const type = normalizeManifestType(response.headers.get("content-type"));
      const manifest = { ...rawManifest(bytes, type), digest: manifestDigest(bytes) };
      if (isDigest(reference)) return checkServed(manifest, reference);
      checkAnnounced(manifest, response.headers.get("docker-content-digest"));
      return manifest;
    });
  }

  /** "Checking if content exists in the registry": the digest that the server gives a manifest, if it has it and says so. */
  async findManifest(
    repository: string,
    reference: string,
    options: OperationOptions = {},
    action: "pull" | "push" = "push",
  ): Promise<Digest | undefined> {
    const what = `checking whether a manifest ${reference} exists in ${this.#name(repository)}`;
    return await inContext(what, async () => {
      const target = `/v2/${repository}/manifests/${reference}`;
      const request = {
        method: "HEAD",
        target,
        repository,
        action,
        headers: { Accept: ACCEPT },
      } as const;
      const response = await this.#send(request, [200, 404], options);
      await response.discard();
      const digest = response.headers.get("docker-content-digest");
      return response.status === 200 && digest !== null && isDigest(digest) ? digest : undefined;
    });
  }

  /** "Pushing Manifests". @throws {ImageError} MANIFEST_REJECTED when the registry does not take this kind */
  async writeManifest(
    repository: string,
    reference: string,
    manifest: RawManifest,
    options: OperationOptions = {},
  ): Promise<void> {
    await inContext(`uploading manifest ${reference} to ${this.#name(repository)}`, async () => {
      for (let attempt = 1; ; attempt++) {
        try {
          return await this.#putManifest(repository, reference, manifest, options);
        } catch (error) {
          if (!isMixUp(error) || attempt === MANIFEST_ATTEMPTS) throw error;
        }
        await sleep(MANIFEST_RETRY_DELAY * attempt, options);
      }
    });
  }

  async #putManifest(
    repository: string,
    reference: string,
    manifest: RawManifest,
    options: OperationOptions,
  ): Promise<void> {
    const { bytes } = manifest;
    try {
      const response = await this.#send(
        {
          method: "PUT",
          target: `/v2/${repository}/manifests/${reference}`,
          repository,
          action: "push",
          headers: { "Content-Type": manifest.mediaType },
          body: { size: bytes.length, replayable: true, open: () => streamOf(bytes) },
        },
        [200, 201, 202, 204],
        options,
      );
      await response.discard();
      checkAnnounced(manifest, response.headers.get("docker-content-digest"));
    } catch (error) {
      throw isRejection(error) ? new ImageError("MANIFEST_REJECTED", error.message, { cause: error }) : error;
    }
  }

  /** "Deleting Manifests". @throws {ImageError} */
  async deleteManifest(repository: string, digest: Digest, options: OperationOptions = {}): Promise<void> {
    const target = `/v2/${repository}/manifests/${digest}`;
    const request = { method: "DELETE", target, repository, action: "delete" } as const;
    const response = await this.#send(request, [202, 200], options);
    await response.discard();
  }

  /** "Checking if content exists in the registry": the size of a blob in bytes, if the repository has it. */
  async findBlob(
    repository: string,
    digest: Digest,
    options: OperationOptions = {},
  ): Promise<number | undefined> {
    return await inContext(
      `checking whether a blob ${digest} exists in ${this.#name(repository)}`,
      async () => {
        const target = `/v2/${repository}/blobs/${digest}`;
        const response = await this.#send(
          { method: "HEAD", target, repository, action: "push" },
          [200, 404],
          options,
        );
        await response.discard();
        return response.status === 200 ? contentLength(response) : undefined;
      },
    );
  }

  /** "Pulling blobs". The stream goes on where it stopped if the connection breaks; its digest is the caller's to check. */
  async openBlob(
    repository: string,
    blob: Pick<BlobPointer, "digest" | "offset">,
    options: OperationOptions = {},
  ): Promise<BlobReader> {
    const target = `/v2/${repository}/blobs/${blob.digest}`;
    return await inContext("fetching blob", async () =>
      openResumableBlob(
        (headers, attempt) => this.#open({ method: "GET", target, repository, headers }, attempt),
        options,
        blob.offset,
      ),
    );
  }

  /** "Listing Tags", in the registry's order. @throws {ImageError} */
  async *listTags(repository: string, options: OperationOptions = {}): AsyncIterable<string> {
    for await (const page of this.#pages(`/v2/${repository}/tags/list`, repository, options)) {
      for (const tag of parseJson(TagPageSchema, page, "tag list").tags ?? []) {
        if (!tag || isDigest(tag)) continue;
        if (!isValidTag(tag)) {
          throw new ImageError(
            "REGISTRY_FAILURE",
            `registry returned invalid tag ${JSON.stringify(tag)}: invalid tag format`,
          );
        }
        yield tag;
      }
    }
  }

  /** The repositories of the registry, where it lists them. Distribution, "Listing Repositories". */
  async *listRepositories(options: OperationOptions = {}): AsyncIterable<string> {
    for await (const page of this.#pages("/v2/_catalog", undefined, options)) {
      yield* parseJson(CatalogPageSchema, page, "catalog").repositories ?? [];
    }
  }

  /** "Listing Referrers"; a registry without that API is asked for the index under the fall-back tag instead. */
  async listReferrers(
    repository: string,
    subject: Digest,
    options: OperationOptions = {},
  ): Promise<readonly Descriptor[]> {
    const referrers: Descriptor[] = [];
    try {
      for await (const page of this.#pages(`/v2/${repository}/referrers/${subject}`, repository, options)) {
        referrers.push(...parseIndex(rawManifest(page, OCI_INDEX)).manifests);
      }
      return referrers;
    } catch (error) {
      if (!(error instanceof RegistryError && error.status === 404)) throw error;
      // A server that knew the question would name what it does not find.
      if (error.registryCode === "") this.#rememberNoReferrersApi(repository);
    }
    const tag = fallbackTag(subject);
    if ((await this.findManifest(repository, tag, options)) === undefined) return [];
    return parseIndex(await this.readManifest(repository, tag, options)).manifests;
  }

  /** Whether a repository was found to have no referrers API. */
  lacksReferrersApi(repository: string): boolean {
    return WITHOUT_REFERRERS_API.get(this.connection)?.has(repository) ?? false;
  }

  #rememberNoReferrersApi(repository: string): void {
    const known = WITHOUT_REFERRERS_API.get(this.connection) ?? new Set();
    WITHOUT_REFERRERS_API.set(this.connection, known.add(repository));
  }

  /** The bodies of a paginated list. Links lead within this registry only; one seen before ends in an error. */
  async *#pages(
    first: string,
    repository: string | undefined,
    options: OperationOptions,
  ): AsyncIterable<Uint8Array> {
    const seen = new Set<string>();
    let size = 0;
    for (let target: string | undefined = first; target !== undefined; ) {
      if (seen.has(target)) throw new ImageError("REGISTRY_FAILURE", "the registry's pages lead in a circle");
      seen.add(target);
      const response: HttpResponse = await this.#send({ method: "GET", target, repository }, [200], options);
      const page = await readDocument(response, PAGE_LIMIT, "list");
      size += page.length;
      if (size > LIST_LIMIT || seen.size > MOST_PAGES)
        throw new ImageError("SIZE_LIMIT", "the registry's list does not come to an end");
      yield page;
      target = nextPage(response.headers.get("link"), target);
    }
  }

  async #open(request: RegistryRequest, options: OperationOptions): Promise<HttpResponse> {
    return await this.#send(request, [200, 206], options);
  }

  async #send(
    request: RegistryRequest,
    expected: readonly number[],
    options: OperationOptions,
  ): Promise<HttpResponse> {
    const response = await this.connection.send(request, options);
    if (expected.includes(response.status)) return response;
    throw await errorFromResponse(response);
  }

  #name(repository: string): string {
    return `${this.connection.registry}/${repository}`;
  }
}

function checkServed(manifest: RawManifest, wanted: Digest): RawManifest {
  const actual =
    digestAlgorithm(wanted) === "sha256"
      ? manifest.digest
      : computeDigest(manifest.bytes, digestAlgorithm(wanted));
  if (actual === wanted) return { ...manifest, digest: wanted };
  throw new ImageError(
    "DIGEST_MISMATCH",
    `Manifest does not match provided manifest digest ${wanted}, got ${actual}`,
  );
}

/**
 * What a registry says of a manifest that it served for a tag, or took, is no proof of it, but tells of a damaged transfer and of
 * somebody on the way who rewrites. Of schema 1 registries have given digests of various parts.
 */
function checkAnnounced({ bytes, mediaType, digest }: RawManifest, announced: string | null): void {
  if (announced === null || !isDigest(announced) || isSchema1Type(mediaType)) return;
  const algorithm = digestAlgorithm(announced);
  const actual = algorithm === "sha256" ? digest : computeDigest(bytes, algorithm);
  if (actual === announced) return;
  throw new ImageError(
    "DIGEST_MISMATCH",
    `the manifest has digest ${actual}, and the registry says ${announced}`,
    { transient: true },
  );
}

/** RFC 8288. Only path and query of the link are used, so that a server cannot lead elsewhere. */
function nextPage(link: string | null, current: string): string | undefined {
  const target = /^\s*<([^>]*)>/.exec(link?.split(";")[0] ?? "")?.[1];
  if (!target) return undefined;
  const base = `http://registry.invalid${current}`;
  if (!URL.canParse(target, base))
    throw new ImageError("REGISTRY_FAILURE", "the registry's link to its next page is no URL");
  const url = new URL(target, base);
  return `${url.pathname}${url.search}`;
}

/**
 * docker-registry 2 takes two uploads of one manifest at the same moment for each other's, and says of both that they are
 * not what they are. A moment later it does not.
 */
function isMixUp(error: unknown): boolean {
  return error instanceof RegistryError && error.registryCode === "DIGEST_INVALID";
}

/** Whether another kind of manifest may fare better. */
function isRejection(error: unknown): error is RegistryError {
  if (!(error instanceof RegistryError)) return false;
  const { registryCode, message } = error;
  if (registryCode === "MANIFEST_INVALID" || registryCode === "TAG_INVALID") return true;
  return registryCode === "UNSUPPORTED" && message.includes("Invalid JSON syntax");
}
