/** Stable reasons a caller may act on; messages may change, codes do not. */
export type ImageErrorCode =
  /** A name that is not one. */
  | "INVALID_REFERENCE"
  /** Something that this place, kind of image or combination of options does not allow. */
  | "UNSUPPORTED_OPERATION"
  /** Options or configuration that cannot be followed, a policy or a key file for instance. */
  | "CONFIG_INVALID"
  /** An image, blob, repository or file that is not there. */
  | "NOT_FOUND"
  /** A registry wants credentials, or others. */
  | "UNAUTHORIZED"
  /** The credentials, or the configuration, do not allow it. */
  | "DENIED"
  /** A registry answered with a failure, or with what makes no sense. */
  | "REGISTRY_FAILURE"
  /** No answer came, or not all of it. */
  | "NETWORK_FAILURE"
  /** Bytes that are not those that were asked for. */
  | "DIGEST_MISMATCH"
  /** More or fewer bytes than there should be. */
  | "SIZE_MISMATCH"
  /** More bytes than anybody should have to keep or unpack. */
  | "SIZE_LIMIT"
  /** A manifest, index or config that cannot be read. */
  | "MANIFEST_INVALID"
  /** A destination does not take this kind of manifest. */
  | "MANIFEST_REJECTED"
  /** An index has no image for the platform. */
  | "NO_MATCHING_INSTANCE"
  /** The policy does not let the image in. */
  | "POLICY_REJECTED"
  /** A signature that cannot be read, or that does not hold. */
  | "SIGNATURE_INVALID"
  /** The copy would have another digest, which the options forbid. */
  | "DIGEST_NOT_PRESERVABLE"
  /** A file, layout or archive cannot be read or written. */
  | "STORAGE_FAILURE";

/** What an error may have besides its message. */
export interface ImageErrorOptions extends ErrorOptions {
  /** Whether the same operation may succeed if simply tried again. */
  readonly transient?: boolean;
}

/** A failure that a caller may tell apart by its `code`. Subclasses exist only to carry data. */
export class ImageError extends Error {
  /** What kind of failure it is. Codes are never renamed. */
  readonly code: ImageErrorCode;
  /** Whether the same operation may succeed if simply tried again. */
  readonly transient: boolean;

  constructor(code: ImageErrorCode, message: string, options?: ImageErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.transient = options?.transient ?? false;
  }
}

/**
 * Puts `context` and a colon before an error's message, keeping its code, transience and cause.
 * An abort passes through untouched, so that a cancelled run is still recognised as one.
 */
export function withContext(
  context: string,
  error: unknown,
  fallback: ImageErrorCode = "STORAGE_FAILURE",
): unknown {
  if (isAbort(error)) return error;
  const message = `${context}: ${errorMessage(error)}`;
  return error instanceof ImageError
    ? new ImageError(error.code, message, { cause: error, transient: error.transient })
    : new ImageError(fallback, message, { cause: error });
}

/** Runs `operation`, giving its failure the `context` of what was being done. */
export async function inContext<T>(
  context: string,
  operation: () => Promise<T>,
  fallback?: ImageErrorCode,
): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    throw withContext(context, error, fallback);
  }
}

/** Whether `error` is the consequence of an aborted signal rather than a failure. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === "AbortError" || error.name === "TimeoutError");
}

/** The first error of type `kind` along the chain of causes. */
export function findCause<T extends Error>(
  error: unknown,
  kind: abstract new (...parameters: never[]) => T,
): T | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (current instanceof kind) return current;
  }
  return undefined;
}

/** The text of anything thrown; system errors are worded as on a POSIX shell ("open x: no such file or directory"). */
export function errorMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  const text = code === undefined ? undefined : SYSTEM_ERRORS[code];
  if (text === undefined || syscall === undefined) return error.message;
  return path === undefined ? `${syscall}: ${text}` : `${syscall} ${path}: ${text}`;
}

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  ENOSPC: "no space left on device",
  EROFS: "read-only file system",
  EISDIR: "is a directory",
  ENOTDIR: "not a directory",
  EEXIST: "file exists",
  EMFILE: "too many open files",
  EDQUOT: "disk quota exceeded",
  EIO: "input/output error",
  EFBIG: "file too large",
};
