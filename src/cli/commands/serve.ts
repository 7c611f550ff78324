import { readFile } from "node:fs/promises";
import { errorMessage, ImageError, inContext } from "../../core/errors.ts";
import { splitPath } from "../../runtime/paths.ts";
import type { ServedExchange } from "../../serve/handler.ts";
import { createBasicAuthentication, parseHtpasswd } from "../../serve/htpasswd.ts";
import { LayoutStore } from "../../serve/layout-store.ts";
import { MemoryStore } from "../../serve/memory-store.ts";
import {
  type RegistryServer,
  type RegistryServerOptions,
  startRegistry,
} from "../../serve/registry-server.ts";
import type { RegistryStore } from "../../serve/store.ts";
import { Cancelled } from "../cancellation.ts";
import { type Command, defineCommand, FlagError, UsageError } from "../command.ts";
import type { FlagTableOf, FlagValues } from "../flag.ts";
import type { Logger } from "../log.ts";

type ServeFlags = FlagTableOf<{
  addr: "string";
  memory: "boolean";
  "read-only": "boolean";
  htpasswd: "string";
  "tls-cert": "string";
  "tls-key": "string";
}>;

/** Exit codes above this one mean that a signal came. */
const SIGNALLED = 128;
const DEFAULT_ADDRESS = "127.0.0.1:0";
const group = "Registry";

const flags: ServeFlags = {
  addr: {
    kind: "string",
    group,
    placeholder: "HOST:PORT",
    summary: `listen here; port 0 is any free one, and no host is every IPv4 address (default ${DEFAULT_ADDRESS})`,
  },
  memory: { kind: "boolean", group, summary: "keep everything in memory instead of an OCI layout" },
  "read-only": { kind: "boolean", group, summary: "refuse pushes and deletes" },
  htpasswd: {
    kind: "string",
    group,
    placeholder: "FILE",
    summary: "let in only the users of this file, with bcrypt passwords as made by htpasswd -B",
  },
  "tls-cert": {
    kind: "string",
    group,
    placeholder: "FILE",
    summary: "serve HTTPS with this certificate chain",
  },
  "tls-key": { kind: "string", group, placeholder: "FILE", summary: "the private key of --tls-cert" },
};

/** Serves an OCI layout, or memory, as a registry until it is interrupted. */
export const command: Command = defineCommand({
  name: "serve",
  synopsis: "[oci:DIRECTORY | --memory]",
  summary: "Serve images from an OCI layout or from memory as a registry",
  description:
    "Prints where it listens as soon as it does, and answers as a registry of the OCI distribution specification 1.1 " +
    "until SIGINT or SIGTERM. An image named repository:tag in the layout is that tag of that repository; one named " +
    "by a tag alone is in a repository that is called as the directory. With --debug every request is logged.",
  examples: [
    { purpose: "an OCI layout on port 5000", command: "serve --addr 127.0.0.1:5000 oci:images" },
    { purpose: "a mirror that others only read", command: "serve --addr :5000 --read-only oci:mirror" },
    { purpose: "a registry for a test, on a free port", command: "serve --memory" },
  ],
  flags,
  async run({ flags: given, arguments: words, signal, log, stdout }) {
    const { hostname, port } = parseAddress(given.addr ?? DEFAULT_ADDRESS);
    const options = await readOptions(given, log);
    const store = await openStore(given, words);
    await using registry = await listen({ ...options, store, hostname, port });
    if (isOpenToAll(given, hostname)) {
      log.warn(
        `everybody who can reach ${registry.address} can push to this registry; --htpasswd and --read-only limit that`,
      );
    }
    stdout.write(`Listening on ${registry.url}\n`);
    await stopped(signal);
  },
});

