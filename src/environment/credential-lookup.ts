import type { FoundCredentials } from "../config/auth-file.ts";
import type { ConfigurationListener } from "../config/listener.ts";
import type { Environment } from "../config/locations.ts";
import { proxyFor } from "../config/proxy.ts";
import type { OperationOptions } from "../core/byte-stream.ts";
import type { HttpClient } from "../runtime/http.ts";
import type { ImageAccess } from "./image-access.ts";
import type { GiveCredentials } from "./injected-access.ts";

/** Whose credentials are looked for. */
export interface LookupTarget {
  /** `host` or `host:port`. */
  readonly registry: string;
  readonly repository: string | undefined;
}

export interface LookupOptions extends ConfigurationListener, OperationOptions {
  readonly environment: Environment;
  /** The `credential-helpers` of registries.conf. */
  readonly helpers: readonly string[];
  readonly userAgent: string;
  /** Asked in place of this machine. */
  readonly credentials?: GiveCredentials | undefined;
  /** Sends requests with the TLS settings of the registry. */
  readonly openClient: () => Promise<HttpClient>;
}

/**
 * The credentials for a repository, and where they come from: the command line, then the program that uses the library; or the files and helpers of this machine,
 * then, for the registries of clouds, the cloud's own identity of this machine.
 * @throws {ImageError} CONFIG_INVALID, UNAUTHORIZED
 */
export async function lookUpCredentials(
  target: LookupTarget,
  access: ImageAccess,
  options: LookupOptions,
): Promise<FoundCredentials | undefined> {
  if (access.credentials !== undefined)
    return { credentials: access.credentials, source: "the command line" };
  if (access.anonymous) return undefined;
  if (options.credentials !== undefined) {
    const given = await options.credentials(target, options);
    return given && { credentials: given, source: "the program" };
  }
  const { findCredentials } = await import("../config/auth-file.ts");
  const found = await findCredentials({ ...options, explicitFile: access.authFile }, target);
  return found ?? (await askCloud(target.registry, options));
}

/** The last label of every host that a cloud gives its registries: other hosts do not load the code for clouds. */
const CLOUD_HOST = /\.(?:com|cn|us|io|dev|aws)(?::443)?$/;

async function askCloud(
  registry: string,
  { environment, userAgent, openClient, signal, debug, warning }: LookupOptions,
): Promise<FoundCredentials | undefined> {
  if (!CLOUD_HOST.test(registry)) return undefined;
  const { cloudOf, findCloudCredentials } = await import("../cloud/cloud-credentials.ts");
  if (cloudOf(registry) === undefined) return undefined;
  const { env } = environment;
  const found = await findCloudCredentials(registry, {
    ...{ env, userAgent, signal, debug },
    warn: warning,
    proxyFor: (url) => proxyFor(url, env),
    client: await openClient(),
  });
  return found && { credentials: { ...found.credentials, isOffered: true }, source: found.source };
}
