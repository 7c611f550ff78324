import { DEFAULT_INFLATION_LIMIT, type InflationLimit } from "../compression/inflation-limit.ts";
import type { ConfigurationListener } from "../config/listener.ts";
import { type Environment, hostEnvironment } from "../config/locations.ts";
import { proxyFor } from "../config/proxy.ts";
import type { OperationOptions } from "../core/byte-stream.ts";
import type { Credentials } from "../core/credentials.ts";
import type { DockerName } from "../core/docker-name.ts";
import { ImageError } from "../core/errors.ts";
import type { ImageReference, Transport } from "../core/image.ts";
import type { NetworkEvent } from "../core/progress.ts";
import type { UploadJournal } from "../core/upload-journal.ts";
import type { RegistryConnection } from "../registry/connection.ts";
import type { ExchangeRecord } from "../registry/exchange-log.ts";
import type { HttpClient, TlsRestrictions } from "../runtime/http.ts";
import { defaultTemporaryDirectory } from "../runtime/temporary-file.ts";
import type { EngineClientOptions } from "../transports/docker-daemon/engine-client.ts";
import { VERSION } from "../version.ts";
import type { RegistryReport } from "./configuration-report.ts";
import type { ImageAccess } from "./image-access.ts";
import type { InjectedAccess } from "./injected-access.ts";
import { RegistryConnections } from "./registry-access.ts";

/** What the names of images are resolved in. All is optional: the machine's own configuration fills the rest. */
export interface ImageEnvironmentOptions extends ConfigurationListener, InjectedAccess {
  /** Variables, home directory and platform that decide where configuration is found; those of this process by default. */
  readonly environment?: Environment | undefined;
  /** Ways of storing images besides the built-in ones; of two with one name, these win. */
  readonly transports?: readonly Transport[] | undefined;
  /** The header that all requests have; `skopeo/VERSION` by default. */
  readonly userAgent?: string | undefined;
  /** The file to read in place of the machine's `registries.conf`. */
  readonly registriesConf?: string | undefined;
  /** Milliseconds without a byte after which a transfer counts as broken; a minute by default. */
  readonly stallTimeout?: number | undefined;
  /** For large temporary files; `/var/tmp` by default. */
  readonly temporaryDirectory?: string | undefined;
  /** How far compressed archives and their layers may expand. */
  readonly inflationLimit?: InflationLimit | undefined;
  /** The file of `--tls-details`. */
  readonly tlsDetails?: string | undefined;
  /** The most requests at a time to one server; 64 by default. */
  readonly requestsPerHost?: number | undefined;
  /** The directory that says where signatures are, in place of the usual ones. */
  readonly signatureStorageDirectory?: string | undefined;
  /** Remembers large uploads, so that a later process can go on with those of a killed one. */
  readonly uploadJournal?: UploadJournal | undefined;
  /** Told what servers say of how much they may be asked. */
  readonly onNetworkEvent?: ((event: NetworkEvent) => void) | undefined;
  /** Told of each request to a server, when its answer begins or fails. */
  readonly onExchange?: ((record: ExchangeRecord) => void) | undefined;
}

const STALL_TIMEOUT = 60_000;

/** Transports as loaded: a run pays for the code of those it uses. */
const TRANSPORT_NAMES: ReadonlySet<string> = new Set([
  "dir",
  "docker",
  "docker-archive",
  "docker-daemon",
  "oci",
  "oci-archive",
  "tarball",
]);

/** Resolves image names to references, with the machine's configuration and connections that all of them share. */
export class ImageEnvironment {
  readonly #connections: RegistryConnections;
  /** Variables, home directory and platform. */
  readonly environment: Environment;
  readonly #daemon: Omit<EngineClientOptions, "endpoint">;
  readonly #files: ArchiveSettings;
  readonly #tlsRestrictions: () => Promise<TlsRestrictions | undefined>;
  readonly #transports: ReadonlyMap<string, Transport>;

