import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Certificate } from "./certificates.ts";
import { findProgram } from "./peers.ts";

/** A running docker-registry, in a directory of its own. */
export interface DockerRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT`, as in image names. */
  readonly host: string;
  readonly url: string;
  readonly dataDirectory: string;
  /** What it has answered so far, in order, as its access log tells. */
  requests(): readonly LoggedRequest[];
}

export interface LoggedRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly status: number;
  readonly userAgent: string;
}

export interface DockerRegistryOptions {
  /** Accepts only this user, by Basic authentication. */
  readonly user?: { readonly name: string; readonly password: string };
  /** Takes the tokens of a server: its `auth.token` section. */
  readonly token?: object;
  readonly tls?: Certificate;
  /** Asks clients for a certificate of this authority, a path. */
  readonly clientAuthority?: string;
  readonly isReadOnly?: boolean;
  readonly allowsDelete?: boolean;
  /** Takes manifests of Docker's schema 1. */
  readonly acceptsSchema1?: boolean;
  /** Keeps nothing of its own: passes on, and remembers, what is at this URL. */
  readonly proxyOf?: string;
}

const ATTEMPTS = 3;
const registries = new Set<Bun.Subprocess>();
process.on("exit", () => {
  for (const child of registries) child.kill("SIGKILL");
});

/** Starts Debian's docker-registry and waits until it answers. */
export async function startDockerRegistry(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  const program = findProgram("docker-registry");
  if (program === undefined) throw new Error("docker-registry is not installed");
  const directory = mkdtempSync(join(tmpdir(), "docker-registry-"));
  // Somebody else may take the free port in between.
  for (let attempt = 1; ; attempt++) {
    const started = await tryStart(program, directory, options);
    if (started !== undefined) return started;
    if (attempt === ATTEMPTS) {
      throw new Error(
        `docker-registry does not start:\n${readFileSync(join(directory, "error.log"), "utf8")}`,
      );
    }
  }
}

async function tryStart(
  program: string,
  directory: string,
  options: DockerRegistryOptions,
): Promise<DockerRegistry | undefined> {
  const host = `127.0.0.1:${await freePort()}`;
  const config = join(directory, "config.json");
  const accessLog = join(directory, "access.log");
  writeFileSync(config, JSON.stringify(await configuration(host, directory, options)));
  const child = Bun.spawn([program, "serve", config], {
    stdin: "ignore",
    stdout: Bun.file(accessLog),
    stderr: Bun.file(join(directory, "error.log")),
    env: { PATH: process.env.PATH ?? "" },
  });
  registries.add(child);
  const url = `${options.tls === undefined ? "http" : "https"}://${host}`;
  if (!(await answers(url, child))) return undefined;
  return {
    host,
    url,
    dataDirectory: join(directory, "data"),
    requests: () => parseAccessLog(readFileSync(accessLog, "utf8")),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
      registries.delete(child);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** YAML takes JSON as it is. */
async function configuration(
  host: string,
  directory: string,
  options: DockerRegistryOptions,
): Promise<unknown> {
  const { user, tls, clientAuthority, proxyOf } = options;
  return {
    version: "0.1",
    log: { level: "warn", accesslog: { disabled: false } },
    storage: {
      filesystem: { rootdirectory: join(directory, "data") },
      delete: { enabled: options.allowsDelete ?? true },
      maintenance: { readonly: { enabled: options.isReadOnly ?? false }, uploadpurging: { enabled: false } },
    },
    http: {
      addr: host,
      ...(tls === undefined
        ? {}
        : {
            tls: {
              certificate: tls.certificate,
              key: tls.key,
              ...(clientAuthority === undefined ? {} : { clientcas: [clientAuthority] }),
            },
          }),
    },
    ...(options.acceptsSchema1 ? { compatibility: { schema1: { enabled: true } } } : {}),
    ...(proxyOf === undefined ? {} : { proxy: { remoteurl: proxyOf } }),
    ...(options.token === undefined ? {} : { auth: { token: options.token } }),
    ...(user === undefined
      ? {}
      : { auth: { htpasswd: { realm: "test", path: await passwordFile(directory, user) } } }),
  };
}

async function passwordFile(directory: string, user: { name: string; password: string }): Promise<string> {
  const path = join(directory, "htpasswd");
  const hash = await Bun.password.hash(user.password, { algorithm: "bcrypt", cost: 4 });
  writeFileSync(path, `${user.name}:${hash.replace(/^\$2b\$/, "$2y$")}\n`);
  return path;
}

/** Whether it answers before it ends. @throws when it does neither for long */
async function answers(url: string, child: Bun.Subprocess): Promise<boolean> {
  for (let attempt = 0; attempt < 400; attempt++) {
    if (child.exitCode !== null) return false;
    try {
      await fetch(`${url}/v2/`, { tls: { rejectUnauthorized: false }, headers: { "User-Agent": PROBE } });
      return true;
    } catch (error) {
      // A server that asks for a client certificate does answer: by refusing.
      if (error instanceof Error && "code" in error && error.code !== "ECONNREFUSED") return true;
      await Bun.sleep(25);
    }
  }
  child.kill("SIGKILL");
  throw new Error(`docker-registry does not answer at ${url}`);
}

const PROBE = "start-probe";

/** The access log is in Apache's combined format. */
function parseAccessLog(text: string): readonly LoggedRequest[] {
  const lines = text.matchAll(/^\S+ \S+ \S+ \[[^\]]*\] "(\S+) (\S+) [^"]*" (\d+) \d+ "[^"]*" "([^"]*)"$/gm);
  return [...lines]
    .map(([, method = "", target = "", status = "", userAgent = ""]) => ({
      ...{ method, target, userAgent },
      status: Number(status),
    }))
    .filter(({ userAgent }) => userAgent !== PROBE);
}

/** A port that nobody listens on just now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
