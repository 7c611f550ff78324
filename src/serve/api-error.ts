/** What the specification's error codes mean here. Distribution spec 1.1, "Error Codes". */
const MEANINGS = {
  BLOB_UNKNOWN: { status: 404, message: "blob unknown to registry" },
  BLOB_UPLOAD_INVALID: { status: 400, message: "blob upload invalid" },
  BLOB_UPLOAD_UNKNOWN: { status: 404, message: "blob upload unknown to registry" },
  DIGEST_INVALID: { status: 400, message: "provided digest did not match uploaded content" },
  MANIFEST_BLOB_UNKNOWN: { status: 404, message: "blob unknown to registry" },
  MANIFEST_INVALID: { status: 400, message: "manifest invalid" },
  MANIFEST_UNKNOWN: { status: 404, message: "manifest unknown" },
  NAME_INVALID: { status: 400, message: "invalid repository name" },
  NAME_UNKNOWN: { status: 404, message: "repository name not known to registry" },
  PAGINATION_NUMBER_INVALID: { status: 400, message: "invalid number of results requested" },
  RANGE_INVALID: { status: 416, message: "invalid content range" },
  SIZE_INVALID: { status: 400, message: "provided length did not match content length" },
  TAG_INVALID: { status: 400, message: "invalid tag" },
  UNAUTHORIZED: { status: 401, message: "authentication required" },
  UNKNOWN: { status: 500, message: "unknown error" },
  UNSUPPORTED: { status: 405, message: "The operation is unsupported." },
} as const;

export type ApiErrorCode = keyof typeof MEANINGS;

export interface ApiErrorOptions {
  /** In place of the code's usual status. */
  readonly status?: number | undefined;
  /** In place of the code's usual text, which clients may abbreviate to a text of their own. */
  readonly message?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** What was wrong; one error for each of several. */
  readonly details?: readonly unknown[] | undefined;
}

/** A refusal that the client is told about: a status and a body of errors. Distribution spec 1.1, "Error Codes". */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ApiErrorCode;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly details: readonly unknown[];

  constructor(code: ApiErrorCode, options: ApiErrorOptions = {}) {
    super(options.message ?? MEANINGS[code].message);
    this.code = code;
    this.status = options.status ?? MEANINGS[code].status;
    this.headers = options.headers ?? {};
    this.details = options.details ?? [undefined];
  }

  /** The document that goes into the response. */
  get body(): { readonly errors: readonly { code: string; message: string; detail: unknown }[] } {
    return {
      errors: this.details.map((detail) => ({ code: this.code, message: this.message, detail })),
    };
  }
}