async function readOptions(
  given: FlagValues<ServeFlags>,
  log: Logger,
): Promise<Omit<RegistryServerOptions, "store">> {
  const { "tls-cert": certPath, "tls-key": keyPath, htpasswd } = given;
  if ((certPath === undefined) !== (keyPath === undefined)) {
    throw new FlagError("--tls-cert and --tls-key must be given together");
  }
  const tls =
    certPath === undefined || keyPath === undefined
      ? undefined
      : { cert: await readText(certPath, "--tls-cert"), key: await readText(keyPath, "--tls-key") };
  const authenticate =
    htpasswd === undefined
      ? undefined
      : await createBasicAuthentication(parseHtpasswd(await readText(htpasswd, "--htpasswd"), htpasswd));
  return {
    readOnly: given["read-only"],
    tls,
    authenticate,
    onFailure: (error, request) => {
      log.error(`${request.method} ${new URL(request.url).pathname}: ${errorMessage(error)}`);
    },
    ...(log.isDebug ? { onExchange: (exchange: ServedExchange) => logExchange(log, exchange) } : {}),
  };
}

async function readText(path: string, flag: string): Promise<string> {
  return await inContext(`reading the file of ${flag}`, () => readFile(path, "utf8"), "CONFIG_INVALID");
}

async function openStore(given: FlagValues<ServeFlags>, words: readonly string[]): Promise<RegistryStore> {
  const [name, ...more] = words;
  if (more.length > 0) throw new UsageError("At most one argument expected: oci:DIRECTORY");
  if ((name === undefined) !== given.memory) {
    throw new UsageError(
      "Either oci:DIRECTORY or --memory is needed, to say where the registry keeps its images",
    );
  }
  if (name === undefined) return new MemoryStore();
  return await LayoutStore.open(parseLayout(name), given["read-only"] ? "read-only" : "read-write");
}

/** @throws {ImageError} INVALID_REFERENCE */
function parseLayout(name: string): string {
  if (!name.startsWith("oci:")) {
    throw new ImageError(
      "INVALID_REFERENCE",
      `cannot serve ${name}: only an OCI layout, oci:DIRECTORY, can be served`,
    );
  }
  const { path, rest } = splitPath(name.slice("oci:".length));
  if (path !== "" && (rest === undefined || rest === "")) return path;
  throw new ImageError(
    "INVALID_REFERENCE",
    `cannot serve ${name}: a layout is served as a whole, as oci:DIRECTORY`,
  );
}

/** `HOST:PORT`, `:PORT` for every IPv4 address of this machine, `[::1]:PORT`. @throws {FlagError} */
function parseAddress(text: string): { readonly hostname: string; readonly port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/\s]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65535) {
    throw new FlagError(
      `invalid --addr ${JSON.stringify(text)}: expected HOST:PORT, such as ${DEFAULT_ADDRESS}`,
    );
  }
  return { hostname: match[1] ?? (match[2] || "0.0.0.0"), port };
}

async function listen(options: RegistryServerOptions): Promise<RegistryServer> {
  const { hostname, port, tls } = options;
  try {
    return await startRegistry(options);
  } catch (error) {
    const isAddress = error instanceof Error && "code" in error && ADDRESS_ERRORS.has(error.code);
    const reason = isAddress ? "the address is in use, or not one of this machine" : errorMessage(error);
    const what = isAddress || tls === undefined ? "" : " with this certificate and key";
    throw new ImageError("CONFIG_INVALID", `listen on ${hostname}:${port}${what}: ${reason}`, {
      cause: error,
    });
  }
}

/** Bun reports every address that it cannot listen on as one in use. */
const ADDRESS_ERRORS: ReadonlySet<unknown> = new Set(["EADDRINUSE", "EADDRNOTAVAIL", "ENOTFOUND"]);

function isOpenToAll(given: FlagValues<ServeFlags>, hostname: string): boolean {
  const isLocal = hostname === "localhost" || hostname === "::1" || hostname.startsWith("127.");
  return !isLocal && given.htpasswd === undefined && !given["read-only"];
}

function logExchange(log: Logger, { method, path, status, milliseconds }: ServedExchange): void {
  log.debug(`${method} ${path} ${status} ${milliseconds}ms`);
}

/** Waits for SIGINT or SIGTERM, the way a server is meant to end. Any other end, by a timeout, is an error. */
async function stopped(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  }
  const isSignal = signal.reason instanceof Cancelled && signal.reason.exitCode > SIGNALLED;
  if (!isSignal) throw signal.reason;
}
