import { findCertificates, readEnvironmentCertificates } from "../config/certificates.ts";
import type { ConfigurationListener } from "../config/listener.ts";
import type { Environment } from "../config/locations.ts";
import { proxyFor } from "../config/proxy.ts";
import { loadRegistriesConf, type RegistriesConf } from "../config/registries-conf.ts";
import { lookupRegistry, resolveEndpoints } from "../config/registries-match.ts";
import type { SignatureStorage } from "../config/signature-storage.ts";
import type { OperationOptions } from "../core/byte-stream.ts";
import type { CredentialsProvider } from "../core/credentials.ts";
import type { DockerName } from "../core/docker-name.ts";
import { ImageError } from "../core/errors.ts";
import type { ExternalFetch } from "../core/image.ts";
import type { NetworkEvent } from "../core/progress.ts";
import type { UploadJournal } from "../core/upload-journal.ts";
import { withClientCertificates } from "../registry/client-certificates.ts";
import { RegistryConnection } from "../registry/connection.ts";
import { type ExchangeRecord, withExchangeLog } from "../registry/exchange-log.ts";
import { HostLoad, withHostLoad } from "../registry/host-load.ts";
import { DEFAULT_REQUEST_RETRIES, withRetries } from "../registry/http-retry.ts";
import { withProxyErrors } from "../registry/proxy-errors.ts";
import { withRedirects } from "../registry/redirects.ts";
import { withStallGuard } from "../registry/stall-guard.ts";
import {
  createHttpClient,
  type HttpClient,
  type TlsMaterial,
  type TlsRestrictions,
} from "../runtime/http.ts";
import type { SignatureSettings } from "../transports/docker/signatures.ts";
import type { Endpoint, RegistryAccess } from "../transports/docker/transport.ts";
import type { RegistryReport } from "./configuration-report.ts";
import { lookUpCredentials } from "./credential-lookup.ts";
import { type ImageAccess, withoutLogin } from "./image-access.ts";
import type { InjectedAccess } from "./injected-access.ts";

/** The most requests that wait for the answer of one server, unless something else is said. */
const REQUESTS_PER_HOST = 64;

/** What holds for all registries that a process talks to. */
export interface RegistrySettings extends ConfigurationListener, InjectedAccess {
  readonly environment: Environment;
  readonly userAgent: string;
  /** The main registries.conf, in place of the usual ones. */
  readonly registriesConf?: string | undefined;
  /** After how long without a byte a transfer counts as broken, in milliseconds. */
  readonly stallTimeout: number;
  /** What `--tls-details` restricts TLS to. */
  readonly tlsRestrictions: () => Promise<TlsRestrictions | undefined>;
  /** The most requests at a time to one server. */
  readonly requestsPerHost?: number | undefined;
  readonly onNetworkEvent?: ((event: NetworkEvent) => void) | undefined;
  readonly uploadJournal?: UploadJournal | undefined;
  /** The directory of `--registries.d`, in place of the usual ones. */
  readonly signatureStorageDirectory?: string | undefined;
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
  readonly #loads = new Map<string, HostLoad>();
  #conf: Promise<RegistriesConf> | undefined;
  #signatureStorage: Promise<SignatureStorage> | undefined;

  constructor(settings: RegistrySettings) {
    this.#settings = settings;
  }

