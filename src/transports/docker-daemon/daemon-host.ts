import { ImageError, inContext } from "../../core/errors.ts";
import type { TlsMaterial, TlsRestrictions } from "../../runtime/http.ts";
import { type ApiVersion, fixedApiVersion } from "./api-version.ts";
import { type DaemonAddress, parseDaemonAddress } from "./daemon-address.ts";

/** Who decided where the daemon is; an error tells what to change by it. */
export type HostOrigin = "option" | "DOCKER_HOST" | "default";

/** A daemon, and how it is reached. */
export interface DaemonEndpoint {
  /** As it was named, for messages. */
  readonly host: string;
  readonly origin: HostOrigin;
  /** What the paths of the API are appended to. */
  readonly baseUrl: string;
  /** Where to connect in place of the host in `baseUrl`; a pipe is named as `\\\\.\\pipe\\NAME`. */
  readonly unixSocket?: string | undefined;
  readonly windowsPipe?: string | undefined;
  readonly tls?: TlsMaterial | undefined;
  /** The version of the API to speak without asking. */
  readonly apiVersion?: ApiVersion | undefined;
}

export interface DaemonHostRequest {
  /** The host that was named for this image; it keeps DOCKER_HOST, DOCKER_CERT_PATH and DOCKER_TLS_VERIFY out. */
  readonly flag?: string | undefined;
  /** A directory with `ca.pem`, `cert.pem` and `key.pem`. */
  readonly certDir?: string | undefined;
  /** False accepts any certificate. */
  readonly tlsVerify?: boolean | undefined;
  readonly tlsRestrictions?: TlsRestrictions | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The user's home directory. */
  readonly home: string;
  readonly platform: NodeJS.Platform;
}

/** The host name of requests over sockets, which have no other. */
const SOCKET_URL = "http://api.moby.localhost";
const DEFAULT_SOCKET = "unix:///var/run/docker.sock";
const DEFAULT_PIPE = "npipe:////./pipe/docker_engine";
const PLAIN_PORT = 2375;
const TLS_PORT = 2376;

/**
 * Finds out where the daemon is. A named host means what it means to skopeo: `tcp://` is TLS. Without one DOCKER_HOST,
 * DOCKER_TLS_VERIFY and DOCKER_CERT_PATH count, as for the `docker` command. DOCKER_API_VERSION counts always.
 * transports.md 5.2.
 * @throws {ImageError} CONFIG_INVALID, UNSUPPORTED_OPERATION
 */
export async function resolveDaemonHost(request: DaemonHostRequest): Promise<DaemonEndpoint> {
  return await inContext(
    "initializing docker engine client",
    async () => {
      const { host, origin } = chooseHost(request);
      const apiVersion = fixedApiVersion(request.environment);
      return { host, origin, apiVersion, ...(await locate(parseDaemonAddress(host), origin, request)) };
    },
    "CONFIG_INVALID",
  );
}

function chooseHost({ flag, environment, platform }: DaemonHostRequest): {
  host: string;
  origin: HostOrigin;
} {
  const standard = platform === "win32" ? DEFAULT_PIPE : DEFAULT_SOCKET;
  if (flag) return { host: flag, origin: "option" };
  const told = environment.DOCKER_HOST?.trim();
  if (!told) return { host: standard, origin: "default" };
  if (told === "unix://") return { host: DEFAULT_SOCKET, origin: "DOCKER_HOST" };
  if (told === "npipe://") return { host: DEFAULT_PIPE, origin: "DOCKER_HOST" };
  return { host: told.includes("://") ? told : `tcp://${told}`, origin: "DOCKER_HOST" };
}

async function locate(
  address: DaemonAddress,
  origin: HostOrigin,
  request: DaemonHostRequest,
): Promise<Pick<DaemonEndpoint, "baseUrl" | "unixSocket" | "windowsPipe" | "tls">> {
  if (address.kind === "pipe" && request.platform !== "win32") {
    throw new ImageError("CONFIG_INVALID", "named pipes (npipe://) exist on Windows only: use unix:// here");
  }
  if (address.kind === "unix") return { baseUrl: SOCKET_URL, unixSocket: address.path };
  if (address.kind === "pipe") return { baseUrl: SOCKET_URL, windowsPipe: address.path };
  const isSecure = usesTls(address.scheme, origin, request);
  const authority = origin === "DOCKER_HOST" ? withPort(address, isSecure) : address.authority;
  const baseUrl = `${isSecure ? "https" : "http"}://${authority}${address.path}`;
  return isSecure ? { baseUrl, tls: await readMaterial(origin, request) } : { baseUrl };
}

function usesTls(scheme: string, origin: HostOrigin, { environment }: DaemonHostRequest): boolean {
  if (scheme === "tcp" && origin === "DOCKER_HOST") return Boolean(environment.DOCKER_TLS_VERIFY);
  return scheme !== "http";
}

/** The registered ports go without saying in DOCKER_HOST, but only after `tcp://`. */
function withPort(address: Extract<DaemonAddress, { kind: "tcp" }>, isSecure: boolean): string {
  const { authority, scheme } = address;
  if (scheme !== "tcp" || /:\d+$/.test(authority)) return authority;
  return `${authority}:${isSecure ? TLS_PORT : PLAIN_PORT}`;
}

async function readMaterial(origin: HostOrigin, request: DaemonHostRequest): Promise<TlsMaterial> {
  const verify = request.tlsVerify !== false;
  const directory = request.certDir || (origin === "DOCKER_HOST" ? environmentDirectory(request) : undefined);
  const restrictions = request.tlsRestrictions;
  if (directory === undefined) return { verify, restrictions };
  const { readDaemonCertificates } = await import("./daemon-certificates.ts");
  return { ...(await readDaemonCertificates(directory, verify)), restrictions };
}

/** Asking for verification alone is enough to have the certificates of the usual place used. */
function environmentDirectory({ environment, home, platform }: DaemonHostRequest): string | undefined {
  const { DOCKER_CERT_PATH, DOCKER_CONFIG, DOCKER_TLS_VERIFY } = environment;
  if (DOCKER_CERT_PATH) return DOCKER_CERT_PATH;
  if (!DOCKER_TLS_VERIFY) return undefined;
  return DOCKER_CONFIG || `${home}${platform === "win32" ? "\\" : "/"}.docker`;
}
