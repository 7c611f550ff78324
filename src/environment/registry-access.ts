import { findCertificates, readEnvironmentCertificates } from "../config/certificates.ts";
import type { ConfigurationListener } from "../config/listener.ts";
import type { Environment } from "../config/locations.ts";
import { proxyFor } from "../config/proxy.ts";
import { loadRegistriesConf, type RegistriesConf } from "../config/registries-conf.ts";
import { lookupRegistry, resolveEndpoints } from "../config/registries-match.ts";
import type { CredentialsProvider } from "../core/credentials.ts";
import type { DockerName } from "../core/docker-name.ts";
import { ImageError } from "../core/errors.ts";
import { RegistryConnection } from "../registry/connection.ts";
import { type ExchangeRecord, withExchangeLog } from "../registry/exchange-log.ts";
import { DEFAULT_REQUEST_RETRIES, withRetries } from "../registry/http-retry.ts";
import { withRedirects } from "../registry/redirects.ts";
import { withStallGuard } from "../registry/stall-guard.ts";
import { createHttpClient, type HttpClient, type TlsMaterial } from "../runtime/http.ts";
import type { Endpoint, RegistryAccess } from "../transports/docker/transport.ts";
import type { ImageAccess } from "./image-access.ts";

/** What holds for all registries that a process talks to. */
export interface RegistrySettings extends ConfigurationListener {
  readonly environment: Environment;
  readonly userAgent: string;
  /** The main registries.conf, in place of the usual ones. */
  readonly registriesConf?: string | undefined;
  /** After how long without a byte a transfer counts as broken, in milliseconds. */
  readonly stallTimeout: number;
  /** Told of each request. */
  readonly onExchange?: ((record: ExchangeRecord) => void) | undefined;
}

/**
 * Connections to registries as the machine and the user have configured them. A registry under the same access
 * settings has one connection for the whole process: its scheme and tokens are found out once.
 */
export class RegistryConnections {
  readonly #settings: RegistrySettings;
  readonly #connections = new Map<string, Promise<RegistryConnection>>();
  #conf: Promise<RegistriesConf> | undefined;

  constructor(settings: RegistrySettings) {
    this.#settings = settings;
  }

  /** The access to registries for one set of credentials and TLS options. */
  accessFor(access: ImageAccess): RegistryAccess {
    return {
      fetchExternal: async (blob, options) =>
        (await import("./external-blob.ts")).fetchExternalBlob(blob, options),
      findEndpoints: async (name) => await this.#findEndpoints(name, access),
      connect: async (name) => {
        const { insecure, blockedMessage } = lookupRegistry(await this.#loadConf(), name);
        if (blockedMessage !== undefined) throw new ImageError("DENIED", blockedMessage);
        return await this.#connect(name.registry, insecure, access);
      },
    };
  }

  /** The connection to a registry itself, `host[:port]`, with no image in mind. */
  async connectTo(registry: string, access: ImageAccess): Promise<RegistryConnection> {
    const { insecure, blockedMessage } = lookupRegistry(await this.#loadConf(), { registry, repository: "" });
    if (blockedMessage !== undefined) throw new ImageError("DENIED", blockedMessage);
    return await this.#connect(registry, insecure, access);
  }

  /** Who is asked for credentials, by registries.conf; `containers-auth.json` stands for the credential files. */
  async credentialHelpers(): Promise<readonly string[]> {
    return (await this.#loadConf()).credentialHelpers;
  }

  async #findEndpoints(name: DockerName, access: ImageAccess): Promise<readonly Endpoint[]> {
    const { endpoints, blocked } = resolveEndpoints(await this.#loadConf(), name);
    if (blocked !== undefined) throw new ImageError("DENIED", blocked);
    return endpoints.map((endpoint) => ({
      name: endpoint.name,
      isMirror: endpoint.mirror,
      connect: () =>
        this.#connect(endpoint.name.registry, endpoint.insecure, accessAt(endpoint.name, name, access)),
    }));
  }

  #loadConf(): Promise<RegistriesConf> {
    this.#conf ??= loadRegistriesConf({
      ...this.#settings,
      file: this.#settings.registriesConf,
      skipAliasFiles: true,
    });
    return this.#conf;
  }

  #connect(registry: string, isInsecure: boolean, access: ImageAccess): Promise<RegistryConnection> {
    const verify = access.tlsVerify ?? !isInsecure;
    const key = JSON.stringify([registry, verify, access]);
    const known = this.#connections.get(key);
    if (known !== undefined) return known;
    const pending = this.#createConnection(registry, verify, access);
    this.#connections.set(key, pending);
    pending.catch(() => this.#connections.delete(key));
    return pending;
  }

  async #createConnection(
    registry: string,
    verify: boolean,
    access: ImageAccess,
  ): Promise<RegistryConnection> {
    const { environment, userAgent, stallTimeout, onExchange } = this.#settings;
    const tls = await this.#tlsMaterial(registry, verify, access);
    const base = await createHttpClient({ tls, proxyFor: (url) => proxyFor(url, environment.env) });
    const logged = onExchange === undefined ? base : withExchangeLog(base, onExchange);
    const probeClient = withStallGuard(logged, stallTimeout);
    const client: HttpClient = withRedirects(withRetries(probeClient, DEFAULT_REQUEST_RETRIES));
    return new RegistryConnection({
      registry,
      client,
      probeClient,
      userAgent,
      allowHttp: !verify,
      credentials: this.#credentialsProvider(registry, access),
      registryToken: access.registryToken,
    });
  }

  async #tlsMaterial(
    registry: string,
    verify: boolean,
    access: ImageAccess,
  ): Promise<TlsMaterial | undefined> {
    const { environment } = this.#settings;
    const found = await findCertificates({ ...this.#settings, directory: access.certDir }, registry);
    const added = verify ? await readEnvironmentCertificates(environment) : [];
    const [client] = found.clients;
    if (verify && client === undefined && found.ca.length + added.length === 0) return undefined;
    return { verify, ca: verify ? [...found.ca, ...added] : [], cert: client?.cert, key: client?.key };
  }

  #credentialsProvider(registry: string, access: ImageAccess): CredentialsProvider {
    if (access.credentials !== undefined) return async () => access.credentials;
    if (access.anonymous) return async () => undefined;
    return async (repository, options) => {
      const { findCredentials } = await import("../config/auth-file.ts");
      const { credentialHelpers } = await this.#loadConf();
      const found = await findCredentials(
        {
          ...this.#settings,
          explicitFile: access.authFile,
          helpers: credentialHelpers,
          signal: options?.signal,
        },
        { registry, repository },
      );
      return found?.credentials;
    };
  }
}

/** Credentials from the command line are meant for the registry that was named, and for no mirror elsewhere. */
function accessAt(endpoint: DockerName, named: DockerName, access: ImageAccess): ImageAccess {
  if (endpoint.registry === named.registry) return access;
  return { ...access, credentials: undefined, registryToken: undefined };
}
