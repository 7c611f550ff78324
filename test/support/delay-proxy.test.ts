import { expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { type DelayProxy, startDelayProxy } from "../../bench/delay-proxy.ts";

const ROUND_TRIP = 100;

/** A server that answers with the digest of what it was sent, or with as many bytes as the path names. */
async function withProxy(roundTrip: number, use: (proxy: DelayProxy) => Promise<void>): Promise<void> {
  const server: Server = createServer(async (request, response) => {
    const wanted = Number(/\d+$/.exec(request.url ?? "")?.[0] ?? 0);
    const digest = await digestOf(request);
    response.end(wanted > 0 ? Buffer.alloc(wanted, "x") : digest);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    await using proxy = await startDelayProxy(`127.0.0.1:${port}`, roundTrip);
    await use(proxy);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

async function digestOf(stream: IncomingMessage): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of stream) hash.update(chunk);
  return hash.digest("hex");
}

test("a first request takes two round trips, a second on the same connection one", async () => {
  // A busy machine adds to the time, and never takes from it: the shortest of some tries tells.
  const shortest = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let tries = 0; tries < 4; tries += 1) {
    await withProxy(ROUND_TRIP, async ({ host }) => {
      for (const [request, before] of shortest.entries()) {
        const start = performance.now();
        await (await fetch(`http://${host}/v2/`)).text();
        shortest[request] = Math.min(before, performance.now() - start);
      }
    });
  }
  for (const [roundTrips, taken] of [
    [2, shortest[0]],
    [1, shortest[1]],
  ] as const) {
    expect(taken).toBeGreaterThanOrEqual(roundTrips * ROUND_TRIP - 2);
    expect(taken).toBeLessThan((roundTrips + 0.8) * ROUND_TRIP);
  }
});

test("bytes arrive whole and in order, also those sent while the connection opens", async () => {
  await withProxy(10, async ({ host }) => {
    const body = randomBytes(3_000_000);
    const pieces = Array.from({ length: 60 }, (_, i) => body.subarray(i * 50_000, (i + 1) * 50_000));
    const stream = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const piece = pieces.shift();
        if (piece === undefined) controller.close();
        else controller.enqueue(piece);
        await Bun.sleep(Math.random());
      },
    });
    const response = await fetch(`http://${host}/v2/`, { method: "POST", body: stream });
    expect(await response.text()).toBe(createHash("sha256").update(body).digest("hex"));
  });
});

test("it counts bytes and requests, also those whose head comes in pieces", async () => {
  await withProxy(0, async (proxy) => {
    const socket = connect(Number(proxy.host.split(":")[1]), "127.0.0.1");
    let answers = "";
    socket.on("data", (chunk: Buffer) => {
      answers += chunk.toString();
    });
    const head = "GET /v2/app/tags/list HTTP/1.1\r\nHost: x\r\n\r\n";
    for (const piece of [head + head.slice(0, 3), head.slice(3, 30), head.slice(30)]) {
      socket.write(piece);
      await Bun.sleep(20);
    }
    while ([...answers.matchAll(/200 OK/g)].length < 2) await Bun.sleep(5);
    socket.destroy();
    expect(proxy.traffic()).toMatchObject({ requests: 2, bytesToServer: 2 * head.length });
    proxy.reset();
    expect((await (await fetch(`http://${proxy.host}/v2/1000`)).text()).length).toBe(1000);
    expect(proxy.traffic().requests).toBe(1);
    expect(proxy.traffic().bytesFromServer).toBeGreaterThan(1000);
  });
});

test("bandwidth is not limited by the delay", async () => {
  await withProxy(ROUND_TRIP, async ({ host }) => {
    const start = performance.now();
    const size = 50_000_000;
    expect((await (await fetch(`http://${host}/v2/${size}`)).arrayBuffer()).byteLength).toBe(size);
    expect(performance.now() - start).toBeLessThan(20 * ROUND_TRIP);
  });
});

test("a connection that the server breaks is broken for the client", async () => {
  const server = createServer((request) => request.socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  await using proxy = await startDelayProxy(`127.0.0.1:${(server.address() as AddressInfo).port}`, 10);
  await expect(fetch(`http://${proxy.host}/v2/`)).rejects.toThrow();
  server.close();
  await new Promise((resolve) => server.on("close", resolve));
  await expect(fetch(`http://${proxy.host}/v2/`)).rejects.toThrow();
});
