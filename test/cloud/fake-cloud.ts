import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer as createPlainServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAuthority } from "../support/certificates.ts";
import { mustRun } from "../support/run.ts";
import type { Finding } from "./find.ts";

/** A request that a service of the fake cloud got. */
export interface Call {
  /** `POST api.example.com/path`, without the query. */
  readonly name: string;
  readonly url: URL;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** What a service answers; undefined means never. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export type Service = (call: Call) => Answer | undefined;

/** Services of clouds on this machine, which has all their names: over TLS behind a proxy, and over plain HTTP. */
export interface FakeCloud extends AsyncDisposable {
  /** `127.0.0.1:PORT`, plain HTTP. */
  readonly plainHost: string;
  readonly calls: Call[];
  /** The services by the name of a call: `POST api.example.com/path`; plain ones by `GET plain/path`. */
  services: Readonly<Record<string, Service>>;
  /** Searches for credentials in a process of its own, which reaches nothing but this cloud. */
  find(registry: string, env?: Readonly<Record<string, string>>, runtime?: "bun" | "node"): Promise<Finding>;
}

const SCRIPT = join(import.meta.dirname, "find.ts");
/** `find.ts` as Bun runs it: compiled, when FIND_BINARY names such a file. */
const BUN: readonly string[] = process.env.FIND_BINARY
  ? [process.env.FIND_BINARY]
  : [process.execPath, SCRIPT];
const NODE = join(import.meta.dirname, "..", "..", "node_modules", ".bin", "node");

/** `names` are the hosts that the certificate is for. */
export async function startFakeCloud(names: readonly string[]): Promise<FakeCloud> {
  const authority = await createAuthority("cloud authority");
  const alternatives = names.map((name) => `DNS:${name}`).join(",");
  const issued = await authority.issue("cloud", { names: alternatives });
  const calls: Call[] = [];
  const state: { services: Readonly<Record<string, Service>> } = { services: {} };
  const handle = (isPlain: boolean) => (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const host = isPlain ? "plain" : (request.headers.host ?? "").replace(/:443$/, "");
      const url = new URL(request.url ?? "/", `https://${host}`);
      const body = Buffer.concat(chunks).toString();
      const call = { name: `${request.method} ${host}${url.pathname}`, url, headers: request.headers, body };
      calls.push(call);
      const service = state.services[call.name];
      const answer = service === undefined ? { status: 404 } : service(call);
      if (answer !== undefined) reply(response, answer);
    });
  };
  const key = readFileSync(issued.key);
  const secure = createTlsServer({ key, cert: readFileSync(issued.certificate) }, handle(false));
  const plain = createPlainServer(handle(true));
  const proxy = createPlainServer((_, response) => response.writeHead(500).end("only tunnels"));
  const sockets = new Set<Socket>();
  proxy.on("connect", (request: IncomingMessage, client: Socket, head: Buffer) => {
    calls.push({
      name: `CONNECT ${request.url}`,
      url: new URL("tunnel:"),
      headers: request.headers,
      body: "",
    });
    sockets.add(client);
    const upstream = connect(portOf(secure), "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      upstream.write(head);
      upstream.pipe(client).pipe(upstream);
    });
    upstream.on("error", () => client.destroy());
    client.on("error", () => upstream.destroy());
    client.on("close", () => upstream.destroy());
  });
  for (const server of [secure, plain, proxy]) {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  }
  const home = mkdtempSync(join(tmpdir(), "cloud-home-"));
  const base = {
    PATH: process.env.PATH ?? "",
    HOME: home,
    NODE_EXTRA_CA_CERTS: authority.certificate,
    FIND_PROXY: `http://127.0.0.1:${portOf(proxy)}`,
    // This machine's own metadata service, should it have one, is not part of any test.
    AWS_EC2_METADATA_DISABLED: "true",
    METADATA_SERVER_DETECTION: "none",
  };
  return {
    plainHost: `127.0.0.1:${portOf(plain)}`,
    calls,
    get services() {
      return state.services;
    },
    set services(services) {
      state.services = services;
    },
    async find(registry, env = {}, runtime = "bun") {
      calls.length = 0;
      const program = runtime === "bun" ? BUN : [NODE, SCRIPT];
      const stdout = await mustRun([...program, registry], {
        env: { ...base, ...env },
        timeout: 30_000,
      });
      const finding: Finding = JSON.parse(stdout);
      return finding;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      for (const server of [secure, plain, proxy]) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}

function portOf(server: { address(): string | AddressInfo | null }): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  return address.port;
}

function reply(response: ServerResponse, { status = 200, headers = {}, body = "" }: Answer): void {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const type = typeof body === "string" ? "text/plain" : "application/json";
  response.writeHead(status, { "Content-Type": type, ...headers }).end(text);
}

/** A file with `content` in a directory of its own. */
export function temporaryFile(content: unknown, name = "file"): string {
  const path = join(mkdtempSync(join(tmpdir(), "cloud-file-")), name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}
