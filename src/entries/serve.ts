/**
 * A registry within a program: as a server, or as a function from `Request` to `Response`.
 * @packageDocumentation
 */

export type { RequestHandler } from "../runtime/http-server.ts";
export { createRegistryHandler, type RegistryHandlerOptions, type ServedExchange } from "../serve/handler.ts";
export { createBasicAuthentication, parseHtpasswd } from "../serve/htpasswd.ts";
export { LayoutStore } from "../serve/layout-store.ts";
export { MemoryStore } from "../serve/memory-store.ts";
export { type RegistryServer, type RegistryServerOptions, startRegistry } from "../serve/registry-server.ts";
export type { BlobContent, EntryChange, ManifestEntry, RegistryStore, Upload } from "../serve/store.ts";
