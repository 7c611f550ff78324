import { createDigester, type Digest, type Digester, digestAlgorithm } from "./digest.ts";
import { ImageError } from "./errors.ts";

/** Bytes in order, pulled by their consumer. Iterated at most once; leaving the loop early frees the producer. */
export type ByteStream = AsyncIterable<Uint8Array>;

/** The per-call options of every operation. Aborting rejects with `signal.reason`. */
export interface OperationOptions {
  /**
   * Aborts the operation, which then rejects with the signal's reason. Below the functions of `skopeo-ts` itself, a reason that is no
   * `AbortError` may be the cause of what it rejects with.
   */
  readonly signal?: AbortSignal | undefined;
}

/**
 * All bytes of a stream in one array, for documents that must be parsed whole.
 * @throws {ImageError} SIZE_LIMIT as soon as more than `limit` bytes have arrived
 */
export async function collect(stream: ByteStream, limit: number, what: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > limit) {
      throw new ImageError("SIZE_LIMIT", `${what}: exceeded maximum allowed size of ${limit} bytes`);
    }
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size);
}

/**
 * Passes bytes through and fails at their end unless they have the digest and, where it is known, the size expected.
 * A stream that grows past `size` fails at once.
 * @throws {ImageError} DIGEST_MISMATCH, SIZE_MISMATCH
 */
export async function* verified(stream: ByteStream, expected: Digest, size?: number): ByteStream {
  const digester = createDigester(digestAlgorithm(expected));
  let count = 0;
  for await (const chunk of stream) {
    count += chunk.length;
    if (size !== undefined && count > size) throw sizeMismatch(expected, size, `more than ${size}`);
    digester.update(chunk);
    yield chunk;
  }
  if (size !== undefined && count !== size) throw sizeMismatch(expected, size, `${count}`);
  const actual = digester.digest();
  if (actual !== expected) {
    throw new ImageError("DIGEST_MISMATCH", `Digest did not match, expected ${expected}, got ${actual}`);
  }
}

/** Passes bytes through and feeds them to `digester`, for content whose digest is known only at its end. */
export async function* digested(stream: ByteStream, digester: Digester): ByteStream {
  for await (const chunk of stream) {
    digester.update(chunk);
    yield chunk;
  }
}

/** Passes bytes through, telling `onBytes` the total so far, at most once in `interval` milliseconds and at the end. */
export async function* counted(
  stream: ByteStream,
  onBytes: (total: number) => void,
  interval = 100,
): ByteStream {
  let total = 0;
  let reported = Date.now();
  for await (const chunk of stream) {
    total += chunk.length;
    const now = Date.now();
    if (now - reported >= interval) {
      reported = now;
      onBytes(total);
    }
    yield chunk;
  }
  onBytes(total);
}

/** Joins small chunks so that each one handed on, but the last, has at least `minimum` bytes. */
export async function* coalesced(stream: ByteStream, minimum: number = 256 * 1024): ByteStream {
  let pending: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    pending.push(chunk);
    size += chunk.length;
    if (size < minimum) continue;
    yield pending.length === 1 ? chunk : Buffer.concat(pending, size);
    pending = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(pending, size);
}

/** A stream of one chunk. */
export async function* streamOf(bytes: Uint8Array): ByteStream {
  yield bytes;
}

function sizeMismatch(digest: Digest, size: number, actual: string): ImageError {
  return new ImageError(
    "SIZE_MISMATCH",
    `size of ${digest} did not match, expected ${size} bytes, got ${actual}`,
  );
}
