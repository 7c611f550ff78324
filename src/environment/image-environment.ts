import { DEFAULT_INFLATION_LIMIT, type InflationLimit } from "../compression/inflation-limit.ts";
import type { ConfigurationListener } from "../config/listener.ts";
import { type Environment, hostEnvironment } from "../config/locations.ts";
import type { OperationOptions } from "../core/byte-stream.ts";
import type { Credentials } from "../core/credentials.ts";
import type { DockerName } from "../core/docker-name.ts";
import { ImageError } from "../core/errors.ts";
import type { ExternalFetch, ImageReference, Transport } from "../core/image.ts";
import type { NetworkEvent } from "../core/progress.ts";
import type { UploadJournal } from "../core/upload-journal.ts";
import type { RegistryConnection } from "../registry/connection.ts";
import type { ExchangeRecord } from "../registry/exchange-log.ts";
import type { HttpClient, TlsRestrictions } from "../runtime/http.ts";
import { VERSION } from "../version.ts";
import type { RegistryReport } from "./configuration-report.ts";
import type { ImageAccess } from "./image-access.ts";
import type { InjectedAccess } from "./injected-access.ts";
import type { RegistryConnections, RegistrySettings } from "./registry-access.ts";

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
  readonly #registries: RegistrySettings;
  #connected: Promise<RegistryConnections> | undefined;
  /** Variables, home directory and platform. */
  readonly environment: Environment;
  readonly #options: ImageEnvironmentOptions;
  readonly #tlsRestrictions: () => Promise<TlsRestrictions | undefined>;
  readonly #transports: ReadonlyMap<string, Transport>;

  constructor(options: ImageEnvironmentOptions = {}) {
    const { debug, warning, registriesConf, onExchange } = options;
    this.#options = options;
    this.environment = options.environment ?? hostEnvironment();
    this.#tlsRestrictions = tlsRestrictionsOf(options.tlsDetails);
    this.#transports = new Map((options.transports ?? []).map((transport) => [transport.name, transport]));
    const { credentials, certificates, fetch, clock } = options;
    this.#registries = {
      ...{ credentials, certificates, fetch, clock },
      environment: this.environment,
      tlsRestrictions: this.#tlsRestrictions,
      userAgent: options.userAgent ?? `skopeo/${VERSION}`,
      stallTimeout: options.stallTimeout ?? STALL_TIMEOUT,
      onExchange,
      requestsPerHost: options.requestsPerHost,
      onNetworkEvent: options.onNetworkEvent,
      uploadJournal: options.uploadJournal,
      signatureStorageDirectory: options.signatureStorageDirectory,
      registriesConf,
      ...(debug === undefined ? {} : { debug }),
      ...(warning === undefined ? {} : { warning }),
    };
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
    return await (await this.#connections()).connectTo(registry, access);
  }

  /** A client for the services of sigstore: it uses the machine's proxies and authorities, and has no credentials. */
  async openServiceClient(): Promise<HttpClient> {
    return await (await this.#connections()).openServiceClient();
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
    return await (await this.#connections()).report(image, access, options);
  }

  /** Who keeps credentials on this machine, in the order of asking; `containers-auth.json` stands for the credential files. @internal */
  async credentialHelpers(): Promise<readonly string[]> {
    return await (await this.#connections()).credentialHelpers();
  }

  /** Loaded with what it stands on when somebody needs a registry: importing the library costs little without it. */
  #connections(): Promise<RegistryConnections> {
    this.#connected ??= import("./registry-access.ts").then(
      ({ RegistryConnections }) => new RegistryConnections(this.#registries),
    );
    return this.#connected;
  }

  readonly #fetchExternal: ExternalFetch = async (blob, options) =>
    await (await this.#connections()).fetchExternal(blob, options);

  async #archiveSettings(): Promise<ArchiveSettings> {
    const { inflationLimit = DEFAULT_INFLATION_LIMIT, temporaryDirectory } = this.#options;
    const { defaultTemporaryDirectory } = await import("../runtime/temporary-file.ts");
    return { inflationLimit, temporaryDirectory: temporaryDirectory ?? defaultTemporaryDirectory() };
  }

  async #loadTransport(name: string, transport: string, access: ImageAccess): Promise<Transport> {
    const own = this.#transports.get(transport);
    if (own !== undefined) return own;
    switch (transport) {
      case "docker": {
        const [{ createDockerTransport }, connections] = await Promise.all([
          import("../transports/docker/transport.ts"),
          this.#connections(),
        ]);
        return createDockerTransport(connections.accessFor(access));
      }
      case "docker-archive":
        return (await import("../transports/docker-archive/transport.ts")).createDockerArchiveTransport({
          ...(await this.#archiveSettings()),
          additionalTags: access.additionalTags ?? [],
        });
      case "docker-daemon": {
        const [{ createDockerDaemonTransport }, { proxyFor }] = await Promise.all([
          import("../transports/docker-daemon/transport.ts"),
          import("../config/proxy.ts"),
        ]);
        const { userAgent, stallTimeout, onExchange } = this.#registries;
        return createDockerDaemonTransport({
          ...(await this.#archiveSettings()),
          ...{ userAgent, stallTimeout, onExchange },
          proxyFor: (url) => proxyFor(url, this.environment.env),
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
      }
      case "oci":
        return (await import("../transports/oci/transport.ts")).createOciTransport({
          sharedBlobDirectory: access.sharedBlobDir,
          fetchExternal: this.#fetchExternal,
        });
      case "oci-archive":
        return (await import("../transports/oci-archive/transport.ts")).createOciArchiveTransport({
          ...(await this.#archiveSettings()),
          append: access.appendsToArchive ?? false,
          fetchExternal: this.#fetchExternal,
        });
      case "dir":
        return (await import("../transports/dir/transport.ts")).createDirTransport();
      case "tarball":
        return (await import("../transports/tarball/transport.ts")).createTarballTransport(
          await this.#archiveSettings(),
        );
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
