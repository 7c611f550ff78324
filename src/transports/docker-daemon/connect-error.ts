import { ImageError, isAbort } from "../../core/errors.ts";
import { NetworkError, networkError } from "../../registry/network-error.ts";
import { createHttpClient } from "../../runtime/http.ts";
import type { DaemonEndpoint } from "./daemon-host.ts";

/** An error is not worth a longer wait for a better explanation. Milliseconds. */
const EXPLANATION_TIMEOUT = 2000;
const REFUSALS: ReadonlySet<string> = new Set(["ECONNREFUSED", "ConnectionRefused", "ENOENT"]);
const BAD_PATHS: ReadonlySet<string> = new Set(["ENAMETOOLONG", "EINVAL"]);

/** Words the failure of a request that no answer came to: what is wrong with the daemon, and what to do about it. */
export async function connectError(
  endpoint: DaemonEndpoint,
  request: { readonly method: string; readonly url: string },
  error: unknown,
): Promise<unknown> {
  const failure = networkError(request.method, request.url, error);
  if (isAbort(failure)) return failure;
  if (!(failure instanceof NetworkError))
    return failure instanceof ImageError ? failure : unexpected(failure);
  const message = describeRefusal(endpoint, failure.systemCode) ?? (await describe(endpoint, failure));
  return new ImageError("NETWORK_FAILURE", message, { cause: failure, transient: failure.transient });
}

/** What to look at where the server is the wrong one. */
export function hostAdvice({ origin }: DaemonEndpoint): string {
  return origin === "default" ? "set DOCKER_HOST if it is elsewhere" : `check ${hostName(origin)}`;
}

function hostName(origin: DaemonEndpoint["origin"]): string {
  return origin === "DOCKER_HOST" ? "DOCKER_HOST" : "the docker host that was given";
}

function describeRefusal(endpoint: DaemonEndpoint, code: string): string | undefined {
  const { host } = endpoint;
  const isSocket = endpoint.unixSocket !== undefined || endpoint.windowsPipe !== undefined;
  if (REFUSALS.has(code)) {
    const reason =
      code === "ENOENT"
        ? "there is no such socket"
        : `nothing listens ${isSocket ? "on this socket" : "there"}`;
    return `Cannot connect to the Docker daemon at ${host}. Is the docker daemon running? (${reason}: start it, or ${hostAdvice(endpoint)})`;
  }
  if (!isSocket) return undefined;
  if (code === "EACCES" || code === "EPERM") {
    return `permission denied while trying to connect to the Docker daemon socket at ${host}: join the group that owns it, which is usually docker, or run as root`;
  }
  return BAD_PATHS.has(code)
    ? `Cannot connect to the Docker daemon at ${host}: no socket can have such a path, which may be too long`
    : undefined;
}

async function describe(endpoint: DaemonEndpoint, failure: NetworkError): Promise<string> {
  if (failure.systemCode === "ETIMEDOUT") {
    return `the Docker daemon at ${endpoint.host} does not answer: ${failure.message}`;
  }
  const isHandshake = failure.isHandshakeFailure || failure.systemCode.startsWith("ERR_SSL_");
  if (!isHandshake || endpoint.tls === undefined) return `error during connect: ${failure.message}`;
  if (await speaksPlainHttp(endpoint)) return describePlainServer(endpoint);
  const certificates =
    endpoint.tls.cert === undefined
      ? "name a directory with ca.pem, cert.pem and key.pem, because it probably asks for a client certificate"
      : "it may not accept the client certificate in cert.pem";
  return `error during connect: the TLS handshake with the Docker daemon at ${endpoint.host} failed: ${certificates}`;
}

function describePlainServer({ host, origin, baseUrl }: DaemonEndpoint): string {
  const remedy =
    origin === "DOCKER_HOST" && host.startsWith("tcp:")
      ? "unset DOCKER_TLS_VERIFY"
      : `name it as ${baseUrl.replace(/^https:/, "http:")}`;
  return `error during connect: the server at ${host} speaks plain HTTP, not TLS: ${remedy}`;
}

/** Whether anything answers without TLS; the answer itself is not used. */
async function speaksPlainHttp(endpoint: DaemonEndpoint): Promise<boolean> {
  const url = `${endpoint.baseUrl.replace(/^https:/, "http:")}/_ping`;
  const options = { signal: AbortSignal.timeout(EXPLANATION_TIMEOUT) };
  try {
    const response = await (await createHttpClient()).send({ method: "GET", url, headers: {} }, options);
    const text = await readStart(response.body);
    // A TLS server says so in plain HTTP.
    return !text.includes("HTTPS server");
  } catch {
    return false;
  }
}

async function readStart(body: AsyncIterable<Uint8Array>): Promise<string> {
  for await (const chunk of body) return new TextDecoder().decode(chunk);
  return "";
}

/** TLS libraries throw errors of many kinds for certificates that they cannot read. */
function unexpected(error: unknown): ImageError {
  const reason = error instanceof Error ? error.message : String(error);
  return new ImageError("NETWORK_FAILURE", `error during connect: ${reason}`, { cause: error });
}
