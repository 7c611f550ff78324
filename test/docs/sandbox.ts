import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRegistryHandler } from "../../src/serve/handler.ts";
import { MemoryStore } from "../../src/serve/memory-store.ts";
import { pushImage } from "../serve/push.ts";
import { type Certificate, createAuthority } from "../support/certificates.ts";
import type { TestImage } from "../support/images.ts";
import { OURS, type Outcome, run } from "../support/run.ts";

type Handler = (request: Request) => Promise<Response>;

/**
 * A machine for the commands of a page, word for word: every host name leads, through a proxy and with a certificate
 * that the machine trusts, to a registry in memory; `skopeo` is ours, and the home directory is empty.
 */
export interface Sandbox extends AsyncDisposable {
  /** Where commands run; the home directory, too. */
  readonly directory: string;
  /** Variables of its commands; more may be added. */
  readonly env: Record<string, string>;
  /** The certificate of the authority that all hosts have theirs from. */
  readonly authority: string;
  /** Has a host answer otherwise. */
  answerFor(host: string, handler: Handler): void;
  /** Lets only this user into a host's registry. */
  protect(host: string, user: string, password: string): void;
  /** Pushes images by their names, such as `docker.io/library/alpine:3.20`. */
  push(images: Readonly<Record<string, TestImage>>): Promise<void>;
  /** Asks a registry, without a login. */
  ask(url: string): Promise<Response>;
  /** Digests by name, of all tags in all registries. */
  tags(): Promise<Readonly<Record<string, string>>>;
  /** Writes a file below the directory, or below the home as `~/…`. */
  write(name: string, content: string | Uint8Array): string;
  /** Takes care that something ends with the sandbox. */
  use<Resource extends AsyncDisposable>(resource: Resource): Resource;
  /** Runs a script with bash; the first command that fails ends it. */
  run(script: string): Promise<Outcome>;
  /** Starts a script that goes on, and waits for its first line. */
  start(script: string): Promise<void>;
}

const HOSTS =
  "registry.example.com,*.example.com,registry.example.org,registry-1.docker.io,index.docker.io,ghcr.io,quay.io";
/** Names under which Docker Hub is asked. */
const HUB: ReadonlySet<string> = new Set(["registry-1.docker.io", "index.docker.io"]);

let shared: Promise<{ readonly authority: string; readonly certificate: Certificate }> | undefined;

/** Keys take their time, and serve all sandboxes of a process. */
async function certificates(): Promise<{ readonly authority: string; readonly certificate: Certificate }> {
  const authority = await createAuthority();
  const names = HOSTS.split(",").map((host) => `DNS:${host}`);
  return {
    authority: authority.certificate,
    certificate: await authority.issue("hosts", { names: names.join(",") }),
  };
}

