/**
 * Requests to registries, below images: `Registry` sees to logins and limits, `RegistryConnection` sends whatever one likes.
 * @packageDocumentation
 */
export type { CredentialsProvider } from "../core/credentials.ts";
export type { BlobName, BlobRange } from "../library/blob-range.ts";
export { Registry, type RegistryOptions } from "../library/registry.ts";
export {
  type ConnectionOptions,
  type RegistryAction,
  RegistryConnection,
  type RegistryRequest,
} from "../registry/connection.ts";
export { NetworkError } from "../registry/network-error.ts";
export { RegistryClient } from "../registry/registry-client.ts";
export { RegistryError } from "../registry/registry-error.ts";
export type { HttpBody, HttpClient, HttpRequest, HttpResponse } from "../runtime/http.ts";
export { createFetchClient, type Fetch, type FetchInit } from "../runtime/http-fetch.ts";
