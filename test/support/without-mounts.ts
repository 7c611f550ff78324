import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/** A registry in front of another that answers no mount: it opens an upload instead, as the specification allows. */
export async function startWithoutMounts(
  registry: string,
): Promise<{ readonly host: string } & AsyncDisposable> {
  const [hostname, port] = registry.split(":");
  const server = createServer((message, response) => {
    const url = new URL(message.url ?? "/", "http://registry");
    url.searchParams.delete("mount");
    url.searchParams.delete("from");
    const outgoing = request(
      {
        hostname,
        port,
        path: `${url.pathname}${url.search}`,
        method: message.method,
        headers: message.headers,
      },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        answer.pipe(response);
      },
    );
    outgoing.on("error", () => response.destroy());
    message.pipe(outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
