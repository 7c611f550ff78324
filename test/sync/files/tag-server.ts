/** A registry that has every repository, each with the same tags, and nothing else. */
export interface TagServer extends AsyncDisposable {
  readonly host: string;
}

export function startTagServer(tags: readonly string[]): TagServer {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/v2/") return Response.json({});
      const name = /^\/v2\/(.+)\/tags\/list$/.exec(pathname)?.[1];
      return name === undefined ? new Response(null, { status: 404 }) : Response.json({ name, tags });
    },
  });
  return {
    host: `127.0.0.1:${server.port}`,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}
