import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/** A registry in front of another that stops in the middle of a blob. */
export interface SlowedRegistry extends AsyncDisposable {
  readonly host: string;
  /** Resolves when it has stopped. */
  readonly halted: Promise<void>;
  /** Bytes of blobs that it has handed on. */
  sent(): number;
  /** From now on it stops no more. */
  release(): void;
}

/** Hands on the first `limit` bytes of blobs, and then nothing until it is released. */
export async function startSlowed(registry: string, limit: number): Promise<SlowedRegistry> {
  const [hostname, port] = registry.split(":");
  let sent = 0;
  let isReleased = false;
  const { promise: halted, resolve: halt } = Promise.withResolvers<void>();
  const server = createServer((message, response) => {
    const outgoing = request(
      { hostname, port, path: message.url, method: message.method, headers: message.headers },
      async (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        const isBlob = message.method === "GET" && message.url?.includes("/blobs/");
        response.on("close", () => answer.destroy());
        for await (const chunk of answer) {
          if (isBlob && !isReleased && sent + chunk.length > limit) {
            halt();
            return;
          }
          if (isBlob) sent += chunk.length;
          if (!response.write(chunk)) await new Promise((resolve) => response.once("drain", resolve));
        }
        response.end();
      },
    );
    outgoing.on("error", () => response.destroy());
    message.pipe(outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    halted,
    sent: () => sent,
    release: () => {
      isReleased = true;
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
