import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A registry behind a link that breaks. */
export interface LossyRegistry extends AsyncDisposable {
  readonly host: string;
  /** Connections that were cut so far. */
  cuts(): number;
  /** Refuses and cuts all connections for so long, in milliseconds. */
  fail(duration: number): Promise<void>;
}

/** Cuts one connection in `every`, somewhere within its first 60 kB; the same seed cuts the same way. */
export async function startLossy(registry: string, every: number, seed: number): Promise<LossyRegistry> {
  const [hostname = "", port] = registry.split(":");
  const sockets = new Set<Socket>();
  let state = seed;
  const random = (): number => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
  let cuts = 0;
  let isDown = false;
  const server = createServer((client) => {
    sockets.add(client);
    client.on("error", () => undefined);
    client.on("close", () => sockets.delete(client));
    if (isDown) return void client.destroy();
    const upstream = connect(Number(port), hostname);
    upstream.on("error", () => client.destroy());
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
    client.pipe(upstream);
    let left = random() * every < 1 ? Math.floor(random() * 60_000) : Number.POSITIVE_INFINITY;
    upstream.on("data", (chunk: Buffer) => {
      left -= chunk.length;
      if (left >= 0) return void client.write(chunk);
      cuts++;
      client.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cuts: () => cuts,
    async fail(duration) {
      isDown = true;
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => setTimeout(resolve, duration));
      isDown = false;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
