import { collect } from "../core/byte-stream.ts";
import { ImageError, type ImageErrorCode } from "../core/errors.ts";
import { ImageNotFoundError } from "../core/not-found.ts";
import type { HttpResponse } from "../runtime/http.ts";

const ERROR_BODY_LIMIT = 64 * 1024;

/** The texts that the distribution spec gives its codes; a server that sends one of them says nothing more than its code. */
const STANDARD_MESSAGES: Readonly<Record<string, string>> = {
  UNAUTHORIZED: "authentication required",
  DENIED: "requested access to the resource is denied",
  MANIFEST_UNKNOWN: "manifest unknown",
  NAME_UNKNOWN: "repository name not known to registry",
  BLOB_UNKNOWN: "blob unknown to registry",
  UNSUPPORTED: "The operation is unsupported.",
  TOOMANYREQUESTS: "too many requests",
  NAME_INVALID: "invalid repository name",
  MANIFEST_INVALID: "manifest invalid",
  DIGEST_INVALID: "provided digest did not match uploaded content",
  BLOB_UPLOAD_UNKNOWN: "blob upload unknown to registry",
  BLOB_UPLOAD_INVALID: "blob upload invalid",
  MANIFEST_BLOB_UNKNOWN: "blob unknown to registry",
  SIZE_INVALID: "provided length did not match content length",
};

/** What the server answered instead of doing what was asked. Distribution spec 1.1, "Error Codes". */
export class RegistryError extends ImageError {
  /** The HTTP status. */
  readonly status: number;
  /** The code of the first error in the body, such as MANIFEST_UNKNOWN; "" where there was none. */
  readonly registryCode: string;
  /** What the registry adds, unparsed. */
  readonly detail: unknown;

  constructor(message: string, answer: { status: number; registryCode?: string; detail?: unknown }) {
    const registryCode = answer.registryCode ?? "";
    super(codeFor(answer.status, registryCode), message, {
      transient: isTransientAnswer(answer.status, registryCode),
    });
    this.status = answer.status;
    this.registryCode = registryCode;
    this.detail = answer.detail;
  }
}

/**
 * The error that an answer of the wrong status stands for. Consumes its body.
 * A manifest that the server says it does not know gives an `ImageNotFoundError` caused by the `RegistryError`.
 */
export async function errorFromResponse(response: HttpResponse): Promise<ImageError> {
  const error = await decode(response);
  if (error.registryCode !== "MANIFEST_UNKNOWN") return error;
  return new ImageNotFoundError(error.message, { cause: error });
}

async function decode(response: HttpResponse): Promise<RegistryError> {
  const { status } = response;
  if (status < 400 || status >= 500) {
    await response.discard();
    return new RegistryError(`received unexpected HTTP status: ${status}${statusText(status)}`, { status });
  }
  const body = await readBody(response);
  const { readErrorBody } = await import("./error-body.ts");
  const { first, details } = readErrorBody(body);
  if (first !== undefined) {
    return new RegistryError(wording(first), { status, registryCode: first.code, detail: first.detail });
  }
  if (details !== undefined) {
    const registryCode = status === 401 ? "UNAUTHORIZED" : status === 429 ? "TOOMANYREQUESTS" : "";
    return new RegistryError(details, { status, registryCode });
  }
  if (status === 401)
    return new RegistryError("authentication required", { status, registryCode: "UNAUTHORIZED" });
  if (body === "")
    return new RegistryError(`received unexpected HTTP status: ${status}${statusText(status)}`, { status });
  return new RegistryError(`StatusCode: ${status}, ${JSON.stringify(`${body.slice(0, 50)}...`)}`, { status });
}

function wording(error: { code: string; message: string }): string {
  const standard = Object.hasOwn(STANDARD_MESSAGES, error.code) ? STANDARD_MESSAGES[error.code] : undefined;
  if (error.message === "") return standard ?? error.code.toLowerCase();
  if (error.message === standard) return error.message;
  return `${(error.code || "unknown").toLowerCase()}: ${error.message}`;
}

async function readBody(response: HttpResponse): Promise<string> {
  try {
    return new TextDecoder().decode(await collect(response.body, ERROR_BODY_LIMIT, "error body"));
  } catch {
    // The status alone already tells that it failed; a body that breaks off or is too long adds nothing.
    return "";
  }
}

function codeFor(status: number, registryCode: string): ImageErrorCode {
  if (registryCode === "UNAUTHORIZED" || status === 401) return "UNAUTHORIZED";
  if (registryCode === "DENIED" || status === 403) return "DENIED";
  return status === 404 ? "NOT_FOUND" : "REGISTRY_FAILURE";
}

const FINAL_CODES: ReadonlySet<string> = new Set([
  "UNAUTHORIZED",
  "DENIED",
  "NAME_UNKNOWN",
  "MANIFEST_UNKNOWN",
]);

function isTransientAnswer(status: number, registryCode: string): boolean {
  if (registryCode !== "") return !FINAL_CODES.has(registryCode);
  return status === 429 || status === 502 || status === 503 || status === 504;
}

const STATUS_TEXTS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  413: "Request Entity Too Large",
  416: "Requested Range Not Satisfiable",
  429: "Too Many Requests",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  507: "Insufficient Storage",
};

function statusText(status: number): string {
  const text = STATUS_TEXTS[status];
  return text === undefined ? "" : ` ${text}`;
}
