import { join } from "node:path";

/** A release's folder on a web server, as it would lie on the one that the release names. */
export interface ServedRelease extends Disposable {
  /** Below it the release is a folder named after its version. */
  readonly url: string;
  /** Gives another content for archives, of the same length, from now on. */
  isCorrupt: boolean;
}

/** Serves what will be made in `directory`. */
export function serveRelease(directory: string, version: string): ServedRelease {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const folder = `/releases/${version}/`;
      const { pathname } = new URL(request.url);
      if (!pathname.startsWith(folder)) return new Response("no such release", { status: 404 });
      const path = pathname.slice(folder.length);
      const file = Bun.file(join(directory, path));
      if (!(await file.exists())) return new Response("no such file", { status: 404 });
      if (!served.isCorrupt || !path.startsWith("archives/")) return new Response(file);
      const bytes = await file.bytes();
      const middle = bytes.length >> 1;
      bytes[middle] = (bytes[middle] ?? 0) ^ 1;
      return new Response(bytes);
    },
  });
  const served: ServedRelease = {
    url: `http://127.0.0.1:${server.port}/releases`,
    isCorrupt: false,
    [Symbol.dispose]: () => void server.stop(true),
  };
  return served;
}