  constructor(options: ImageEnvironmentOptions = {}) {
    const { debug, warning, registriesConf, onExchange } = options;
    this.environment = options.environment ?? hostEnvironment();
    this.#files = {
      temporaryDirectory: options.temporaryDirectory ?? defaultTemporaryDirectory(),
      inflationLimit: options.inflationLimit ?? DEFAULT_INFLATION_LIMIT,
    };
    const http = {
      userAgent: options.userAgent ?? `skopeo/${VERSION}`,
      stallTimeout: options.stallTimeout ?? STALL_TIMEOUT,
      onExchange,
    };
    this.#daemon = { ...http, proxyFor: (url) => proxyFor(url, this.environment.env) };
    this.#tlsRestrictions = tlsRestrictionsOf(options.tlsDetails);
    this.#transports = new Map((options.transports ?? []).map((transport) => [transport.name, transport]));
    const { credentials, certificates, fetch, clock } = options;
    this.#connections = new RegistryConnections({
      ...{ credentials, certificates, fetch, clock },
      environment: this.environment,
      tlsRestrictions: this.#tlsRestrictions,
      ...http,
      requestsPerHost: options.requestsPerHost,
      onNetworkEvent: options.onNetworkEvent,
      uploadJournal: options.uploadJournal,
      signatureStorageDirectory: options.signatureStorageDirectory,
      registriesConf,
      ...(debug === undefined ? {} : { debug }),
      ...(warning === undefined ? {} : { warning }),
    });
  }

  /**
   * Resolves `transport:details`.
   * @throws {ImageError} INVALID_REFERENCE
   */
  async parseImageName(name: string, access: ImageAccess = {}): Promise<ImageReference> {
    const colon = name.indexOf(":");
    if (colon < 0) {
      throw new ImageError(
        "INVALID_REFERENCE",
        `Invalid image name ${JSON.stringify(name)}, expected colon-separated transport:reference`,
      );
    }
    const transport = await this.#loadTransport(name, name.slice(0, colon), access);
    return transport.parseReference(name.slice(colon + 1));
  }

  /**
   * Asks a registry, `host[:port]`, whether it lets these credentials in. One that asks for none lets everybody in.
   * @throws {ImageError} UNAUTHORIZED when it refuses them
   */
  async checkLogin(
    registry: string,
    credentials: Credentials,
    access: Pick<ImageAccess, "certDir" | "tlsVerify">,
    options: OperationOptions = {},
  ): Promise<void> {
    const connection = await this.connect(registry, { ...access, credentials });
    const response = await connection.ping(options);
    await response.discard();
    if (response.status === 200) return;
    if (response.status === 401) throw new ImageError("UNAUTHORIZED", "invalid username/password");
    throw new ImageError(
      "REGISTRY_FAILURE",
      `pinging container registry ${registry} returned ${response.status}`,
    );
  }

  /** The connection to a registry, `host[:port]`, under its own name: mirrors are for images. @throws {ImageError} POLICY_REJECTED when it is blocked, CONFIG_INVALID */
  async connect(registry: string, access: ImageAccess = {}): Promise<RegistryConnection> {
    return await this.#connections.connectTo(registry, access);
  }

  /** A client for the services of sigstore: it uses the machine's proxies and authorities, and has no credentials. @internal */
  async openServiceClient(): Promise<HttpClient> {
    return await this.#connections.openServiceClient();
  }

  /**
   * What the machine's configuration makes of the name of an image in a registry: mirrors, credentials, certificates,
   * proxies, each with the file that says so. No registry is asked. `typed` is the name as somebody wrote it.
   * @throws {ImageError} CONFIG_INVALID for a registries.conf that cannot be read
   * @internal
   */
  async reportConfiguration(
    image: { readonly name: DockerName; readonly typed: string },
    access: ImageAccess = {},
    options: OperationOptions = {},
  ): Promise<RegistryReport> {
    return await this.#connections.report(image, access, options);
  }

  /** Who keeps credentials on this machine, in the order of asking; `containers-auth.json` stands for the credential files. @internal */
  async credentialHelpers(): Promise<readonly string[]> {
    return await this.#connections.credentialHelpers();
  }

  async #loadTransport(name: string, transport: string, access: ImageAccess): Promise<Transport> {
    const own = this.#transports.get(transport);
    if (own !== undefined) return own;
    switch (transport) {
      case "docker":
        return (await import("../transports/docker/transport.ts")).createDockerTransport(
          this.#connections.accessFor(access),
        );
      case "docker-archive":
        return (await import("../transports/docker-archive/transport.ts")).createDockerArchiveTransport({
          ...this.#files,
          additionalTags: access.additionalTags ?? [],
        });
      case "docker-daemon":
        return (await import("../transports/docker-daemon/transport.ts")).createDockerDaemonTransport({
          ...this.#files,
          ...this.#daemon,
          host: {
            flag: access.daemonHost,
            certDir: access.certDir,
            tlsVerify: access.tlsVerify,
            tlsRestrictions: await this.#tlsRestrictions(),
            environment: this.environment.env,
            home: this.environment.home,
            platform: this.environment.platform,
          },
        });
      case "oci":
        return (await import("../transports/oci/transport.ts")).createOciTransport({
          sharedBlobDirectory: access.sharedBlobDir,
          fetchExternal: this.#connections.fetchExternal,
        });
      case "oci-archive":
        return (await import("../transports/oci-archive/transport.ts")).createOciArchiveTransport({
          ...this.#files,
          append: access.appendsToArchive ?? false,
          fetchExternal: this.#connections.fetchExternal,
        });
      case "dir":
        return (await import("../transports/dir/transport.ts")).createDirTransport();
      case "tarball":
        return (await import("../transports/tarball/transport.ts")).createTarballTransport(this.#files);
      case "atomic":
      case "containers-storage":
      case "ostree":
      case "sif":
        throw new ImageError(
          "UNSUPPORTED_OPERATION",
          `The transport "${transport}:" is not supported in this build`,
        );
      default:
        throw new ImageError(
          "INVALID_REFERENCE",
          `Invalid image name ${JSON.stringify(name)}, unknown transport ${JSON.stringify(transport)}${hint(name, transport)}`,
        );
    }
  }
}

/** Limits and places for transports that read archives. */
interface ArchiveSettings {
  readonly temporaryDirectory: string;
  readonly inflationLimit: InflationLimit;
}

/** Reads the file when something is about to use TLS, and once. */
function tlsRestrictionsOf(path: string | undefined): () => Promise<TlsRestrictions | undefined> {
  let restrictions: Promise<TlsRestrictions> | undefined;
  return async () => {
    if (path === undefined) return undefined;
    restrictions ??= import("../config/tls-details.ts").then(({ readTlsDetails }) => readTlsDetails(path));
    return await restrictions;
  };
}

/** A name without a transport is most often meant for a registry. */
function hint(name: string, transport: string): string {
  const isLikelyImage = /^[a-z0-9._/-]+$/.test(transport) && !TRANSPORT_NAMES.has(transport);
  return isLikelyImage ? ` (for an image in a registry, write docker://${name})` : "";
}
