import { type Digest, isDigest } from "../core/digest.ts";
import { ApiError } from "./api-error.ts";
import type { Catalogue } from "./catalogue.ts";
import type { RegistryStore } from "./store.ts";
import type { UploadSessions } from "./upload-sessions.ts";

/** A request whose path has been understood, and what it is answered from. */
export interface Exchange {
  readonly request: Request;
  readonly url: URL;
  readonly repository: string;
  /** A tag, a digest or the identifier of an upload, as the path has it. */
  readonly reference: string;
  readonly store: RegistryStore;
  readonly catalogue: Catalogue;
  readonly uploads: UploadSessions;
}

/** Answers one method of one endpoint. @throws {ApiError} */
export type Operation = (exchange: Exchange) => Promise<Response>;

/** @throws {ApiError} DIGEST_INVALID for what is no digest, or one of an algorithm that is not supported */
export function requireDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new ApiError("DIGEST_INVALID", { message: "invalid digest", details: [{ digest: text }] });
}

/** The body as a stream; empty when there is none. */
export async function* bodyOf(request: Request): AsyncIterable<Uint8Array> {
  if (request.body !== null) yield* request.body as unknown as AsyncIterable<Uint8Array>;
}

/** The size that the request announces for its body, in bytes; undefined where it does not say. */
export function contentLength(request: Request): number | undefined {
  const text = request.headers.get("Content-Length") ?? "";
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
