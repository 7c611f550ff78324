import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect, createServer as createSocketServer, type Socket } from "node:net";

/** An HTTP proxy on the loopback interface. To it every host is this machine, whatever its name. */
export interface ForwardProxy extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** `METHOD target` of each request that was let through, with `CONNECT host:port` for tunnels. */
  readonly seen: readonly string[];
}

/** Starts a proxy that lets in only who knows `user` and `password`, where they are given. */
export async function startForwardProxy(login?: { user: string; password: string }): Promise<ForwardProxy> {
  const seen: string[] = [];
  const expected = login && `Basic ${Buffer.from(`${login.user}:${login.password}`).toString("base64")}`;
  const isWelcome = (message: IncomingMessage): boolean =>
    expected === undefined || message.headers["proxy-authorization"] === expected;
  const server = createServer((message, response) => {
    if (!isWelcome(message)) return refuse(response);
    seen.push(`${message.method} ${message.url}`);
    forward(message, response);
  });
  server.on("connect", (message: IncomingMessage, client: Socket, head: Buffer) => {
    client.on("error", () => undefined);
    if (!isWelcome(message)) {
      client.end("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    seen.push(`CONNECT ${message.url}`);
    const upstream = connect(Number(message.url?.split(":").at(-1)), "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      upstream.write(head);
      upstream.pipe(client).pipe(upstream);
    });
    upstream.on("error", () => client.destroy());
    client.on("close", () => upstream.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    [Symbol.asyncDispose]: async () => stop(server),
  };
}

function refuse(response: ServerResponse): void {
  response.writeHead(407, { "Proxy-Authenticate": 'Basic realm="proxy"' }).end("who are you?");
}

function forward(message: IncomingMessage, response: ServerResponse): void {
  const url = new URL(message.url ?? "");
  const { "proxy-authorization": _, "proxy-connection": __, ...headers } = message.headers;
  const outgoing = request(
    { host: "127.0.0.1", port: url.port, path: url.pathname + url.search, method: message.method, headers },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(response);
    },
  );
  outgoing.on("error", () => response.destroy());
  message.pipe(outgoing);
}

function stop(server: Server): void {
  server.close();
  server.closeAllConnections();
}

/** A SOCKS 5 proxy without a login; to it, too, every host is this machine. RFC 1928. */
export async function startSocksProxy(): Promise<ForwardProxy> {
  const seen: string[] = [];
  const server = createSocketServer((client) => {
    client.on("error", () => undefined);
    client.once("data", () => {
      client.write(Buffer.from([5, 0]));
      client.once("data", (message: Buffer) => {
        // Version, command, reserved, address type 3: a length and a name, and the port.
        const name = message.subarray(5, -2).toString();
        const port = message.readUInt16BE(message.length - 2);
        seen.push(`CONNECT ${name}:${port}`);
        const upstream = connect(port, "127.0.0.1", () => {
          client.write(Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 0]));
          upstream.pipe(client).pipe(upstream);
        });
        upstream.on("error", () => client.destroy());
        client.on("close", () => upstream.destroy());
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}