  /** The access to registries for one set of credentials and TLS options. */
  accessFor(access: ImageAccess): RegistryAccess {
    return {
      fetchExternal: this.fetchExternal,
      uploadJournal: this.#settings.uploadJournal,
      findSignatureSettings: async (name) => await this.#findSignatureSettings(name, access),
      findEndpoints: async (name) => await this.#findEndpoints(name, access),
      connect: async (name) => {
        const { insecure, blockedMessage } = lookupRegistry(await this.#loadConf(), name);
        if (blockedMessage !== undefined) throw new ImageError("POLICY_REJECTED", blockedMessage);
        return await this.#connect(name.registry, insecure, access);
      },
    };
  }

  /** Reads a blob from an address outside of any registry. */
  readonly fetchExternal: ExternalFetch = async (blob, options) => {
    const { fetchExternalBlob } = await import("./external-blob.ts");
    return await fetchExternalBlob(this.#patient(await this.openServiceClient()), blob, options);
  };

  /** A client for servers that are no registries. It has no credentials, and neither retries nor follows redirects. */
  async openServiceClient(): Promise<HttpClient> {
    const restrictions = await this.#settings.tlsRestrictions();
    const ca = await readEnvironmentCertificates(this.#settings.environment);
    if (restrictions === undefined && ca.length === 0) return await this.#createClient(undefined);
    return await this.#createClient({ verify: true, ca, restrictions });
  }

  async #findSignatureSettings(name: DockerName, access: ImageAccess): Promise<SignatureSettings> {
    const { environment, signatureStorageDirectory } = this.#settings;
    const { chooseSignatureStorage, readSignatureStorage } = await import("../config/signature-storage.ts");
    this.#signatureStorage ??= readSignatureStorage(environment, signatureStorageDirectory);
    const storage = await this.#signatureStorage;
    const { read, write, useSigstoreAttachments } = chooseSignatureStorage(storage, name, environment);
    const openClient = async (): Promise<HttpClient> => {
      const verify = access.tlsVerify ?? !lookupRegistry(await this.#loadConf(), name).insecure;
      const [material] = await this.#tlsMaterials(name.registry, verify, access);
      return this.#patient(await this.#createClient(material));
    };
    return {
      lookaside: { read: read.value, write: write.value, openClient },
      usesSigstoreAttachments: useSigstoreAttachments.value,
    };
  }

  /** The connection to a registry itself, `host[:port]`, with no image in mind. */
  async connectTo(registry: string, access: ImageAccess): Promise<RegistryConnection> {
    const { insecure, blockedMessage } = lookupRegistry(await this.#loadConf(), { registry, repository: "" });
    if (blockedMessage !== undefined) throw new ImageError("POLICY_REJECTED", blockedMessage);
    return await this.#connect(registry, insecure, access);
  }

  /** Who is asked for credentials, by registries.conf; `containers-auth.json` stands for the credential files. */
  async credentialHelpers(): Promise<readonly string[]> {
    return (await this.#loadConf()).credentialHelpers;
  }

  /** What is used for an image by the configuration; see `RegistryReport`. */
  async report(
    image: { readonly name: DockerName; readonly typed: string },
    access: ImageAccess,
    options: OperationOptions = {},
  ): Promise<RegistryReport> {
    const { reportRegistry } = await import("./configuration-report.ts");
    // Aliases matter to the report alone.
    const conf = await loadRegistriesConf({ ...this.#settings, file: this.#settings.registriesConf });
    const openClient = async (registry: string): Promise<HttpClient> => {
      const [material] = await this.#tlsMaterials(registry, true, access);
      return this.#patient(await this.#createClient(material));
    };
    return await reportRegistry(image, {
      openClient,
      settings: this.#settings,
      conf,
      access,
      ...options,
    });
  }

  async #findEndpoints(name: DockerName, access: ImageAccess): Promise<readonly Endpoint[]> {
    const { endpoints, blocked } = resolveEndpoints(await this.#loadConf(), name);
    if (blocked !== undefined) throw new ImageError("POLICY_REJECTED", blocked);
    return endpoints.map((endpoint) => ({
      name: endpoint.name,
      isMirror: endpoint.mirror,
      connect: () =>
        this.#connect(
          endpoint.name.registry,
          endpoint.insecure,
          endpoint.name.registry === name.registry ? access : withoutLogin(access),
        ),
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
    const materials = await this.#tlsMaterials(registry, verify, access);
    const probeClient = withClientCertificates(
      await Promise.all(materials.map((material) => this.#createClient(material))),
    );
    return new RegistryConnection({
      registry,
      client: this.#patient(probeClient),
      probeClient,
      userAgent: this.#settings.userAgent,
      allowHttp: !verify,
      credentials: this.#credentialsProvider(registry, access, probeClient),
      registryToken: access.registryToken,
      clock: this.#settings.clock,
    });
  }

  async #createClient(tls: TlsMaterial | undefined): Promise<HttpClient> {
    const { environment, stallTimeout, onExchange } = this.#settings;
    const findProxy = (url: string): string | undefined => proxyFor(url, environment.env);
    const base = await this.#createBareClient(tls, findProxy);
    const logged = onExchange === undefined ? base : withExchangeLog(base, onExchange);
    const guarded = withProxyErrors(withStallGuard(logged, stallTimeout), findProxy);
    return withHostLoad(guarded, (host) => this.#loadOf(host));
  }

  async #createBareClient(
    tls: TlsMaterial | undefined,
    findProxy: (url: string) => string | undefined,
  ): Promise<HttpClient> {
    const { fetch } = this.#settings;
    if (fetch === undefined) return await createHttpClient({ tls, proxyFor: findProxy });
    return (await import("../runtime/http-fetch.ts")).createFetchClient(fetch);
  }

  #loadOf(host: string): HostLoad {
    const known = this.#loads.get(host);
    if (known !== undefined) return known;
    const { requestsPerHost: most = REQUESTS_PER_HOST, onNetworkEvent: onEvent } = this.#settings;
    const load = new HostLoad({ host, most, onEvent });
    this.#loads.set(host, load);
    return load;
  }

  #patient(client: HttpClient): HttpClient {
    return withRedirects(withRetries(client, DEFAULT_REQUEST_RETRIES));
  }

  /** What to reach a registry with: one for each client certificate that may be the one it wants. */
  async #tlsMaterials(
    registry: string,
    verify: boolean,
    access: ImageAccess,
  ): Promise<readonly (TlsMaterial | undefined)[]> {
    const { environment, tlsRestrictions } = this.#settings;
    const found = await this.#findCertificates(registry, access);
    const added = verify ? await readEnvironmentCertificates(environment) : [];
    const restrictions = await tlsRestrictions();
    const ca = verify ? [...found.ca, ...added] : [];
    if (found.clients.length > 0) {
      return found.clients.map(({ cert, key }) => ({ verify, ca, cert, key, restrictions }));
    }
    const isUsual = verify && ca.length === 0 && restrictions === undefined;
    return [isUsual ? undefined : { verify, ca, restrictions }];
  }

  async #findCertificates(
    registry: string,
    access: ImageAccess,
  ): Promise<{ readonly ca: readonly string[]; readonly clients: readonly { cert: string; key: string }[] }> {
    const { certificates } = this.#settings;
    if (certificates === undefined)
      return await findCertificates({ ...this.#settings, directory: access.certDir }, registry);
    const { authorities = [], client } = (await certificates(registry)) ?? {};
    return {
      ca: authorities,
      clients: client === undefined ? [] : [{ cert: client.certificate, key: client.key }],
    };
  }

  #credentialsProvider(registry: string, access: ImageAccess, client: HttpClient): CredentialsProvider {
    return async (repository, options) => {
      const { credentialHelpers: helpers } = await this.#loadConf();
      const openClient = async (): Promise<HttpClient> => this.#patient(client);
      const lookup = { ...this.#settings, helpers, openClient, signal: options?.signal };
      return (await lookUpCredentials({ registry, repository }, access, lookup))?.credentials;
    };
  }
}