export async function createSandbox(): Promise<Sandbox> {
  shared ??= certificates();
  const { authority, certificate } = await shared;
  const hosts = new Registries();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    tls: { cert: readFileSync(certificate.certificate), key: readFileSync(certificate.key) },
    fetch: (request) => hosts.answer(request),
  });
  const proxy = await startProxy(server.port ?? 0);
  const directory = mkdtempSync(join(tmpdir(), "docs-"));
  const env: Record<string, string> = {
    HOME: directory,
    XDG_RUNTIME_DIR: join(directory, ".run"),
    PATH: `${join(directory, ".programs")}:${process.env.PATH}`,
    TZ: "UTC",
    HTTPS_PROXY: proxy.url,
    SSL_CERT_FILE: authority,
  };
  const write = (name: string, content: string | Uint8Array): string => {
    const path = join(directory, name.replace(/^~\//, ""));
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, content);
    return path;
  };
  mkdirSync(join(directory, ".run"));
  const words = OURS.map((word) => `'${word}'`).join(" ");
  chmodSync(write(".programs/skopeo", `#!/bin/sh\nexec ${words} "$@"\n`), 0o755);
  const resources = new AsyncDisposableStack();
  resources.defer(() => server.stop(true));
  resources.defer(() => proxy.stop());
  return {
    ...{ directory, env, authority, write },
    use: (resource) => resources.use(resource),
    answerFor: (host, handler) => hosts.set(host, handler),
    protect: (host, user, password) => hosts.protect(host, user, password),
    async push(images) {
      for (const [name, image] of Object.entries(images)) {
        const [, host = "", repository = "", tag = ""] = /^([^/]+)\/(.*):([^:]+)$/.exec(name) ?? [];
        await hosts.push(host, repository, tag, image);
      }
    },
    ask: (url) => hosts.ask(new Request(url, { headers: { Accept: "*/*" } })),
    tags: () => hosts.tags(),
    run: (script) => run(["bash", "-euo", "pipefail", "-c", script], { cwd: directory, env }),
    async start(script) {
      const child = Bun.spawn(["bash", "-c", script.replace(/\s+$/, "")], {
        ...{ cwd: directory, env, stdout: "pipe", stderr: "pipe", stdin: "ignore" },
      });
      resources.defer(async () => {
        child.kill();
        await child.exited;
      });
      const { done } = await child.stdout.getReader().read();
      if (done) throw new Error(`${script} ended:\n${await new Response(child.stderr).text()}`);
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** A registry in memory for each host, made when it is first asked for. */
class Registries {
  readonly #handlers = new Map<string, Handler>();
  readonly #logins = new Map<string, string>();

  set(host: string, handler: Handler): void {
    this.#handlers.set(host, handler);
  }

  protect(host: string, user: string, password: string): void {
    this.#logins.set(host, `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`);
  }

  async answer(request: Request): Promise<Response> {
    const host = new URL(request.url).hostname;
    const login = this.#logins.get(host);
    if (login === undefined || request.headers.get("authorization") === login) return await this.ask(request);
    const errors = [{ code: "UNAUTHORIZED", message: "authentication required" }];
    const headers = { "WWW-Authenticate": 'Basic realm="test"' };
    return Response.json({ errors }, { status: 401, headers });
  }

  async push(host: string, repository: string, tag: string, image: TestImage): Promise<void> {
    const handler = this.#handlerOf(host);
    await pushImage(`https://${host}`, repository, tag, image, (url, init) =>
      handler(new Request(url, init)),
    );
  }

  async ask(request: Request): Promise<Response> {
    return await this.#handlerOf(new URL(request.url).hostname)(request);
  }

  async tags(): Promise<Readonly<Record<string, string>>> {
    const found: Record<string, string> = {};
    for (const [host, handler] of this.#handlers) {
      const ask = async (path: string, method = "GET"): Promise<Response> =>
        await handler(new Request(`https://${host}/v2/${path}`, { method, headers: { Accept: "*/*" } }));
      const { repositories = [] } = (await (await ask("_catalog")).json()) as { repositories?: string[] };
      for (const repository of repositories) {
        const { tags } = (await (await ask(`${repository}/tags/list`)).json()) as { tags: string[] };
        for (const tag of tags) {
          const { headers } = await ask(`${repository}/manifests/${tag}`, "HEAD");
          found[`${host}/${repository}:${tag}`] = headers.get("docker-content-digest") ?? "";
        }
      }
    }
    return found;
  }

  #handlerOf(host: string): Handler {
    const name = HUB.has(host) ? "docker.io" : host;
    const handler = this.#handlers.get(name) ?? createRegistryHandler({ store: new MemoryStore() });
    this.#handlers.set(name, handler);
    return handler;
  }
}

/** A proxy that tunnels whatever host is asked for to one port of this machine. */
async function startProxy(port: number): Promise<{ readonly url: string; stop(): void }> {
  const server = createServer((_, response) => response.writeHead(501).end());
  server.on("connect", (_: IncomingMessage, client: Socket, head: Buffer) => {
    const upstream = connect(port, "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      upstream.write(head);
      upstream.pipe(client).pipe(upstream);
    });
    for (const socket of [client, upstream]) {
      socket.on("error", () => undefined);
      socket.on("close", () => [client, upstream].map((each) => each.destroy()));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}
