import { collect } from "../core/byte-stream.ts";
import type { Descriptor, RawManifest } from "../core/descriptor.ts";
import { computeDigest, type Digest, digestAlgorithm, isDigest } from "../core/digest.ts";
import { isValidTag } from "../core/docker-name.ts";
import { ImageError } from "../core/errors.ts";
import { DOCUMENT_LIMIT } from "../format/json.ts";
import { guessManifestType } from "../format/manifest.ts";
import { ApiError } from "./api-error.ts";
import type { ManifestKey } from "./catalogue.ts";
import { bodyOf, contentLength, type Exchange, requireDigest } from "./exchange.ts";
import { checkManifestType } from "./manifest-facts.ts";
import { contentReply, emptyReply } from "./replies.ts";

/** Types that say nothing about what a document is. */
const GENERIC_TYPES: ReadonlySet<string> = new Set([
  "",
  "application/json",
  "application/octet-stream",
  "application/x-www-form-urlencoded",
  "text/plain",
]);

/** `GET` and `HEAD /v2/<name>/manifests/<reference>`. Distribution spec 1.1, "Pulling manifests". */
export async function getManifest(exchange: Exchange): Promise<Response> {
  const { request, repository, catalogue, store } = exchange;
  const key = findKey(exchange.reference);
  const descriptor = key === undefined ? undefined : await catalogue.find(repository, key);
  const content = descriptor === undefined ? undefined : await store.findBlob(descriptor.digest);
  if (descriptor === undefined || content === undefined) throw manifestUnknown(exchange);
  return await contentReply(request.method, content, undefined, {
    "Content-Type": await mediaTypeOf(exchange, descriptor),
    "Docker-Content-Digest": descriptor.digest,
  });
}

/** `PUT /v2/<name>/manifests/<reference>`. Distribution spec 1.1, "Pushing Manifests". */
export async function putManifest(exchange: Exchange): Promise<Response> {
  const { request, repository, reference, catalogue } = exchange;
  const key = findKey(reference);
  if (key === undefined) throw new ApiError("TAG_INVALID", { details: [{ tag: reference }] });
  const bytes = await readManifest(request);
  const raw = rawManifest(request, bytes, "digest" in key ? key.digest : undefined);
  const subject = await reportInvalid(async () => {
    checkManifestType(raw.mediaType);
    return await catalogue.put(repository, raw, "tag" in key ? key.tag : undefined);
  });
  return emptyReply(201, {
    Location: `/v2/${repository}/manifests/${raw.digest}`,
    "Docker-Content-Digest": raw.digest,
    ...(subject === undefined ? {} : { "OCI-Subject": subject }),
  });
}

/** `DELETE /v2/<name>/manifests/<reference>`. Distribution spec 1.1, "Deleting tags", "Deleting Manifests". */
export async function deleteManifest(exchange: Exchange): Promise<Response> {
  const { repository, catalogue } = exchange;
  const key = findKey(exchange.reference);
  if (key === undefined) throw manifestUnknown(exchange);
  const isDeleted =
    "tag" in key
      ? await catalogue.deleteTag(repository, key.tag)
      : await catalogue.deleteManifest(repository, key.digest);
  if (!isDeleted) throw manifestUnknown(exchange);
  return emptyReply(202);
}

/** Undefined for what can be neither a tag nor a digest, and so names nothing. @throws {ApiError} DIGEST_INVALID */
function findKey(reference: string): ManifestKey | undefined {
  if (isDigest(reference)) return { digest: reference };
  if (reference.includes(":")) return { digest: requireDigest(reference) };
  return isValidTag(reference) ? { tag: reference } : undefined;
}

/** Layouts may list a manifest without its type. */
async function mediaTypeOf({ store }: Exchange, { mediaType, digest }: Descriptor): Promise<string> {
  if (mediaType !== "") return mediaType;
  return guessManifestType(await store.readBlob(digest, DOCUMENT_LIMIT)) || "application/octet-stream";
}

async function readManifest(request: Request): Promise<Uint8Array> {
  if ((contentLength(request) ?? 0) > DOCUMENT_LIMIT) throw tooLarge();
  try {
    return await collect(bodyOf(request), DOCUMENT_LIMIT, "manifest");
  } catch (error) {
    throw error instanceof ImageError && error.code === "SIZE_LIMIT" ? tooLarge() : error;
  }
}

function rawManifest(request: Request, bytes: Uint8Array, expected: Digest | undefined): RawManifest {
  const digest = computeDigest(bytes, expected === undefined ? "sha256" : digestAlgorithm(expected));
  if (expected !== undefined && digest !== expected) {
    throw new ApiError("DIGEST_INVALID", { details: [{ expected, actual: digest }] });
  }
  const declared = (request.headers.get("Content-Type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  const isGeneric = GENERIC_TYPES.has(declared);
  return { bytes, digest, mediaType: isGeneric ? guessedType(bytes) : declared };
}

function guessedType(bytes: Uint8Array): string {
  try {
    return guessManifestType(bytes);
  } catch (error) {
    throw invalidManifest(error);
  }
}

async function reportInvalid<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    throw invalidManifest(error);
  }
}

/** The refusal for a document that is no manifest; other errors are given back. */
function invalidManifest(error: unknown): unknown {
  if (!(error instanceof ImageError) || error.code !== "MANIFEST_INVALID") return error;
  return new ApiError("MANIFEST_INVALID", { message: error.message });
}

function tooLarge(): ApiError {
  const message = `manifest is larger than ${DOCUMENT_LIMIT} bytes`;
  return new ApiError("SIZE_INVALID", { status: 413, message });
}

function manifestUnknown({ repository, reference }: Exchange): ApiError {
  return new ApiError("MANIFEST_UNKNOWN", { details: [{ name: repository, reference }] });
}
