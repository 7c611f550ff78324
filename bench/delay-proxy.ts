import type { AddressInfo } from "node:net";
import { connect, createServer, type Socket } from "node:net";

/** A loopback TCP proxy that puts a distant registry in front of a near one. */
export interface DelayProxy extends AsyncDisposable {
  readonly host: string;
  /** Requests seen since the last reset: heads of HTTP/1.1 messages on their way to the server. */
  requests(): number;
  reset(): void;
}

const REQUEST_HEAD = /(?:GET|HEAD|POST|PUT|PATCH|DELETE) \/v2\/[^ ]* HTTP\/1\.1\r\n/g;

/**
 * Delays every byte by half of `roundTrip` (milliseconds) each way, without limiting bandwidth. A new connection costs
 * one more round trip, as a TCP handshake does.
 */
export async function startDelayProxy(target: string, roundTrip: number): Promise<DelayProxy> {
  const [targetHost = "", targetPort = ""] = target.split(":");
  const sockets = new Set<Socket>();
  let requests = 0;
  const server = createServer((near) => {
    const far = connect(Number(targetPort), targetHost);
    const opened = performance.now() + roundTrip;
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => undefined);
      socket.on("close", () => sockets.delete(socket));
    }
    relay(near, far, roundTrip / 2, opened, (chunk) => {
      requests += [...chunk.toString("latin1").matchAll(REQUEST_HEAD)].length;
    });
    relay(far, near, roundTrip / 2, 0, () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => requests,
    reset: () => {
      requests = 0;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Passes bytes on after `delay`, and none before `notBefore` plus that. */
function relay(
  from: Socket,
  to: Socket,
  delay: number,
  notBefore: number,
  onChunk: (chunk: Buffer) => void,
): void {
  const wait = (): number => Math.max(performance.now(), notBefore) + delay - performance.now();
  from.on("data", (chunk: Buffer) => {
    onChunk(chunk);
    if (delay === 0) pass(from, to, chunk);
    else setTimeout(() => pass(from, to, chunk), wait());
  });
  from.on("end", () => setTimeout(() => to.end(), delay === 0 ? 0 : wait()));
  from.on("close", () => setTimeout(() => to.destroy(), delay === 0 ? 50 : wait() + 50));
}

function pass(from: Socket, to: Socket, chunk: Buffer): void {
  if (to.destroyed || to.write(chunk)) return;
  from.pause();
  to.once("drain", () => from.resume());
}
