import type { AddressInfo } from "node:net";
import { connect, createServer, type Socket } from "node:net";

/** What has passed through a proxy. */
export interface Traffic {
  /** Heads of HTTP/1.1 requests for the distribution API. */
  readonly requests: number;
  readonly bytesToServer: number;
  readonly bytesFromServer: number;
}

/** A loopback TCP proxy that puts a distant registry in front of a near one, and counts what passes. */
export interface DelayProxy extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** Since the start, or since the last reset. */
  traffic(): Traffic;
  reset(): void;
}

const REQUEST_LINE = /(?:GET|HEAD|POST|PUT|PATCH|DELETE) \/v2\/[^ \r\n]* HTTP\/1\.1\r\n/g;
/** More than a request line has, so that one which is split between two chunks is found. */
const LONGEST_LINE = 4096;
const NOTHING: Traffic = { requests: 0, bytesToServer: 0, bytesFromServer: 0 };

/**
 * Delays every byte by half of `roundTrip` (milliseconds) each way, without limiting bandwidth. A new connection costs
 * one more round trip, as a TCP handshake does. With 0 it only counts.
 */
export async function startDelayProxy(target: string, roundTrip: number): Promise<DelayProxy> {
  const [targetHost = "", targetPort = ""] = target.split(":");
  const sockets = new Set<Socket>();
  let traffic = NOTHING;
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port: Number(targetPort), host: targetHost, allowHalfOpen: true });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => undefined);
      socket.on("close", () => sockets.delete(socket));
    }
    const countRequests = requestCounter();
    relay(near, far, roundTrip / 2, performance.now() + roundTrip, (chunk) => {
      const { requests, bytesToServer } = traffic;
      traffic = {
        ...traffic,
        requests: requests + countRequests(chunk),
        bytesToServer: bytesToServer + chunk.length,
      };
    });
    relay(far, near, roundTrip / 2, 0, (chunk) => {
      traffic = { ...traffic, bytesFromServer: traffic.bytesFromServer + chunk.length };
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    traffic: () => traffic,
    reset: () => {
      traffic = NOTHING;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Counts the request lines of one connection, chunk by chunk. */
function requestCounter(): (chunk: Buffer) => number {
  let tail = "";
  return (chunk) => {
    const text = tail + chunk.toString("latin1");
    const found = [...text.matchAll(REQUEST_LINE)].length;
    const lastLine = text.slice(text.lastIndexOf("\n") + 1);
    tail = lastLine.length > LONGEST_LINE ? "" : lastLine;
    return found;
  };
}

/** What is on its way: bytes, or the end of the stream. */
interface Parcel {
  readonly due: number;
  readonly chunk: Buffer | undefined;
}

/** Hands bytes on in order, each `delay` after it came, and none earlier than `delay` after `notBefore`. */
function relay(
  from: Socket,
  to: Socket,
  delay: number,
  notBefore: number,
  onChunk: (chunk: Buffer) => void,
): void {
  const underway: Parcel[] = [];
  let isTimed = false;

  const send = (chunk: Buffer | undefined): void => {
    const arrival = Math.max(performance.now(), notBefore);
    underway.push({ due: arrival + delay, chunk });
    if (!isTimed) deliver();
  };
  const deliver = (): void => {
    isTimed = false;
    for (let next = underway[0]; next !== undefined; next = underway[0]) {
      const wait = next.due - performance.now();
      if (wait > 0) {
        isTimed = true;
        setTimeout(deliver, wait);
        return;
      }
      underway.shift();
      pass(from, to, next.chunk);
    }
  };

  from.on("data", (chunk: Buffer) => {
    onChunk(chunk);
    send(chunk);
  });
  to.on("drain", () => from.resume());
  let hasEnded = false;
  from.on("end", () => {
    hasEnded = true;
    send(undefined);
  });
  from.on("close", (hadError) => {
    if (hadError || !hasEnded) to.destroy();
  });
}

function pass(from: Socket, to: Socket, chunk: Buffer | undefined): void {
  if (to.destroyed) return;
  if (chunk === undefined) to.end();
  else if (!to.write(chunk)) from.pause();
}
