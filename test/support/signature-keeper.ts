import type { DockerRegistry } from "./docker-registry.ts";

/** A registry that keeps simple signatures itself, as OpenShift's does: in front of one that does not. */
export interface SignatureKeeper extends AsyncDisposable {
  readonly host: string;
  /** What is kept, by the path that it was sent to. */
  readonly kept: ReadonlyMap<string, readonly unknown[]>;
}

/** Adds an entry to every list that no client understands. */
const FOREIGN = { schemaVersion: 3, name: "foreign", type: "other", content: "AAAA" };

export function startSignatureKeeper(behind: DockerRegistry): SignatureKeeper {
  const kept = new Map<string, readonly unknown[]>();
  const keep = async (request: Request, path: string): Promise<Response> => {
    if (request.method === "GET") {
      return Response.json({ signatures: [FOREIGN, ...(kept.get(path) ?? [])] });
    }
    if (request.method !== "PUT") return new Response("", { status: 405 });
    kept.set(path, [...(kept.get(path) ?? []), await request.json()]);
    return new Response("", { status: 201 });
  };
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      const { pathname, search } = new URL(request.url);
      const response = pathname.startsWith("/extensions/v2/")
        ? await keep(request, pathname)
        : await fetch(`${behind.url}${pathname}${search}`, {
            method: request.method,
            headers: request.headers,
            body: request.method === "GET" || request.method === "HEAD" ? null : await request.arrayBuffer(),
            redirect: "manual",
          });
      const headers = new Headers(response.headers);
      headers.set("X-Registry-Supports-Signatures", "1");
      return new Response(response.body, { status: response.status, headers });
    },
  });
  return {
    host: `127.0.0.1:${server.port}`,
    kept,
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  };
}
