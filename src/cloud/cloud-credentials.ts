import type { OperationOptions } from "../core/byte-stream.ts";
import type { Credentials } from "../core/credentials.ts";
import { ImageError } from "../core/errors.ts";
import type { HttpClient } from "../runtime/http.ts";
import type { CloudContext } from "./cloud-context.ts";
import { type Cloud, type CloudHost, parseCloudHost, servesPublicImages } from "./cloud-hosts.ts";
import { createServiceClient } from "./service-client.ts";

export interface CloudCredentialOptions extends OperationOptions {
  /**
   * The environment variables. The clouds' libraries read some of them from the process itself: the addresses of
   * credentials of containers (AWS_CONTAINER_*), of managed identities (IDENTITY_ENDPOINT, IDENTITY_HEADER, MSI_*), of the
   * AWS metadata service (AWS_EC2_METADATA_*) and of AWS STS (AWS_ENDPOINT_URL*).
   */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly userAgent: string;
  readonly debug?: ((message: string) => void) | undefined;
  /**
   * Told why a login was refused by a registry that most people read from without one (public.ecr.aws, gcr.io), which
   * then counts as none. Without it, that fails as for other registries.
   */
  readonly warn?: ((message: string) => void) | undefined;
  /** The proxy for a URL; undefined means none. Plain HTTP is for metadata services and never goes through a proxy. */
  readonly proxyFor?: ((url: string) => string | undefined) | undefined;
  /** For the token exchange of a registry itself: sends HTTP with the registry's TLS settings. */
  readonly client: HttpClient;
  /** How long all of it may take, in milliseconds; 15 seconds where it is not told. */
  readonly timeout?: number | undefined;
}

/** A login that was made from an identity of a cloud. */
export interface CloudCredentials {
  readonly credentials: Credentials;
  /** Where they come from: `Amazon ECR (AWS_ACCESS_KEY_ID)`. */
  readonly source: string;
  /** When they end, in milliseconds since the epoch; undefined when that is not known. */
  readonly expires?: number | undefined;
}

const TIMEOUT = 15_000;
/** SKOPEO_CLOUD_CREDENTIALS with one of these switches all of this off. */
const OFF: ReadonlySet<string> = new Set(["off", "0", "false", "no"]);

const NAMES: Readonly<Record<Cloud, string>> = {
  ecr: "Amazon ECR",
  "ecr-public": "Amazon ECR Public",
  google: "Google",
  azure: "Azure",
  github: "GitHub",
};

/** Which cloud's registry `host[:port]` is; undefined for all other registries. Loads no library. */
export function cloudOf(registry: string): Cloud | undefined {
  return parseCloudHost(registry)?.cloud;
}

/**
 * A login for a registry of a cloud, `host[:port]`, from the environment: variables, the files of the cloud's own tools, or
 * the metadata service of the machine. Undefined for other registries, and where nothing is configured, which is found out
 * without the network except for registries that never serve anybody unknown. SKOPEO_CLOUD_CREDENTIALS=off switches it off.
 * @throws {ImageError} UNAUTHORIZED when the cloud refuses, CONFIG_INVALID when its configuration cannot be used,
 * NETWORK_FAILURE when it cannot be reached in time
 */
export async function findCloudCredentials(
  registry: string,
  options: CloudCredentialOptions,
): Promise<CloudCredentials | undefined> {
  const host = parseCloudHost(registry);
  if (host === undefined || OFF.has(options.env.SKOPEO_CLOUD_CREDENTIALS?.toLowerCase() ?? ""))
    return undefined;
  options.signal?.throwIfAborted();
  try {
    const found = await inTime(host, options);
    if (found === undefined) options.debug?.(`${NAMES[host.cloud]}: no identity is configured`);
    return found;
  } catch (error) {
    options.signal?.throwIfAborted();
    if (options.warn === undefined || !(error instanceof ImageError) || !servesPublicImages(host))
      throw error;
    options.warn(`${error.message}; going on without a login`);
    return undefined;
  }
}

/** Libraries that do not heed a signal are left to themselves when the time is over. */
async function inTime(
  host: CloudHost,
  options: CloudCredentialOptions,
): Promise<CloudCredentials | undefined> {
  const limit = options.timeout ?? TIMEOUT;
  const ending = new AbortController();
  const timer = setTimeout(() => {
    const message = `${NAMES[host.cloud]}: no login for ${host.host} within ${limit / 1000} s; check the network and the proxy`;
    ending.abort(new ImageError("NETWORK_FAILURE", message, { transient: true }));
  }, limit);
  const onAbort = (): void => ending.abort(options.signal?.reason);
  options.signal?.addEventListener("abort", onAbort, { once: true });
  const { signal } = ending;
  try {
    const ended = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    return await Promise.race([find(host, options, signal), ended]);
  } catch (error) {
    // A library may word the abort of its request in its own way.
    signal.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", onAbort);
  }
}

async function find(
  host: CloudHost,
  options: CloudCredentialOptions,
  signal: AbortSignal,
): Promise<CloudCredentials | undefined> {
  const { env, userAgent, debug = () => undefined } = options;
  if (host.cloud === "github") return findGithub(env);
  const services = await createServiceClient(options.proxyFor);
  const context: CloudContext = { env, userAgent, debug, signal, services, registry: options.client };
  switch (host.cloud) {
    case "ecr":
    case "ecr-public":
      return await (await import("./ecr.ts")).findEcrCredentials(host, context);
    case "google":
      return await (await import("./google.ts")).findGoogleCredentials(host.host, context);
    case "azure":
      return await (await import("./azure.ts")).findAzureCredentials(host.host, context);
  }
}

async function findGithub(env: CloudContext["env"]): Promise<CloudCredentials | undefined> {
  return (await import("./github.ts")).findGithubCredentials({ env });
}
