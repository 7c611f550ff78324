import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
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
}

export interface DockerRegistryOptions {
  /** Accepts only this user, by Basic authentication. */
  readonly user?: { readonly name: string; readonly password: string };
  readonly tls?: Certificate;
  /** Asks clients for a certificate of this authority, a path. */
  readonly clientAuthority?: string;
  readonly isReadOnly?: boolean;
  readonly allowsDelete?: boolean;
}

/** Starts Debian's docker-registry and waits until it answers. */
export async function startDockerRegistry(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  const program = findProgram("docker-registry");
  if (program === undefined) throw new Error("docker-registry is not installed");
  const directory = mkdtempSync(join(tmpdir(), "docker-registry-"));
  const host = `127.0.0.1:${await freePort()}`;
  const config = join(directory, "config.json");
  writeFileSync(config, JSON.stringify(await configuration(host, directory, options)));
  const child = Bun.spawn([program, "serve", config], {
    stdout: Bun.file(join(directory, "log")),
    stderr: Bun.file(join(directory, "log")),
    env: { PATH: process.env.PATH ?? "" },
  });
  const url = `${options.tls === undefined ? "http" : "https"}://${host}`;
  await answering(url);
  return {
    host,
    url,
    dataDirectory: join(directory, "data"),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
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
  const { user, tls, clientAuthority } = options;
  return {
    version: "0.1",
    log: { level: "warn" },
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

async function answering(url: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    try {
      await fetch(`${url}/v2/`, { tls: { rejectUnauthorized: false } });
      return;
    } catch (error) {
      // A server that asks for a client certificate does answer: by refusing.
      if (error instanceof Error && "code" in error && error.code !== "ECONNREFUSED") return;
      await Bun.sleep(25);
    }
  }
  throw new Error(`docker-registry does not answer at ${url}`);
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
