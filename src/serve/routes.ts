import { ApiError } from "./api-error.ts";
import { isRepositoryName } from "./repository-name.ts";

export type RouteKind =
  | "ping"
  | "catalog"
  | "manifest"
  | "blob"
  | "uploads"
  | "upload"
  | "tags"
  | "referrers";

/** What a URL means. `reference` is a tag, a digest or the identifier of an upload, as written. */
export interface Route {
  readonly kind: RouteKind;
  readonly repository: string;
  readonly reference: string;
}

/** A repository name is greedy: of `a/blobs/b/manifests/c` the last keyword counts. Distribution spec 1.1, "Endpoints". */
const PATTERNS: readonly (readonly [RouteKind, RegExp])[] = [
  ["ping", /^\/v2\/?$/],
  ["catalog", /^\/v2\/_catalog$/],
  ["tags", /^\/v2\/(?<repository>.+)\/tags\/list$/],
  ["uploads", /^\/v2\/(?<repository>.+)\/blobs\/uploads\/?$/],
  ["upload", /^\/v2\/(?<repository>.+)\/blobs\/uploads\/(?<reference>[^/]+)$/],
  ["blob", /^\/v2\/(?<repository>.+)\/blobs\/(?<reference>[^/]+)$/],
  ["manifest", /^\/v2\/(?<repository>.+)\/manifests\/(?<reference>[^/]+)$/],
  ["referrers", /^\/v2\/(?<repository>.+)\/referrers\/(?<reference>[^/]+)$/],
];

/** @throws {ApiError} UNSUPPORTED with status 404 when the API has no such path, NAME_INVALID */
export function parseRoute(pathname: string): Route {
  const path = decodePath(pathname);
  for (const [kind, pattern] of PATTERNS) {
    const match = pattern.exec(path);
    if (match === null) continue;
    const { repository = "", reference = "" } = match.groups ?? {};
    if (repository !== "" && !isRepositoryName(repository)) {
      throw new ApiError("NAME_INVALID", { details: [{ name: repository }] });
    }
    return { kind, repository, reference };
  }
  throw noSuchPath();
}

function decodePath(pathname: string): string {
  try {
    return decodeURIComponent(pathname);
  } catch {
    throw noSuchPath();
  }
}

function noSuchPath(): ApiError {
  return new ApiError("UNSUPPORTED", { status: 404, message: "there is nothing at this path" });
}
