import { isAbort } from "../core/errors.ts";
import type { RequestHandler } from "../runtime/http-server.ts";
import { ApiError } from "./api-error.ts";
import { deleteBlob, getBlob } from "./blobs.ts";
import { Catalogue } from "./catalogue.ts";
import { contentLength, type Operation } from "./exchange.ts";
import { listReferrers, listRepositories, listTags } from "./listings.ts";
import { deleteManifest, getManifest, putManifest } from "./manifests.ts";
import { emptyReply, errorReply, jsonReply } from "./replies.ts";
import { parseRoute, type RouteKind } from "./routes.ts";
import type { RegistryStore } from "./store.ts";
import { UploadSessions } from "./upload-sessions.ts";
import { cancelUpload, continueUpload, finishUpload, getUploadStatus, startUpload } from "./uploads.ts";

/** What a registry is made of. */
export interface RegistryHandlerOptions {
  /** Where it keeps everything. */
  readonly store: RegistryStore;
  /** Refuses everything but reading. */
  readonly readOnly?: boolean | undefined;
  /** Whether a request comes with valid credentials; without it, everybody may do everything. */
  readonly authenticate?: ((request: Request) => Promise<boolean>) | undefined;
  /** Asked before anything else; a response that it gives is the answer. For registries that misbehave on purpose. */
  readonly intercept?: ((request: Request) => Promise<Response | undefined>) | undefined;
  /** Told of every answer, when its headers are known. */
  readonly onExchange?: ((exchange: ServedExchange) => void) | undefined;
  /** Told of failures that are not the client's; it was answered with status 500. */
  readonly onFailure?: ((error: unknown, request: Request) => void) | undefined;
}

/** An answered request. `path` is without the query. */
export interface ServedExchange {
  /** `GET`, `HEAD`, `PUT` and so on. */
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Of the answer. */
  readonly status: number;
  /** Until the answer's headers were known. */
  readonly milliseconds: number;
}

type Methods = Readonly<Record<string, Operation>>;

const OPERATIONS: Readonly<Record<RouteKind, Methods>> = {
  ping: { GET: async () => jsonReply(200, {}) },
  catalog: { GET: listRepositories },
  tags: { GET: listTags },
  referrers: { GET: listReferrers },
  manifest: { GET: getManifest, PUT: putManifest, DELETE: deleteManifest },
  blob: { GET: getBlob, DELETE: deleteBlob },
  uploads: { POST: startUpload },
  upload: { GET: getUploadStatus, PATCH: continueUpload, PUT: finishUpload, DELETE: cancelUpload },
};

const COMMON_HEADERS: Readonly<Record<string, string>> = {
  "Docker-Distribution-Api-Version": "registry/2.0",
  // What was pushed is served under the type that it was pushed with: in a browser it must not run as a page of this host.
  "X-Content-Type-Options": "nosniff",
  "Content-Security-Policy": "default-src 'none'; sandbox",
};

/** Bytes that are faster read than a new connection made. */
const SHORT_BODY = 64 * 1024;

/** The distribution API over a store, as a function from request to response. Distribution spec 1.1. */
export function createRegistryHandler(options: RegistryHandlerOptions): RequestHandler {
  const { store, intercept, onExchange } = options;
  const registry = { store, catalogue: new Catalogue(store), uploads: new UploadSessions(store) };

  const dispatch = async (request: Request, url: URL): Promise<Response> => {
    if (options.authenticate !== undefined && !(await options.authenticate(request))) throw unauthorized();
    const { kind, repository, reference } = parseRoute(url.pathname);
    const operation = findOperation(OPERATIONS[kind], request.method, options.readOnly === true);
    return await operation({ request, url, repository, reference, ...registry });
  };

  const answer = async (request: Request, url: URL): Promise<Response> => {
    try {
      return withoutBody(request, await dispatch(request, url));
    } catch (error) {
      if (error instanceof ApiError)
        return withoutBody(request, await withoutUpload(request, errorReply(error)));
      // Nobody is left to be told, and a broken connection is no failure of the registry.
      if (isAbort(error) || request.signal.aborted || isReset(error)) return emptyReply(400);
      options.onFailure?.(error, request);
      return errorReply(new ApiError("UNKNOWN", failureMessage(error)));
    }
  };

  return async (request) => {
    const started = performance.now();
    const url = new URL(request.url);
    const response = (await intercept?.(request)) ?? withHeaders(await answer(request, url));
    onExchange?.({
      method: request.method,
      path: url.pathname,
      status: response.status,
      milliseconds: Math.round(performance.now() - started),
    });
    return response;
  };
}

/** HEAD is answered as GET. @throws {ApiError} UNSUPPORTED */
function findOperation(methods: Methods, method: string, readOnly: boolean): Operation {
  const isReading = method === "GET" || method === "HEAD";
  const operation = methods[method === "HEAD" ? "GET" : method];
  if (operation !== undefined && (isReading || !readOnly)) return operation;
  const allowed = Object.keys(methods).filter((name) => name === "GET" || !readOnly);
  const names = allowed.includes("GET") ? ["HEAD", ...allowed] : allowed;
  const message = operation === undefined ? undefined : "the registry is read-only";
  throw new ApiError("UNSUPPORTED", { message, headers: { Allow: names.join(", ") } });
}

function withHeaders(response: Response): Response {
  for (const [name, value] of Object.entries(COMMON_HEADERS)) response.headers.set(name, value);
  return response;
}

function withoutBody(request: Request, response: Response): Response {
  if (request.method !== "HEAD" || response.body === null) return response;
  return new Response(null, { status: response.status, headers: response.headers });
}

/**
 * A refusal leaves the rest of the request's body unread. A short one is read all the same, so that the connection can be used
 * again; before a long one it is closed.
 */
async function withoutUpload(request: Request, response: Response): Promise<Response> {
  if (request.body === null) return response;
  if ((contentLength(request) ?? Number.POSITIVE_INFINITY) > SHORT_BODY)
    response.headers.set("Connection", "close");
  else if (!request.bodyUsed) await request.arrayBuffer().catch(() => undefined);
  return response;
}

function unauthorized(): ApiError {
  return new ApiError("UNAUTHORIZED", {
    headers: { "WWW-Authenticate": 'Basic realm="skopeo serve", charset="UTF-8"' },
  });
}

function isReset(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ECONNRESET";
}

/** What a client can do nothing about is not explained, but that the disk is full helps whoever reads it. */
function failureMessage(error: unknown): { readonly message?: string } {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOSPC" || code === "EDQUOT") return { message: "no space left on the registry's disk" };
  return code === "EROFS" || code === "EACCES" ? { message: "the registry's disk cannot be written to" } : {};
}
